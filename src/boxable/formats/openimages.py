"""The prediction CSV of the Open Images Challenge."""

from collections.abc import Iterable, Iterator

from boxable.formats.record import ImageRecord
from boxable.formats.rows import csv_lines
from boxable.vocabulary import ClassList

COLUMNS = ("ImageID", "LabelName", "Score", "XMin", "XMax", "YMin", "YMax")


def openimages(records: Iterable[ImageRecord], classes: ClassList) -> Iterator[str]:
    """ImageID is the image id, LabelName the MID."""
    yield csv_lines([COLUMNS])
    for record in records:
        rows = []
        for item in record["detections"]:
            ymin, xmin, ymax, xmax = item["box"]
            rows.append((record["image_id"], item["mid"], item["score"], xmin, xmax, ymin, ymax))
        yield csv_lines(rows)
