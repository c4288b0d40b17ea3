"""Open Images tables, CSV or Parquet: a data folder, or one table of boxes."""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from boxable.datasets import layout
from boxable.datasets.arrow_tables import batches, import_arrow
from boxable.datasets.image_order import Columns, is_sorted, rows_by_image, write_sorted
from boxable.datasets.index import ROTATIONS
from boxable.datasets.layout import SUBSETS, DataFolder
from boxable.datasets.narrow import image_ids, narrow, native_columns
from boxable.datasets.table_writer import table_writer
from boxable.errors import ArgumentError
from boxable.files import write_atomically
from boxable.findings import counted
from boxable.formats.annotated.image import FLAGS, AnnotatedImage, AnnotatedSet
from boxable.formats.annotated.image_files import add_image_file, copy_image_file, size_of
from boxable.formats.annotated.splits import in_order
from boxable.formats.columns import (
    BOX_COLUMNS,
    DIFFICULT_COLUMNS,
    IMAGE_COLUMNS,
    IS_DIFFICULT,
    LABEL_COLUMNS,
    OTHER_NAMES,
    Kind,
    schema,
)
from boxable.formats.openimages_reading import (
    CLASSES,
    DIFFICULT,
    BoxRow,
    are_listed,
    find_table,
    read_classes,
    read_listed,
)
from boxable.formats.rows import write_classes
from boxable.formats.tables import column_names, is_table, table_errors
from boxable.images.image_ids import files_by_id
from boxable.vocabulary import open_images

_ROWS_AT_ONCE = 1 << 15
_SIDES = ("YMin", "XMin", "YMax", "XMax")


def open_tables(path: Path) -> DataFolder:
    """Open a data folder, or one table of boxes with the classes and images beside it."""
    import_arrow()
    if is_table(path):
        return DataFolder(path.parent, path, None, None, find_table(path.parent, CLASSES), is_one_table=True)
    return layout.open_folder(path)


def read(path: Path, *, unlisted: bool = False) -> AnnotatedSet:
    """Read the images of the tables in the order of their ids; with `unlisted` then also images without rows."""
    tables = open_tables(path)
    names: list[str] = []
    if tables.boxes:
        with table_errors(tables.boxes, names):
            names += column_names(tables.boxes)
    classes = read_classes(tables.classes) if tables.classes else open_images()
    listed = read_listed(path) if path.is_dir() else frozenset()
    flags = tuple(name for name in FLAGS if name in names)
    if listed or IS_DIFFICULT in names:
        flags += (IS_DIFFICULT,)
    found = AnnotatedSet(
        classes, iter(()), flags,
        has_image_labels=tables.image_labels is not None, has_attribution=tables.images is not None,
        splits=_subsets(tables.images) if tables.images else (),
    )  # fmt: skip
    found.images = _images(tables, found, listed, unlisted=unlisted)
    return found


def _subsets(images: Path) -> tuple[str, ...]:
    """Read which splits the table of images names."""
    names: list[str] = []
    with table_errors(images, names):
        names += column_names(images)
    named: set[str] = set()
    if "Subset" in names:
        for batch in batches(images, {"Subset": "text"}):
            column = batch.column("Subset")
            named.update(column.dictionary.take(column.indices.unique()).to_pylist())
    return in_order(named)


