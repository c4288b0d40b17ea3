"""CSV: one row a detection."""

import csv as csv_module
from collections.abc import Iterable, Iterator
from pathlib import Path

from boxable.files import write_atomically
from boxable.formats.record import DetectionRecord, FrameRecord, ImageRecord
from boxable.vocabulary import ClassList

COLUMNS = ("source", "image_id", "label_id", "mid", "name", "score", "ymin", "xmin", "ymax", "xmax")
FRAME_COLUMNS = ("source", "frame", "time", "track", *COLUMNS[2:])


def csv(records: Iterable[ImageRecord], classes: ClassList) -> Iterator[str]:
    """Columns: source, image_id, label_id, mid, name, score, ymin, xmin, ymax, xmax."""
    yield csv_lines([COLUMNS])
    for record in records:
        yield csv_lines([record["source"], record["image_id"], *_cells(item)] for item in record["detections"])


def frame_csv(records: Iterable[FrameRecord], classes: ClassList) -> Iterator[str]:
    """Columns: source, frame, time, track (empty where there is none), and as `csv` from label_id on.

    The heads come with the first frame, so that a source without a readable frame gives no output.
    """
    heads = csv_lines([FRAME_COLUMNS])
    for record in records:
        yield heads + csv_lines(
            [record["source"], record["frame"], record["time"], item.get("track"), *_cells(item)]
            for item in record["detections"]
        )
        heads = ""
    yield heads


def _cells(item: DetectionRecord) -> list[object]:
    return [item["label_id"], item["mid"], item["name"], item["score"], *item["box"]]


def write_classes(classes: Iterable[tuple[str, str]], path: Path) -> None:
    """Write classes.csv: MID and name of each class, in this order."""
    write_atomically(path, csv_lines([("LabelName", "DisplayName"), *classes]).encode())


def csv_lines(rows: Iterable[Iterable[object]]) -> str:
    """Format rows as CSV with minimal quoting; lines end in "\\n"."""
    lines = _Lines()
    # The writer quotes only characters of its line terminator; with "\n" alone, "\r" in a cell would stay unquoted.
    csv_module.writer(lines, lineterminator=_Lines.END).writerows(rows)
    return "".join(lines)


class _Lines(list[str]):
    """The output of a csv.writer, with lines that end in "\\n"."""

    END = "\r\n"

    def write(self, line: str) -> None:
        self.append(f"{line.removesuffix(self.END)}\n")
