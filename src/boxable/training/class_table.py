"""The classes of a run with their boxes, shown before the training starts: a wrong class order is seen there."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from boxable.findings import Finding, counted
from boxable.metrics.input_checks import examples_of
from boxable.printing import one_line
from boxable.training.data import TrainingData
from boxable.vocabulary import ClassList, ObjectClass

Column = Literal["kept", "frozen", "new"]
# With fewer boxes a class is hardly learned.
FEW_BOXES = 10
# Rows of each end of the table, where not all are shown.
_SHOWN = 30
_HEAD = ("class", "label id", "MID", "train boxes", "train images", "validation boxes", "column")


@dataclass(frozen=True, slots=True)
class ClassRow:
    """A class of the trained model: its boxes, and what becomes of its column of the class layers.

    `kept`: it comes from the starting model and is trained on; `frozen`: it comes from there and stays; `new`: it is
    learned from nothing.
    """

    item: ObjectClass
    train_boxes: int
    train_images: int
    validation_boxes: int
    column: Column


def class_rows(data: TrainingData, start: ClassList, result: ClassList, *, keep: bool) -> list[ClassRow]:
    """Count the boxes of each class of the result, in the order of its columns; `start` are those of the model."""
    counts = data.images.class_counts()
    validation = _validation_boxes(data)
    of_old: Column = "frozen" if keep else "kept"
    old: dict[str, Column] = dict.fromkeys((item.mid for item in start), of_old)
    return [
        ClassRow(item, *counts.get(item.mid, (0, 0)), validation[item.mid], old.get(item.mid, "new")) for item in result
    ]


def class_notes(data: TrainingData, rows: list[ClassRow]) -> list[Finding]:
    """Warn of classes with few boxes or none, and of validation boxes whose class the model will not have."""
    trained = [row for row in rows if row.column != "frozen"]
    scored = {row.item.mid for row in rows}
    others = {mid: boxes for mid, boxes in _validation_boxes(data).items() if mid not in scored}
    names = {item.mid: item.name for item in data.classes}
    notes = [
        _finding(
            f"class|es with fewer than {FEW_BOXES} training boxes", "hardly learned",
            [row.item.name for row in trained if row.train_boxes < FEW_BOXES],
        ),
        _finding(
            "class|es without a validation box", "trained, but not measured",
            [row.item.name for row in trained if not row.validation_boxes],
        ),
        _finding(
            "class|es with validation boxes and without training boxes", "not learned, and not measured",
            [names.get(mid, mid) for mid in others],
        ),
    ]  # fmt: skip
    return [note for note in notes if note.count]


def table_lines(rows: list[ClassRow]) -> list[str]:
    """Format the classes that have boxes or a new column as lines; of many the first and the last."""
    shown = [row for row in rows if row.train_boxes or row.validation_boxes or row.column == "new"]
    cells = [_HEAD, *map(_cells, shown)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [_line(row, widths) for row in cells]
    if len(shown) > 2 * _SHOWN:
        lines[1 + _SHOWN : -_SHOWN] = [f"… {counted(len(shown) - 2 * _SHOWN, 'class|es')} more"]
    if others := len(rows) - len(shown):
        lines.append(f"and {counted(others, 'class|es')} of the starting model without boxes here")
    return lines


def _cells(row: ClassRow) -> tuple[str, ...]:
    numbers = (row.train_boxes, row.train_images, row.validation_boxes)
    name, mid = one_line(row.item.name), one_line(row.item.mid)
    return (name, str(row.item.label_id), mid, *(f"{number:,}" for number in numbers), row.column)


def _line(cells: Iterable[str], widths: list[int]) -> str:
    """Align names to the left and numbers to the right."""
    name, label_id, mid, *numbers, column = [
        text.ljust(width) if place in (0, 2, 6) else text.rjust(width)
        for place, (text, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join((name, label_id, mid, *numbers, column)).rstrip()


def _finding(subject: str, effect: str, names: list[str]) -> Finding:
    return Finding(subject, effect, "warning", len(names), examples=examples_of(names))


def _validation_boxes(data: TrainingData) -> Counter[str]:
    return Counter(data.validation.boxes.label.strings())