def _images(
    tables: DataFolder, found: AnnotatedSet, listed: Collection[BoxRow], *, unlisted: bool
) -> Iterator[AnnotatedImage]:
    """Yield the images; `listed` are the boxes in the table of difficult boxes."""
    files = tables.image_files
    used: set[Path | None] = set()
    streams = [
        rows_by_image(path, columns) if path else iter(())
        for path, columns in (
            (tables.boxes, {**BOX_COLUMNS, IS_DIFFICULT: "flag"}),
            (tables.image_labels, LABEL_COLUMNS), (tables.images, IMAGE_COLUMNS),
        )
    ]  # fmt: skip
    for image_id, (boxes, labels, image) in _merged(streams):
        file = files.find(image_id)
        used.add(file)
        box = np.stack([boxes[side] for side in _SIDES], axis=1) if boxes else np.zeros((0, 4))
        if boxes:
            confidence = boxes["Confidence"]
            unsure = (np.isfinite(confidence) & (confidence != 1)).sum()
            found.count("box|es with a Confidence other than 1", unsure, effect="the Confidence is dropped")
            marked = boxes[IS_DIFFICULT] > 0
            if listed:
                marked |= are_listed([image_id] * len(box), boxes["LabelName"], box, listed)
            boxes[IS_DIFFICULT] = marked.astype(np.int8)
        yield AnnotatedImage(
            image_id,
            boxes["LabelName"] if boxes else [],
            box,
            {name: boxes[name] if boxes else np.zeros(0, np.int8) for name in found.flags},
            list(zip(labels["LabelName"], labels["Confidence"].tolist(), strict=True)) if labels else [],
            int(image["Width"][0]) if image else 0,
            int(image["Height"][0]) if image else 0,
            int(image["Rotation"][0]) if image and image["Rotation"][0] in ROTATIONS else None,
            file,
            image["Subset"][0] if image and image["Subset"][0] in SUBSETS else "",
        )
    others = files.others(used)
    if not unlisted:
        found.count("image file|s that no table lists", len(others), (image_id for image_id, _ in others))
        return
    for image_id, file in files_by_id(others).items():
        flags = {name: np.zeros(0, np.int8) for name in found.flags}
        yield AnnotatedImage(image_id, [], np.zeros((0, 4)), flags, file=file)


def _merged(streams: list[Iterator[tuple[str, Columns]]]) -> Iterator[tuple[str, list[Columns | None]]]:
    """Yield each image of some stream, and its rows in every stream; all are in the order of the ids."""
    heads = [next(stream, None) for stream in streams]
    while any(heads):
        image_id = min(head[0] for head in heads if head)
        yield image_id, [head[1] if head and head[0] == image_id else None for head in heads]
        heads = [
            next(stream, None) if head and head[0] == image_id else head
            for stream, head in zip(streams, heads, strict=True)
        ]


def copy(source: Path, folder: Path, suffix: str, image_mode: str) -> list[str]:
    """Copy a data folder table by table, with every column that a data folder has; returns lines of notes."""
    notes = []
    tables = open_tables(source)
    if is_table(source) and native_columns(source) is not BOX_COLUMNS:
        raise ArgumentError(f"{source}: no column XMin; expected a table of boxes, or the folder that this table is in")
    names = (layout.BOXES, layout.IMAGE_LABELS, layout.IMAGES)
    for table, name in zip((tables.boxes, tables.image_labels, tables.images), names, strict=True):
        if table:
            narrow(table, folder / name.replace(".parquet", suffix))
            dropped = _dropped(table)
            notes += [f"{table.name}: columns {', '.join(dropped)} dropped"] if dropped else []
    if tables.classes:
        _copy_classes(tables.classes, folder / layout.CLASSES)
    if is_table(source):
        return notes
    if difficult := find_table(source, DIFFICULT):
        write_sorted(difficult, folder / layout.DIFFICULT.replace(".parquet", suffix), DIFFICULT_COLUMNS)
    (folder / layout.IMAGE_FOLDER).mkdir()
    named = named_images(tables)
    there = files_of(tables, named)
    for image_id, path in there.items():
        copy_image_file(
            AnnotatedImage(image_id, [], np.zeros((0, 4)), file=path), folder / layout.IMAGE_FOLDER, image_mode
        )
    missing = set() if image_mode == "none" else named.difference(there)
    if missing:
        notes.append(f"{counted(len(missing), 'missing image file|s')} ({min(missing)}): the boxes are kept")
    return notes


def named_images(tables: DataFolder) -> set[str]:
    """List the images that the tables name."""
    return {
        image_id
        for table in (tables.boxes, tables.image_labels, tables.images)
        if table
        for image_id in image_ids(table)
    }


