"""YOLO: data.yaml, images, and labels with a line a box: class, centre x and y, width, height, as shares of the image.

A line may also be an outline: class, and x and y of three or more points (segmentation, oriented boxes).
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from boxable.errors import ArgumentError
from boxable.files import is_clutter
from boxable.formats.annotated.image import AnnotatedImage, AnnotatedSet
from boxable.formats.annotated.splits import in_order
from boxable.formats.annotated.yolo_description import Description, describe, find_description, is_list, text_of
from boxable.formats.annotated.yolo_layout import Entry, find_entries
from boxable.formats.openimages_reading import has_tables
from boxable.vocabulary import ClassList, ObjectClass

_EXPECTED = "expected class, centre x and y, width, height, or class and the points of an outline"
# How many numbers follow the class.
_BOX, _FEWEST_OF_OUTLINE = 4, 6
_SMALL = re.compile(r"[0-9]{1,4}")


def is_yolo(path: Path) -> bool:
    """Whether this is such a set: a file that names classes in YAML, or a folder with one, with labels or with a list.

    A folder with tables of Open Images is one only if it has both labels and names of classes.
    """
    if not path.is_dir():
        return path.is_file() and find_description(path) is not None
    names = [name.lower() for name in _names(path)]
    described = any(map(is_list, names)) or find_description(path) is not None
    if has_tables(path):
        return described and "labels" in names
    return described or "labels" in names or any(_is_part(path / name) for name in _names(path))


def _names(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if not is_clutter(name)]


def _is_part(path: Path) -> bool:
    """Tell whether this is train/ with labels/ or a list of classes in it."""
    return path.is_dir() and any(name.lower() == "labels" or is_list(name) for name in _names(path))


def read(path: Path) -> AnnotatedSet:
    """Read the images with a label file, and those without one, which have no boxes; `yolo_layout` finds them.

    An id is the path relative to the set without `images` and suffix. Raises ArgumentError where nothing names the
    classes, for what cannot be found, and for a line that is no label.
    """
    described = describe(path)
    found = AnnotatedSet(ClassList(described.classes.values()), iter(()))
    entries = find_entries(described, found)
    found.splits = in_order(entry.split for entry in entries)
    found.images = (_image(entry, described, found) for entry in entries)
    return found


def _image(entry: Entry, described: Description, found: AnnotatedSet) -> AnnotatedImage:
    labels: list[str] = []
    boxes: list[tuple[float, ...]] = []
    if entry.labels:
        keypoints = _keypoints(described)
        for place, cells in _lines(entry.labels):
            labels.append(_class(cells[0], described.classes, place).mid)
            boxes.append(_box(cells[1:], keypoints, place, found))
    box = np.array(boxes, np.float64).reshape(-1, 4)
    return AnnotatedImage(entry.image_id, labels, box, file=entry.image, split=entry.split)


def _lines(path: Path) -> Iterator[tuple[str, list[str]]]:
    for number, line in enumerate(text_of(path).splitlines(), start=1):
        if cells := line.split():
            yield f"{path}, line {number}", cells


def _class(cell: str, classes: Mapping[int, ObjectClass], place: str) -> ObjectClass:
    """Find the class of a number, which others write as 0.0."""
    try:
        number = float(cell)
        found = classes.get(int(number)) if number.is_integer() else None
    except ValueError:
        found = None
    if found is None:
        numbers = f"a number from {min(classes)} to {max(classes)}, as the YOLO set names them"
        raise ArgumentError(f"{place}: class {cell[:20]!r}; expected {numbers}")
    return found


def _box(cells: list[str], keypoints: int, place: str, found: AnnotatedSet) -> tuple[float, ...]:
    """Return ymin, xmin, ymax, xmax; of an outline the box around its points. What is left out is counted."""
    try:
        values = [float(cell) for cell in cells]
    except ValueError as error:
        raise ArgumentError(f"{place}: {error} in a YOLO label; {_EXPECTED}") from None
    if keypoints and len(values) in (_BOX + keypoints, _BOX + keypoints + 1):
        found.count("box|es with keypoints", 1, effect="the keypoints are dropped")
        values = [*values[:_BOX], *values[_BOX + keypoints :]]
    if len(values) < _BOX:
        raise ArgumentError(f"{place}: {len(values) + 1} values in a YOLO label; {_EXPECTED}")
    is_outline = len(values) >= _FEWEST_OF_OUTLINE
    if len(values) % 2:
        found.count("box|es with a score", 1, effect="the score is dropped")
        values.pop()
    if is_outline:
        found.count("outline|s of objects", 1, effect="only the box around each is kept")
        return min(values[1::2]), min(values[::2]), max(values[1::2]), max(values[::2])
    x, y, width, height = values
    return y - height / 2, x - width / 2, y + height / 2, x + width / 2


def _keypoints(described: Description) -> int:
    """How many values `kpt_shape` of data.yaml gives each box beyond its sides: points times values of a point."""
    match described.keys.get("kpt_shape"):
        case [str(points), str(values)] if _SMALL.fullmatch(points) and _SMALL.fullmatch(values):
            return int(points) * int(values)
    return 0
