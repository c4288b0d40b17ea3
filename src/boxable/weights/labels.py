"""Read the classes of a model, in column order, from label files and string tensors."""

import logging
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from boxable.errors import ArgumentError, WeightsError
from boxable.vocabulary import ClassList
from boxable.vocabulary.classes import classes_of

logger = logging.getLogger("boxable")

MAX_BYTES = 4 * 2**20
# Possessive quantifiers: linear time on any text.
_ITEM = re.compile(r"item\s*+:?\s*+\{((?:[^{}\"']|\"(?:[^\"\\\n]|\\.)*+\"|'(?:[^'\\\n]|\\.)*+')*+)\}")
_FIELD = re.compile(r"\b(\w++)\s*+:\s*+(?:\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|(-?\d+))")
_ESCAPE = re.compile(r"\\(.)")
_ID = re.compile(r"[0-9]{1,9}")
_BACKGROUND = ("", "???", "background", "__background__")


def read_labels(path: Path) -> ClassList:
    """Read a label file: .pbtxt, TSV (id, MID, name), or one name or MID a line.

    Returns the classes in column order. A first line for the background (empty, `???`, `background`) is dropped.
    Raises ArgumentError, prefixed with the path, for anything else.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ArgumentError(f"{path}: too large for a list of classes")
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ArgumentError(f"{path}: not text; expected .pbtxt, TSV (id, MID, name) or one name a line") from None
    except OSError as error:
        raise ArgumentError(f"{path}: cannot read it ({error.strerror or error})") from None
    return parse_labels(text, str(path))


def parse_labels(text: str, name: str) -> ClassList:
    """Parse the text of a label file. Errors are prefixed with `name`."""
    if _ITEM.search(text):
        rows = [_pbtxt_item(item) for item in _ITEM.findall(text)]
    else:
        rows = [_line(number, line) for number, line in enumerate(_lines(text), start=1)]
    if not rows:
        raise ArgumentError(f"{name}: no classes; expected .pbtxt, TSV (id, MID, name) or one name a line")
    rows.sort(key=lambda row: row[0])
    if [row[0] for row in rows] != list(range(1, len(rows) + 1)):
        raise ArgumentError(f"{name}: expected the ids 1 to {len(rows)}, each once, got others")
    return classes_of([(mid, label) for _, mid, label in rows], name)


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


def _lines(text: str) -> list[str]:
    lines = [line.rstrip("\r") for line in text.split("\n")]
    while lines and not lines[-1].strip():
        lines.pop()
    if lines and lines[0].strip().casefold() in (*_BACKGROUND, "label_id\tmid\tname"):
        lines = lines[1:]
    return lines


def _line(number: int, line: str) -> tuple[int, str, str]:
    """Parse a line, TSV (id, MID, name) or only a name or MID, to (column, MID, name)."""
    cells = [cell.strip() for cell in line.split("\t")]
    if len(cells) >= 3 and _ID.fullmatch(cells[0]):
        return int(cells[0]), cells[1], cells[2]
    return (number, cells[0], "") if cells[0].startswith("/m/") else (number, "", cells[0])


def _pbtxt_item(text: str) -> tuple[int, str, str]:
    """Parse an `item {}` to (column, MID, name); without `display_name`, `name` is the name."""
    fields = {match[1]: match[4] or _ESCAPE.sub(r"\1", match[2] or match[3] or "") for match in _FIELD.finditer(text)}
    name, shown = fields.get("name", ""), fields.get("display_name", "")
    mid = name if name.startswith("/m/") else ""
    column = int(fields["id"]) if _ID.fullmatch(fields.get("id", "")) else 0
    return column, mid, shown or (name if not mid else "")
