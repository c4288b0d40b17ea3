"""The prediction CSV of the Open Images Challenge."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from boxable.files import write_atomically
from boxable.formats.record import ImageRecord
from boxable.formats.rows import csv_lines
from boxable.vocabulary import ClassList

if TYPE_CHECKING:
    from boxable.formats.annotations import Predictions

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


def write_predictions(predictions: "Predictions", path: Path) -> None:
    """Write predictions as such a CSV file, row by row in their order. Raises BoxableError."""
    ymin, xmin, ymax, xmax = predictions.box.T.tolist()
    rows = zip(
        predictions.image.strings(), predictions.label.strings(), predictions.score.tolist(), xmin, xmax, ymin, ymax,
        strict=True,
    )  # fmt: skip
    write_atomically(path, (csv_lines([COLUMNS]) + csv_lines(rows)).encode())