def files_of(tables: DataFolder, named: Iterable[str]) -> dict[str, Path]:
    """Find the file of each named image that has one, and then those of no named image, by image id."""
    files = {image_id: path for image_id in sorted(named) if (path := tables.image_files.find(image_id))}
    return files | files_by_id(tables.image_files.others(set(files.values())))


def _dropped(table: Path) -> list[str]:
    """List columns that a data folder does not have, such as the extreme points of V6."""
    names: list[str] = []
    with table_errors(table, names):
        names += column_names(table)
    return [name for name in names if name not in native_columns(table) and name not in OTHER_NAMES.values()]


def _copy_classes(source: Path, dest: Path) -> None:
    """Copy the table of classes as it is, or as CSV."""
    if source.name.lower().endswith(".csv"):
        write_atomically(dest, source.read_bytes())
    else:
        write_classes(((item.mid, item.name) for item in read_classes(source)), dest)


def write(images: AnnotatedSet, folder: Path, suffix: str, image_mode: str) -> None:
    """Write a data folder with tables of this suffix."""
    (folder / layout.IMAGE_FOLDER).mkdir(parents=True)
    names = (layout.BOXES, layout.IMAGE_LABELS, layout.IMAGES, layout.DIFFICULT)
    paths = [folder / name.replace(".parquet", suffix) for name in names]
    with (
        _RowWriter(paths[0], BOX_COLUMNS) as boxes,
        _RowWriter(paths[1], LABEL_COLUMNS) as labels,
        _RowWriter(paths[2], IMAGE_COLUMNS) as listed,
        _RowWriter(paths[3], DIFFICULT_COLUMNS) as difficult,
    ):
        for image in images.sound():
            flags = [image.flags[name].tolist() if name in image.flags else [-1] * len(image.box) for name in FLAGS]
            for label, (ymin, xmin, ymax, xmax), *values in zip(image.labels, image.box.tolist(), *flags, strict=True):
                boxes.add(image.image_id, "", label, 1.0, xmin, xmax, ymin, ymax, *values)
            for row in np.flatnonzero(image.flags.get(IS_DIFFICULT, np.zeros(0)) == 1):
                ymin, xmin, ymax, xmax = image.box[row].tolist()
                difficult.add(image.image_id, image.labels[row], xmin, xmax, ymin, ymax)
            for label, confidence in image.image_labels:
                labels.add(image.image_id, "", label, confidence)
            size = size_of(image) or (0, 0)
            listed.add(image.image_id, image.split, *size, *[""] * 6, None, "", "", image.rotation)
            add_image_file(images, image, folder / layout.IMAGE_FOLDER, image_mode)
    if not images.has_image_labels:
        paths[1].unlink()
    if not difficult.rows:
        paths[3].unlink()
    kinds = (BOX_COLUMNS, LABEL_COLUMNS, IMAGE_COLUMNS, DIFFICULT_COLUMNS)
    for path, columns in zip(paths, kinds, strict=True):
        if path.exists() and not is_sorted(path):
            write_sorted(path, path, columns)
    write_classes(((item.mid, item.name) for item in images.classes), folder / layout.CLASSES)


class _RowWriter:
    """A table that takes rows one by one."""

    def __init__(self, path: Path, columns: dict[str, Kind]) -> None:
        self._schema = schema(columns)
        self._writing = table_writer(path, self._schema)
        self._waiting: list[tuple[Any, ...]] = []
        self.rows = 0

    def __enter__(self) -> "_RowWriter":
        self._out = self._writing.__enter__()
        return self

    def add(self, *cells: Any) -> None:
        """One cell a column, in order."""
        self._waiting.append(cells)
        self.rows += 1
        if len(self._waiting) >= _ROWS_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        columns = zip(*self._waiting, strict=True)
        arrays = [pa.array(list(column), field.type) for column, field in zip(columns, self._schema, strict=True)]
        self._out.write(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._waiting = []

    def __exit__(self, *error: Any) -> None:
        if self._waiting and error[0] is None:
            self._flush()
        self._writing.__exit__(*error)
