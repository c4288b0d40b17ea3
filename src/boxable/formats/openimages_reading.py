"""Annotations and predictions from the CSV files of Open Images, or the same columns in Parquet."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from boxable.errors import ArgumentError
from boxable.files import is_clutter
from boxable.formats.annotations import Annotations, ImageLabels, Predictions, TruthBoxes, no_image_labels
from boxable.formats.columns import DIFFICULT_COLUMNS, IMAGE_COLUMNS, IS_DIFFICULT, LABEL_COLUMNS, Kind, select_columns
from boxable.formats.tables import SUFFIXES, Table, column_names, read_table
from boxable.vocabulary import ClassList

_TRUTH_COLUMNS: dict[str, Kind] = {**DIFFICULT_COLUMNS, "IsGroupOf": "flag", IS_DIFFICULT: "flag"}
_LABEL_COLUMNS = select_columns(LABEL_COLUMNS, ("ImageID", "LabelName", "Confidence"))
_SCORED_COLUMNS: dict[str, Kind] = {**DIFFICULT_COLUMNS, "Score": "number"}
_SIZE_COLUMNS = select_columns(IMAGE_COLUMNS, ("ImageID", "Width", "Height"))

# The files of a folder, as they are called there and as Open Images publishes them (`validation-annotations-bbox.csv`,
# `validation-annotations-human-imagelabels-boxable.csv`; the Challenge says `detection`).
BOXES = r"(.*-)?(annotations|detection)-bbox"
LABELS = r"(.*-)?(annotations|detection)-human-imagelabels(-boxable)?"
IMAGES = r"(images|.*-images(-boxable)?-with-rotation)"
CLASSES = r"classes"
DIFFICULT = r"(.*-)?difficult"

# The same files as FiftyOne leaves them.
_OF_FIFTYONE = {
    BOXES: "labels/detections.csv", LABELS: "labels/classifications.csv", CLASSES: "metadata/classes.csv"
}  # fmt: skip

# How MIDs of Open Images begin.
_OF_MIDS = ("/m/", "/g/")

# An image, a class, and ymin, xmin, ymax, xmax.
BoxRow = tuple[str, str, float, float, float, float]


def read_folder(folder: Path) -> Annotations:
    """Read the annotations of a folder: boxes, and image labels, sizes, classes and difficult boxes if there are any.

    Raises ArgumentError for a folder without boxes or with two files where one is expected.
    """
    boxes_file = find_table(folder, BOXES)
    if boxes_file is None:
        raise ArgumentError(
            f"{folder}: no annotations in this folder; expected annotations-bbox.csv (or .csv.gz, .parquet), which "
            "`boxable data convert --to openimages` makes of other formats"
        )
    labels_file, classes_file, images_file = (find_table(folder, name) for name in (LABELS, CLASSES, IMAGES))
    boxes = read_boxes(boxes_file)
    listed = read_listed(folder)
    if listed:
        marked = are_listed(boxes.image.strings(), boxes.label.strings(), boxes.box, listed)
        boxes = replace(boxes, difficult=boxes.difficult | marked)
    return Annotations(
        boxes,
        read_image_labels(labels_file) if labels_file else no_image_labels(),
        read_classes(classes_file) if classes_file else ClassList(()),
        read_sizes(images_file) if images_file else {},
    )


def read_boxes(path: Path) -> TruthBoxes:
    """Read ground-truth boxes; IsGroupOf and IsDifficult are 0 where the file has no such column."""
    table = read_table(path, _TRUTH_COLUMNS, optional=("IsGroupOf", IS_DIFFICULT))
    group_of = np.nan_to_num(table.number("IsGroupOf", 0), nan=-1).clip(-1, 1).astype(np.int8)
    difficult = table.number(IS_DIFFICULT, 0) > 0
    unknown_area = np.full(table.rows, np.nan)
    return TruthBoxes(table.text("ImageID"), table.text("LabelName"), _box(table), group_of, difficult, unknown_area)


def read_listed(folder: Path) -> frozenset[BoxRow]:
    """Read the boxes in the folder's table of difficult ones; empty without such a table."""
    path = find_table(folder, DIFFICULT)
    if path is None:
        return frozenset()
    boxes = read_boxes(path)
    return frozenset(_rows(boxes.image.strings(), boxes.label.strings(), boxes.box))


