"""YOLO text lines: class, centre x, centre y, width, height, score; 0..1."""

from collections.abc import Iterable, Iterator

from boxable.formats.record import ImageRecord
from boxable.vocabulary import ClassList


def yolo(records: Iterable[ImageRecord], classes: ClassList) -> Iterator[str]:
    """Format YOLO lines with a `# source` line before each image; the class is the label id."""
    for record in records:
        if "error" not in record:
            name = " ".join(record["source"].splitlines())
            yield f"# {name}\n" + yolo_lines(record)


def yolo_lines(record: ImageRecord) -> str:
    """Format the label file of one image."""
    lines = []
    for item in record["detections"]:
        ymin, xmin, ymax, xmax = item["box"]
        box = ((xmin + xmax) / 2, (ymin + ymax) / 2, xmax - xmin, ymax - ymin)
        lines.append(f"{item['label_id']} {' '.join(f'{value:.6f}' for value in (*box, item['score']))}\n")
    return "".join(lines)
