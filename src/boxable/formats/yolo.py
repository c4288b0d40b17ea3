"""YOLO text lines: class, centre x, centre y, width, height, score; 0..1."""

from collections.abc import Iterable, Iterator

from boxable.formats.record import ImageRecord
from boxable.vocabulary import ClassList


def yolo(records: Iterable[ImageRecord], classes: ClassList) -> Iterator[str]:
    """A `# source` line before the lines of each picture; the class is the label id."""
    for record in records:
        if "error" not in record:
            name = " ".join(record["source"].splitlines())
            yield f"# {name}\n" + yolo_lines(record)


def yolo_lines(record: ImageRecord) -> str:
    """The lines of one picture, as its own label file holds them."""
    lines = []
    for item in record["detections"]:
        ymin, xmin, ymax, xmax = item["box"]
        box = ((xmin + xmax) / 2, (ymin + ymax) / 2, xmax - xmin, ymax - ymin)
        lines.append(f"{item['label']} {' '.join(f'{value:.6f}' for value in (*box, item['score']))}\n")
    return "".join(lines)