def are_listed(
    images: Iterable[str], labels: Iterable[str], box: NDArray[np.float64], listed: Collection[BoxRow]
) -> NDArray[np.bool_]:
    """Tell which boxes `[N, 4]` are among these, in every number: bool `[N]`."""
    return np.array([row in listed for row in _rows(images, labels, box)], bool)


def _rows(images: Iterable[str], labels: Iterable[str], box: NDArray[np.float64]) -> Iterator[BoxRow]:
    return zip(images, labels, *box.T.tolist(), strict=True)


def read_image_labels(path: Path) -> ImageLabels:
    """Read image-level labels; the column Verified counts as Confidence."""
    table = read_table(path, _LABEL_COLUMNS)
    return ImageLabels(table.text("ImageID"), table.text("LabelName"), table.number("Confidence"))


def read_prediction_table(path: Path) -> Predictions:
    """Read predictions as the Challenge takes them."""
    table = read_table(path, _SCORED_COLUMNS)
    return Predictions(table.text("ImageID"), table.text("LabelName"), _box(table), table.number("Score"))


def read_classes(path: Path) -> ClassList:
    """Read the classes of a data set, LabelName and DisplayName; those of Open Images keep their own name.

    A CSV whose first row is a class has no header, as Open Images publishes it.
    """
    columns = ("LabelName", "DisplayName")
    first = column_names(path)
    names = None if len(first) == len(columns) and first[0].startswith(_OF_MIDS) else columns
    table = read_table(path, dict.fromkeys(first if names is None else columns, "text"))
    rows = [*zip(*(table.text(name).strings() for name in names or first), strict=True)]
    try:
        return ClassList.from_mids(dict.fromkeys(rows if names else [(first[0], first[1]), *rows]))
    except ArgumentError as error:
        raise ArgumentError(f"{path}: {error}") from error


def read_sizes(path: Path) -> dict[str, tuple[int, int]]:
    """Read width and height in pixels by image id; 0 where the file does not say, or says what cannot be."""
    table = read_table(path, _SIZE_COLUMNS, optional=("Width", "Height"))
    sides = (table.number(name, 0) for name in ("Width", "Height"))
    width, height = (np.where((side > 0) & (side < 1e9), side, 0).astype(int).tolist() for side in sides)
    return dict(zip(table.text("ImageID").strings(), zip(width, height, strict=True), strict=True))


def _box(table: Table) -> NDArray[np.float64]:
    return np.stack([table.number(name) for name in ("YMin", "XMin", "YMax", "XMax")], axis=1)


def find_table(folder: Path, name: str) -> Path | None:
    """Find the table whose name without suffix matches this pattern, else that of FiftyOne.

    Raises ArgumentError for two matches.
    """
    suffixes = "|".join(re.escape(suffix) for suffix in SUFFIXES)
    pattern = re.compile(f"{name}({suffixes})", re.IGNORECASE)
    found = sorted(path for path in folder.iterdir() if pattern.fullmatch(path.name) and not is_clutter(path.name))
    if len(found) > 1:
        raise ArgumentError(f"{folder}: {' and '.join(path.name for path in found)}; expected one of them")
    other = folder / _OF_FIFTYONE.get(name, "")
    return found[0] if found else other if other.is_file() else None


def has_tables(folder: Path) -> bool:
    """Tell whether a folder has tables of Open Images. Raises ArgumentError for two of a kind."""
    names = (BOXES, IMAGES)
    return folder.is_dir() and any(find_table(folder, name) is not None for name in names)
