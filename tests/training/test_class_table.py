"""The table of classes at the start of a run."""

from pathlib import Path

import pytest

from boxable.training.class_table import ClassRow, class_notes, class_rows, table_lines
from boxable.training.data import TrainingData, open_training_data
from boxable.training.result_classes import result_classes
from boxable.vocabulary import ClassList
from tests.openimages.made import CAT, DOG, box
from tests.training.sets import NAMES, TRAIN, VALIDATION, training_set

MODEL = ClassList.from_mids([(CAT, ""), ("/m/0k4j", "")])
HORSE, MOUSE = "/m/03k3r", "/m/04rmv"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    rows = [*(box(name, CAT) for name in NAMES), *(box(TRAIN[0], DOG) for _ in range(10)), box(VALIDATION[0], HORSE)]
    return training_set(tmp_path / "set", [*rows, box(TRAIN[0], MOUSE), box(VALIDATION[0], MOUSE)])


def rows_of(data: TrainingData, *, keep: bool) -> list[ClassRow]:
    return class_rows(data, MODEL, result_classes(data, MODEL, keep=keep), keep=keep)


def short(rows: list[ClassRow]) -> list[tuple[object, ...]]:
    return [(row.item.name, row.train_boxes, row.train_images, row.validation_boxes, row.column) for row in rows]


def test_boxes_are_counted_by_class_and_columns_told_apart(path: Path) -> None:
    with open_training_data(path) as data:
        assert short(rows_of(data, keep=False)) == [
            ("Cat", 5, 5, 5, "kept"), ("Mouse", 1, 1, 1, "new"), ("Dog", 10, 1, 0, "new"),
        ]  # fmt: skip
        assert short(rows_of(data, keep=True)) == [
            ("Cat", 5, 5, 5, "frozen"), ("Car", 0, 0, 0, "frozen"), ("Mouse", 1, 1, 1, "new"), ("Dog", 10, 1, 0, "new"),
        ]  # fmt: skip


def test_few_boxes_are_warned_of_and_what_is_frozen_needs_none(path: Path) -> None:
    with open_training_data(path) as data:
        assert [str(note) for note in class_notes(data, rows_of(data, keep=False))] == [
            "2 classes with fewer than 10 training boxes (Cat, Mouse): hardly learned",
            "1 class without a validation box (Dog): trained, but not measured",
            "1 class with validation boxes and without training boxes (Horse): not learned, and not measured",
        ]
        assert str(class_notes(data, rows_of(data, keep=True))[0]) == (
            "1 class with fewer than 10 training boxes (Mouse): hardly learned"
        )


def test_the_table_is_aligned_and_leaves_out_what_has_no_boxes(path: Path) -> None:
    with open_training_data(path) as data:
        assert table_lines(rows_of(data, keep=True)) == [
            "class  label id  MID        train boxes  train images  validation boxes  column",
            "Cat         122  /m/01yrx             5             5                 5  frozen",
            "Mouse       299  /m/04rmv             1             1                 1  new",
            "Dog         446  /m/0bt9lr           10             1                 0  new",
            "and 1 class of the starting model without boxes here",
        ]


def test_a_kept_class_that_is_only_validated_by_is_shown(path: Path) -> None:
    model = ClassList.from_mids([(CAT, ""), (HORSE, ""), ("/m/0k4j", "")])
    with open_training_data(path) as data:
        rows = class_rows(data, model, result_classes(data, model, keep=True), keep=True)
        assert [line.split()[0] for line in table_lines(rows)] == ["class", "Cat", "Horse", "Mouse", "Dog", "and"]


def test_of_many_classes_the_first_and_the_last_are_shown() -> None:
    names = [f"class {number:03}" for number in range(100)]
    rows = [ClassRow(item, 1000, 1, 1, "new") for item in ClassList.from_names(names)]
    lines = table_lines(rows)
    assert len(lines) == 1 + 60 + 1
    assert lines[30].startswith("class 029")
    assert lines[31] == "… 40 classes more"
    assert lines[32].startswith("class 070")
    assert "1,000" in lines[-1]
    assert len(table_lines(rows[:60])) == 61
