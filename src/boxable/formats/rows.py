"""CSV: one row a detection."""

import csv as csv_module
import io
from collections.abc import Iterable, Iterator, Sequence

from boxable.formats.record import ImageRecord
from boxable.vocabulary import ClassList

COLUMNS = ("source", "label", "mid", "name", "score", "ymin", "xmin", "ymax", "xmax")


def csv(records: Iterable[ImageRecord], classes: ClassList) -> Iterator[str]:
    """Columns: source, label (id), mid, name, score, ymin, xmin, ymax, xmax."""
    yield csv_lines([COLUMNS])
    for record in records:
        yield csv_lines(
            [record["source"], item["label"], item["mid"], item["name"], item["score"], *item["box"]]
            for item in record["detections"]
        )


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV text, quoted where needed."""
    text = io.StringIO()
    csv_module.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
