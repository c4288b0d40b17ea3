"""The formats of annotated images: one table of them, and the one place that recognizes the format of a path."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from boxable.datasets import annotated_tables, layout, merge_splits
from boxable.errors import ArgumentError
from boxable.formats.annotated import (
    coco,
    coco_folder,
    oid_toolkit,
    pascal_voc,
    pascal_voc_layout,
    pascal_voc_writing,
    pixel_csv,
    tfrecord,
    yolo,
    yolo_writing,
)
from boxable.formats.annotated.image import FLAGS, AnnotatedSet
from boxable.formats.annotations import Annotations, no_image_labels
from boxable.formats.columns import IS_DIFFICULT
from boxable.formats.openimages_reading import has_tables, read_boxes, read_folder
from boxable.formats.tables import is_table


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How a set is written: images are copied, linked or left out (`image_mode`), TFRecord has `shards` files."""

    image_mode: str = "copy"
    shards: int | None = None


@dataclass(frozen=True, slots=True)
class AnnotatedFormat:
    """A format: how it is recognized, read and written, and what it holds besides classes and boxes.

    `looks` describes it in the error about a path that is of no format.
    `matches` looks at names of files alone. `write` makes a new file or folder, or shards of this prefix, and may
    return lines of notes; it is None for a format that is only read. `columns` reads a set at once, where that is much
    faster than image by image, or keeps more; else it is None. `unknown`: a flag may be unknown.
    """

    title: str
    looks: str
    matches: Callable[[Path], bool]
    read: Callable[[Path], AnnotatedSet]
    write: Callable[[AnnotatedSet, Path, WriteOptions], list[str] | None] | None = None
    makes: Literal["file", "folder", "shards"] = "folder"
    columns: Callable[[Path], Annotations | None] = lambda path: None
    flags: tuple[str, ...] = ()
    image_labels: bool = False
    unknown: bool = False
    rotation: bool = False
    attribution: bool = False


def _is_tables(path: Path) -> bool:
    return is_table(path) if path.is_file() else has_tables(path)


def _is_split_set(path: Path) -> bool:
    return not _is_tables(path) and bool(layout.find_splits(path))


def _table_columns(path: Path) -> Annotations:
    annotations = Annotations(read_boxes(path), no_image_labels()) if path.is_file() else read_folder(path)
    files = annotated_tables.open_tables(path).image_files
    named = {image: file for image in annotations.listed_images if (file := files.find(image))}
    return replace(annotations, files=named)


def _write_tfrecord(images: AnnotatedSet, prefix: Path, options: WriteOptions) -> None:
    tfrecord.write(images, prefix, options.shards)


_TABLES = partial(
    AnnotatedFormat,
    looks="tables of Open Images (annotations-bbox.csv, .csv.gz or .parquet) or their folder",
    matches=_is_tables,
    read=annotated_tables.read,
    columns=_table_columns,
    flags=(*FLAGS, IS_DIFFICULT),
    image_labels=True,
    unknown=True,
    rotation=True,
    attribution=True,
)

# By their names on the command line. The first that matches a path is its format.
FORMATS = {
    "oid-toolkit": AnnotatedFormat(
        "OIDv4_ToolKit",
        looks="a folder of OIDv4_ToolKit",
        matches=oid_toolkit.is_oid_toolkit,
        read=oid_toolkit.read,
    ),
    "pixel-csv": AnnotatedFormat(
        "CSV of the Object Detection API's tutorials",
        looks="CSV with filename, width, height, class, xmin, ymin, xmax, ymax",
        matches=pixel_csv.is_pixel_csv,
        read=pixel_csv.read,
    ),
    "voc": AnnotatedFormat(
        "Pascal VOC",
        looks="a folder of Pascal VOC with Annotations/",
        matches=pascal_voc_layout.is_voc,
        read=pascal_voc.read,
        write=lambda images, folder, options: pascal_voc_writing.write(images, folder, options.image_mode),
        flags=tuple(pascal_voc.FLAGS.values()),
    ),
    "yolo": AnnotatedFormat(
        "YOLO",
        looks="a folder of YOLO with data.yaml",
        matches=yolo.is_yolo,
        read=yolo.read,
        write=lambda images, folder, options: yolo_writing.write(images, folder, options.image_mode),
    ),
    "tfrecord": AnnotatedFormat(
        "TFRecord",
        looks="TFRecord shards or their prefix",
        matches=lambda path: bool(tfrecord.find_shards(path)),
        read=lambda path: tfrecord.read(tfrecord.find_shards(path)),
        write=_write_tfrecord,
        makes="shards",
        flags=tuple(tfrecord.FLAGS),
        image_labels=True,
        unknown=True,
    ),
    "openimages": _TABLES(
        "Open Images CSV",
        write=lambda images, folder, options: annotated_tables.write(images, folder, ".csv", options.image_mode),
    ),
    "parquet": _TABLES(
        "Parquet",
        write=lambda images, folder, options: annotated_tables.write(images, folder, ".parquet", options.image_mode),
    ),
    "splits": AnnotatedFormat(
        "splits of one set",
        looks="a folder with such folders train/ and validation/",
        matches=_is_split_set,
        read=merge_splits.read,
    ),
    "coco": AnnotatedFormat(
        "COCO",
        looks="a COCO file (.json)",
        matches=coco.is_coco,
        read=coco.read,
        columns=coco.read_columns,
        write=lambda images, path, options: coco.write(images, path),
        makes="file",
        flags=("IsGroupOf",),
        unknown=True,
    ),
    "coco-folder": AnnotatedFormat(
        "COCO",
        looks="a folder with one COCO file, or one for each split",
        matches=coco_folder.is_coco_folder,
        read=coco_folder.read,
        columns=lambda path: coco.read_columns(file) if (file := coco_folder.only_file(path)) else None,
    ),
}


# The formats that are tables.
TABLES = tuple(name for name, known in FORMATS.items() if known.read is annotated_tables.read)


def format_of(path: Path) -> str:
    """Recognize the format of a file, a folder or the prefix of shards; its name in `FORMATS`.

    Raises ArgumentError where it is none of them.
    """
    for name, known in FORMATS.items():
        if known.matches(path):
            return name
    if not path.exists():
        raise ArgumentError(f"{path}: no such file or folder")
    what = "no annotations in this folder" if path.is_dir() else "a file of no known format"
    *expected, last = dict.fromkeys(known.looks for known in FORMATS.values())
    raise ArgumentError(f"{path}: {what}; expected {', '.join(expected)}, or {last}")


def open_set(path: Path) -> AnnotatedSet:
    """Open a set of annotated images of any format. Raises ArgumentError for a path that is none."""
    return FORMATS[format_of(path)].read(path)
