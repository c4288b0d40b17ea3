"""JSON: one object a line, or one array."""

import json
from collections.abc import Iterable, Iterator

from boxable.formats.record import FrameRecord, ImageRecord
from boxable.vocabulary import ClassList


def jsonl(records: Iterable[ImageRecord] | Iterable[FrameRecord], classes: ClassList) -> Iterator[str]:
    """One object an image, or frame of a video, and line."""
    for record in records:
        yield json.dumps(record, ensure_ascii=False) + "\n"


def json_array(records: Iterable[ImageRecord], classes: ClassList) -> Iterator[str]:
    """One array of the objects that jsonl writes."""
    start = "[\n"
    for line in jsonl(records, classes):
        yield start + line.rstrip("\n")
        start = ",\n"
    yield "[]\n" if start == "[\n" else "\n]\n"
