"""Read the classes of a model, in column order, from label files and string tensors."""

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from boxable.errors import ArgumentError, WeightsError
from boxable.vocabulary import ClassList
from boxable.vocabulary.classes import classes_of
from boxable.weights.label_map import LabelRow, is_label_map, label_map_rows

logger = logging.getLogger("boxable")

MAX_BYTES = 4 * 2**20
_FORMS = ".pbtxt, TSV (id, MID, name) or one name a line"
_ID = re.compile(r"[0-9]{1,9}")
_NUMBERED = re.compile(r"\s*+([0-9]{1,9})(?:\s*+[:,]\s*+|\s++)(\S.*+)")
_NO_CLASS = "???"
_BACKGROUND = ("", _NO_CLASS, "background", "__background__")
_HEAD = "label_id\tmid\tname"


@dataclass(frozen=True, slots=True)
class Labels:
    """The classes that a label file names, and the column of each in the network, from 0, ascending."""

    classes: ClassList
    columns: list[int]

    @property
    def count(self) -> int:
        """The number of columns of a network that it fits; those between, which it leaves out, have no class."""
        return self.columns[-1] + 1


def read_labels(path: Path) -> Labels:
    """Read a label file: .pbtxt, TSV (id, MID, name), one name or MID a line, or lines such as `0 cat`.

    A first line for the background (empty, `???`, `background`) is dropped, and later `???` are columns without a
    class. Raises ArgumentError, prefixed with the path, for anything else.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ArgumentError(f"{path}: too large for a list of classes")
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ArgumentError(f"{path}: not text; expected {_FORMS}") from None
    except OSError as error:
        raise ArgumentError(f"{path}: cannot read it ({error.strerror or error})") from None
    return parse_labels(text, str(path))


def parse_labels(text: str, name: str) -> Labels:
    """Parse the text of a label file. Errors are prefixed with `name`."""
    rows = label_map_rows(text, name) if is_label_map(text) else _line_rows(text)
    if not rows:
        raise ArgumentError(f"{name}: no classes; expected {_FORMS}")
    rows.sort(key=lambda row: row.label_id)
    for first, second in pairwise(rows):
        if first.label_id == second.label_id:
            raise ArgumentError(
                f"{name}: lines {first.line} and {second.line} both have the id {first.label_id}; expected one class"
            )
    if rows[0].label_id < 1:
        raise ArgumentError(f"{name}: line {rows[0].line}: expected an id from 1 (0 is the background's)")
    classes = classes_of([(row.mid, row.name) for row in rows], name)
    return Labels(classes, [row.label_id - 1 for row in rows])


def classes_in_strings(strings: Iterable[Sequence[str]], count: int, name: str) -> ClassList | None:
    """Find the classes among the string tensors of a graph: lists of `count` MIDs or names; None if there are none."""
    lists = [_without_background(list(item), count) for item in strings]
    fitting = [item for item in lists if len(item) == count and all(item)]
    of_mids = [item for item in fitting if all(text.startswith("/m/") for text in item)]
    of_names = [item for item in fitting if item not in of_mids]
    mids = of_mids[0] if of_mids else [""] * count
    names = of_names[0] if of_names else [""] * count
    if not of_mids and not of_names:
        return None
    try:
        return classes_of(list(zip(mids, names, strict=True)), name)
    except ArgumentError as error:
        raise WeightsError(str(error)) from None


def _without_background(item: list[str], count: int) -> list[str]:
    return item[1:] if len(item) == count + 1 and item[0].casefold() in _BACKGROUND else item


def _line_rows(text: str) -> list[LabelRow]:
    """Read the lines of a file that is no label map: TSV, numbered names, or one name or MID a line."""
    lines = [(number, line.rstrip("\r")) for number, line in enumerate(text.split("\n"), start=1)]
    while lines and not lines[-1][1].strip():
        lines.pop()
    if lines and lines[0][1].strip().casefold() == _HEAD:
        lines = lines[1:]
    return _table_rows(lines) or _numbered_rows(lines) or _name_rows(lines)


def _table_rows(lines: list[tuple[int, str]]) -> list[LabelRow]:
    """Read TSV with id, MID and name; nothing if a line is none."""
    cells = [(number, [cell.strip() for cell in line.split("\t")]) for number, line in lines]
    if not all(len(row) >= 3 and _ID.fullmatch(row[0]) for _, row in cells):
        return []
    return [LabelRow(int(row[0]), row[1], row[2], number) for number, row in cells]


def _numbered_rows(lines: list[tuple[int, str]]) -> list[LabelRow]:
    """Read lines such as `0 cat`, counted from 0 or 1, or from the background on; nothing if a line is none."""
    found = [(number, match) for number, line in lines if (match := _NUMBERED.fullmatch(line))]
    numbers = [int(match[1]) for _, match in found]
    if len(found) < len(lines) or numbers[:1] not in ([0], [1]) or sorted(numbers) != numbers:
        return []
    rows = [LabelRow(int(match[1]), *_mid_and_name(match[2]), number) for number, match in found]
    if found[0][1][2].strip().casefold() in _BACKGROUND:
        rows = rows[1:] if numbers[0] == 0 else [row._replace(label_id=row.label_id - 1) for row in rows[1:]]
    elif numbers[0] == 0:
        rows = [row._replace(label_id=row.label_id + 1) for row in rows]
    return [row for row in rows if row.name != _NO_CLASS]


def _name_rows(lines: list[tuple[int, str]]) -> list[LabelRow]:
    if lines and lines[0][1].strip().casefold() in _BACKGROUND:
        lines = lines[1:]
    rows = [LabelRow(place, *_mid_and_name(line), number) for place, (number, line) in enumerate(lines, start=1)]
    return [row for row in rows if row.name != _NO_CLASS]


def _mid_and_name(text: str) -> tuple[str, str]:
    text = text.strip()
    return (text, "") if text.startswith("/m/") else ("", text)
