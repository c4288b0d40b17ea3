"""Label maps of the Object Detection API: `StringIntLabelMap` as protobuf text.

As there, ids are columns counted from 1, with gaps allowed; the item with id 0 is the background; `display_name` goes
before `name`; fields that say nothing about classes, such as keypoints, are skipped.
"""

import re
from functools import cache
from typing import Any, NamedTuple

from google.protobuf import text_format

from boxable.errors import ArgumentError
from boxable.tf_messages import message_classes

# The fields that tell of classes, as `message_classes` takes them.
_MESSAGES = {
    "LabelMapItem": {"name": (1, "string"), "id": (2, "int32"), "display_name": (3, "string")},
    "LabelMap": {"item": (1, "*LabelMapItem")},
}

_START = re.compile(r"^[ \t]*+item\s*+:?\s*+[{<]", re.MULTILINE)
# What may hold braces without opening a block, the braces, and the name of a block.
_TOKENS = re.compile(r"\"(?:[^\"\\\n]|\\.)*+\"|'(?:[^'\\\n]|\\.)*+'|#[^\n]*+|[{}<>]|\bitem\b")
_BACKGROUND = "background"


class LabelRow(NamedTuple):
    """A class of a label file: its id (its column, from 1), MID and name (one may be empty), and its line."""

    label_id: int
    mid: str
    name: str
    line: int


def is_label_map(text: str) -> bool:
    """Tell whether a text is a label map, and no list of names."""
    return _START.search(text) is not None


def label_map_rows(text: str, name: str) -> list[LabelRow]:
    """Read the classes of a label map, in the order of the file. Raises ArgumentError, prefixed with `name`."""
    found = _message()()
    try:
        text_format.Parse(text, found, allow_unknown_field=True)
    except text_format.ParseError as error:
        raise ArgumentError(f"{name}: line {error.GetLine() or 1}: no label map ({_reason(error)})") from None
    except (RecursionError, UnicodeError):
        raise ArgumentError(f"{name}: no label map (blocks too deep, or no text)") from None
    rows = []
    for item, line in zip(found.item, _item_lines(text), strict=True):
        if not item.HasField("id"):
            raise ArgumentError(f"{name}: line {line}: an item without an id; expected id, name and display_name")
        mid = item.name if item.name.startswith("/m/") else ""
        row = LabelRow(item.id, mid, item.display_name or (item.name if not mid else ""), line)
        if item.id or _BACKGROUND not in (item.name, item.display_name):
            rows.append(row)
    return rows


def _reason(error: text_format.ParseError) -> str:
    """Shorten protobuf's message, which begins with the line and column."""
    return " ".join(re.sub(r"^[\d:\s]+", "", str(error)).split())[:120]


def _item_lines(text: str) -> list[int]:
    """Find the line on which each item begins."""
    lines, depth, line, seen = [], 0, 1, 0
    for token in _TOKENS.finditer(text):
        line += text.count("\n", seen, token.start())
        seen = token.start()
        if token[0] == "item" and depth == 0:
            lines.append(line)
        depth += (token[0] in "{<") - (token[0] in "}>")
    return lines


@cache
def _message() -> Any:
    return message_classes("boxable.label_map", _MESSAGES, syntax="proto2")["boxable.label_map.LabelMap"]
