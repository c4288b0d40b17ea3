"""The CSV of the Object Detection API's tutorials, and of Roboflow: a row a box, with corners in pixels.

Columns are filename, width, height, class, xmin, ymin, xmax, ymax, in any order. As in the tutorials, corners are
divided by the size of the image.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from boxable.errors import ArgumentError
from boxable.files import is_clutter, reading
from boxable.formats.annotated.classes import named_classes
from boxable.formats.annotated.image import AnnotatedImage, AnnotatedSet, pixels
from boxable.formats.annotated.image_files import ImageFiles, with_boxes_in_pixels
from boxable.formats.annotated.splits import in_order, split_of, split_of_stem
from boxable.formats.coco_images import find_named_images
from boxable.images.image_ids import image_id

_SIDES = ("ymin", "xmin", "ymax", "xmax")
_COLUMNS = ("filename", "width", "height", "class", *_SIDES)
# Folders that tables of the tutorials are in, beside that of the images.
_TABLE_FOLDERS = ("annotations", "data", "labels")
_LONGEST_LINE = 1 << 16


@dataclass(slots=True)
class _Entry:
    """An image: its id, file name, size, boxes in pixels and the names of their classes."""

    image_id: str
    filename: str
    size: tuple[int, int]
    split: str
    boxes: list[list[float]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


def is_pixel_csv(path: Path) -> bool:
    """Whether this is such a file, or a folder with some: in it, in annotations/ or data/, or in folders of splits."""
    return _has_columns(path) if path.is_file() else path.is_dir() and next(_tables(path), None) is not None


def _has_columns(path: Path) -> bool:
    return path.name.lower().endswith(".csv") and path.is_file() and set(_COLUMNS) <= set(_header(path))


def _header(path: Path) -> list[str]:
    try:
        with reading(path), path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            cells = next(csv.reader([file.readline(_LONGEST_LINE)]), [])
            return [name.strip().lower() for name in cells]
    except csv.Error:
        return []


def _tables(folder: Path) -> Iterator[Path]:
    """Yield the tables in the folder itself, else those a folder below it."""
    inner = [item for item in sorted(folder.iterdir()) if item.is_dir() and not is_clutter(item.name)]
    named = [item for item in inner if item.name.lower() in _TABLE_FOLDERS or split_of(f"{item.name}/")]
    for places in ([folder], named):
        files = [path for place in places for path in sorted(place.iterdir()) if not is_clutter(path.name)]
        if tables := [path for path in files if _has_columns(path)]:
            yield from tables
            return


def read(path: Path) -> AnnotatedSet:
    """Read one table, or those of a folder, such as train_labels.csv and test_labels.csv, with the images of each.

    An id is the path of the image without suffix. Raises ArgumentError for a row that is none, and for an image in two
    tables.
    """
    root = path if path.is_dir() else path.parent
    entries: dict[str, _Entry] = {}
    files: dict[str, Path] = {}
    for table in _tables(path) if path.is_dir() else [path]:
        rows = _entries(table, table.parent.relative_to(root).as_posix())
        for key in rows.keys() & entries.keys():
            raise ArgumentError(f"{table}: image {key!r} is in another table of {root} too; expected it in one")
        entries |= rows
        files |= find_named_images(table, {key: entry.filename for key, entry in rows.items()})
    classes, mids = named_classes(name for entry in entries.values() for name in entry.names)
    found = AnnotatedSet(classes, iter(()), splits=in_order(entry.split for entry in entries.values()))
    found.images = _images(entries, files, ImageFiles(root), mids, found)
    return found


def _entries(table: Path, folder: str) -> dict[str, _Entry]:
    prefix = "" if folder.lower() in (".", *_TABLE_FOLDERS) else f"{folder}/"
    split = split_of_stem(table.stem) or split_of(f"{folder}/")
    entries: dict[str, _Entry] = {}
    try:
        with reading(table), table.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            columns = [name.strip().lower() for name in next(rows)]
            for row in filter(any, rows):
                _add(entries, dict(zip(columns, row, strict=False)), f"{table}, line {rows.line_num}", prefix, split)
    except UnicodeError:
        raise ArgumentError(f"{table}: not text; expected CSV with {', '.join(_COLUMNS)}") from None
    except csv.Error as error:
        raise ArgumentError(f"{table}: {error}; expected CSV with {', '.join(_COLUMNS)}") from None
    return entries


def _add(entries: dict[str, _Entry], row: dict[str, str], place: str, prefix: str, split: str) -> None:
    """Add a row to its image; one without a class is an image without boxes."""
    filename = row.get("filename", "").strip()
    try:
        width, height = (pixels(float(row.get(side) or 0)) for side in ("width", "height"))
        box = [float(row[side]) for side in _SIDES] if row.get("class", "").strip() else None
    except (KeyError, ValueError) as error:
        what = f"no {error.args[0]}" if isinstance(error, KeyError) else str(error)
        raise ArgumentError(f"{place}: {what}; expected a box in pixels: {', '.join(_COLUMNS)}") from None
    if not filename:
        raise ArgumentError(f"{place}: no filename; expected {', '.join(_COLUMNS)}")
    entry = _Entry(image_id(prefix + filename), filename, (width, height), split)
    entry = entries.setdefault(entry.image_id, entry)
    if entry.filename != filename:
        raise ArgumentError(f"{place}: {filename!r} and {entry.filename!r} both have the image id {entry.image_id!r}")
    if box:
        entry.boxes.append(box)
        entry.names.append(row["class"].strip())


def _images(
    entries: dict[str, _Entry], files: dict[str, Path], others: ImageFiles, mids: dict[str, str], found: AnnotatedSet
) -> Iterator[AnnotatedImage]:
    """Yield the images whose size is known; those without a file beside their table are looked for in the set."""
    for key, entry in entries.items():
        width, height = entry.size
        file = files.get(key) or others.find(key)
        image = AnnotatedImage(
            key, [], np.zeros((0, 4)), width=width, height=height, file=file, split=entry.split
        )  # fmt: skip
        yield from with_boxes_in_pixels(found, image, [mids[name] for name in entry.names], entry.boxes)
