"""YOLO text lines: class, centre x, centre y, width, height, score; 0..1."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from boxable.formats.record import ImageRecord
from boxable.vocabulary import ClassList


def yolo(records: Iterable[ImageRecord], classes: ClassList) -> Iterator[str]:
    """Format YOLO lines with a `# source` line before each image; the first line names the classes, from number 0."""
    yield f"# names: {json.dumps([item.name for item in classes], ensure_ascii=False)}\n"
    for record in records:
        if "error" not in record:
            name = " ".join(record["source"].splitlines())
            yield f"# {name}\n" + yolo_lines(record, classes)


def yolo_lines(record: ImageRecord, classes: ClassList) -> str:
    """Format the label file of one image; the class is its index in `classes`."""
    return "".join(
        yolo_line(classes.column(classes.find(item["mid"])), item["box"], item["score"])
        for item in record["detections"]
    )


def yolo_line(number: int, box: Sequence[float], *more: float) -> str:
    """Format the line of a box (ymin, xmin, ymax, xmax) with the number of its class, and more values after it."""
    ymin, xmin, ymax, xmax = box
    values = ((xmin + xmax) / 2, (ymin + ymax) / 2, xmax - xmin, ymax - ymin, *more)
    return f"{number} {' '.join(f'{value:.9g}' for value in values)}\n"


def data_yaml(classes: ClassList, places: Mapping[str, str]) -> str:
    """Format data.yaml: where the images are, and the name of each class number."""
    # A string of JSON is one of YAML, so no library for YAML is needed.
    names = (f"  {number}: {json.dumps(item.name, ensure_ascii=False)}\n" for number, item in enumerate(classes))
    return "".join([*(f"{key}: {place}\n" for key, place in places.items()), "names:\n", *names])
