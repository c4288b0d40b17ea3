"""CSV: one row a detection."""

import csv as csv_module
import io
from collections.abc import Iterable, Iterator, Sequence

from boxable.formats.record import DetectionRecord, FrameRecord, ImageRecord
from boxable.vocabulary import ClassList

COLUMNS = ("source", "label", "mid", "name", "score", "ymin", "xmin", "ymax", "xmax")
FRAME_COLUMNS = ("source", "frame", "time", "track", *COLUMNS[1:])


def csv(records: Iterable[ImageRecord], classes: ClassList) -> Iterator[str]:
    """Columns: source, label (id), mid, name, score, ymin, xmin, ymax, xmax."""
    yield csv_lines([COLUMNS])
    for record in records:
        yield csv_lines([record["source"], *_cells(item)] for item in record["detections"])


def frame_csv(records: Iterable[FrameRecord], classes: ClassList) -> Iterator[str]:
    """Columns: source, frame, time, track (empty where there is none), and as `csv` from label on."""
    yield csv_lines([FRAME_COLUMNS])
    for record in records:
        yield csv_lines(
            [record["source"], record["frame"], record["time"], item.get("track"), *_cells(item)]
            for item in record["detections"]
        )


def _cells(item: DetectionRecord) -> list[object]:
    return [item["label"], item["mid"], item["name"], item["score"], *item["box"]]


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV text, quoted where needed."""
    text = io.StringIO()
    csv_module.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
