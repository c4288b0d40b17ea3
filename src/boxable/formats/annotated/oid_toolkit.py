"""Open Images as OIDv4_ToolKit leaves it: CLASS/x.jpg, CLASS/Label/x.txt, lines `Cat left top right bottom` in pixels.

An image is in the folder of each of its classes, each time with the boxes of this class alone.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from boxable.errors import ArgumentError
from boxable.files import files_below, folders_within, read_text
from boxable.formats.annotated.classes import named_classes
from boxable.formats.annotated.image import AnnotatedImage, AnnotatedSet
from boxable.formats.annotated.image_files import with_boxes_in_pixels
from boxable.formats.annotated.splits import in_order, split_of
from boxable.formats.openimages_reading import has_tables
from boxable.images.codecs import SUFFIXES
from boxable.images.image_ids import image_id

_LABELS = "Label"
# OID/Dataset/train/Cat
_DEEPEST = 5
_SIDES = 4

# The name of the class; ymin, xmin, ymax, xmax in pixels.
_Row = tuple[str, tuple[float, ...]]


@dataclass(slots=True)
class _Entry:
    """An image: its files, and the rows of all folders, each once."""

    split: str
    image: Path | None = None
    rows: dict[_Row, None] = field(default_factory=dict)


def is_oid_toolkit(path: Path) -> bool:
    """Tell whether there is a folder Label with text files, in this folder or a little below, and no table."""
    return (
        path.is_dir()
        and not has_tables(path)
        and any(
            _LABELS in folders and any(name.lower().endswith(".txt") for name in os.listdir(place / _LABELS))
            for place, folders, _ in folders_within(path, _DEEPEST)
        )
    )


def read(folder: Path) -> AnnotatedSet:
    """Read the images with labels; an id is the name of the file without suffix, as in Open Images.

    Raises ArgumentError for a line that is no label.
    """
    entries: dict[str, _Entry] = {}
    labelled: set[Path] = set()
    images: dict[str, Path] = {}
    for name, path in files_below(folder):
        if path.parent.name == _LABELS and name.lower().endswith(".txt"):
            entry = entries.setdefault(image_id(path.name), _Entry(split_of(name)))
            entry.rows.update(dict.fromkeys(_rows(path)))
            labelled.add(path.parent.parent)
        elif name.lower().endswith(SUFFIXES):
            images.setdefault(image_id(path.name), path)
    for key, entry in entries.items():
        entry.image = images.get(key)
    classes, mids = named_classes(label for entry in entries.values() for label, _ in entry.rows)
    found = AnnotatedSet(classes, iter(()), splits=in_order(entry.split for entry in entries.values()))
    others = [key for key, path in images.items() if key not in entries and path.parent in labelled]
    found.count("OIDv4_ToolKit image file|s without a text file in Label", len(others), others)
    found.images = _images(entries, mids, found)
    return found


def _rows(path: Path) -> Iterator[_Row]:
    for number, line in enumerate(read_text(path, "labels of OIDv4_ToolKit").splitlines(), start=1):
        if not line.strip():
            continue
        name, *sides = line.rsplit(maxsplit=_SIDES)
        try:
            left, top, right, bottom = map(float, sides)
        except ValueError:
            raise ArgumentError(
                f"{path}, line {number}: {line[:40]!r}; expected a label of OIDv4_ToolKit: the name of a class, then "
                "left, top, right and bottom in pixels"
            ) from None
        yield name.strip(), (top, left, bottom, right)


def _images(entries: dict[str, _Entry], mids: dict[str, str], found: AnnotatedSet) -> Iterator[AnnotatedImage]:
    for key, entry in sorted(entries.items()):
        image = AnnotatedImage(key, [], np.zeros((0, 4)), file=entry.image, split=entry.split)
        labels = [mids[name] for name, _ in entry.rows]
        yield from with_boxes_in_pixels(found, image, labels, [sides for _, sides in entry.rows])
