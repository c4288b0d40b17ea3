"""Convert an annotated set from one format to another; the result is complete or does not exist."""

import glob
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from boxable.datasets import annotated_tables, layout, merge_splits
from boxable.datasets.annotated_formats import FORMATS, TABLES, AnnotatedFormat, WriteOptions, format_of
from boxable.datasets.scratch import new_folder, scratch_folder
from boxable.errors import ArgumentError
from boxable.files import writing
from boxable.formats.annotated.image import AnnotatedImage, AnnotatedSet
from boxable.formats.tables import require_utf8
from boxable.progress import progress

_SUFFIXES = {"openimages": ".csv", "parquet": ".parquet"}


def convert(source: Path, dest: Path, to: str, *, image_mode: str = "copy", shards: int | None = None) -> list[str]:
    """Convert annotated images. Returns a line on everything that was dropped.

    `to` is one of `FORMATS`, `image_mode` is copy, link or none, `shards` the number of TFRecord files (by default as
    many as 100 MB for each take). The format of `source` is recognized; for YOLO it may be a folder of data folders
    named after the splits. `dest` is a file for COCO, a file or prefix for TFRecord, and a new folder otherwise.

    Raises ArgumentError for a source that cannot be used and for a `dest` that is there, BoxableError where reading
    or writing fails; there is no part of a result then.
    """
    _check(dest, to)
    origin = format_of(source)
    if to in TABLES and origin in TABLES:
        with new_folder(dest) as folder:
            notes = annotated_tables.copy(source, folder, _SUFFIXES[to], image_mode)
            _describe(folder, source)
        return notes
    images = _open(source, origin, to)
    notes = _limit(images, FORMATS[to])
    with progress("images", None) as step:
        images.images = _each(images.images, step)
        notes += _write(images, source, dest, to, WriteOptions(image_mode, shards))
    return [*images.notes(), *notes]


def _check(dest: Path, to: str) -> None:
    if dest.name in ("", ".."):
        raise ArgumentError(f"{dest}: a folder that is there; expected the name of what is to be made")
    if to in TABLES:
        require_utf8(dest)
    makes = FORMATS[to].makes
    if makes == "file":
        if dest.suffix.lower() != ".json":
            raise ArgumentError(f"{dest}: expected a name that ends in .json")
    elif makes == "shards":
        if dest.is_file() or list(dest.parent.glob(f"{glob.escape(dest.name)}-?????-of-?????")):
            raise ArgumentError(f"{dest}: there are shards of this name; remove them, or name another prefix")
    elif dest.exists() and (not dest.is_dir() or any(dest.iterdir())):
        raise ArgumentError(f"{dest}: is there already; expected the name of a new folder")


def _open(source: Path, origin: str, to: str) -> AnnotatedSet:
    """Open a set, as it is for this target.

    In TFRecord images that no table names belong to it (SEMANTICS §9); of a data folder that was split, YOLO gets the
    splits.
    """
    if to == "yolo" and len(layout.find_splits(source)) > 1:
        return merge_splits.read(source)
    if to == "tfrecord" and origin in TABLES:
        return annotated_tables.read(source, unlisted=True)
    return FORMATS[origin].read(source)


def _limit(images: AnnotatedSet, target: AnnotatedFormat) -> list[str]:
    """Drop what the format cannot hold, and count it as images are read. Returns notes."""
    lost = [name for name in images.flags if name not in target.flags]
    blurred = [] if target.unknown else [name for name in images.flags if name in target.flags]

    def limited(incoming: Iterator[AnnotatedImage]) -> Iterator[AnnotatedImage]:
        for image in incoming:
            for name in lost:
                images.count(f"flag|s {name}, which {target.title} does not hold", (image.flags[name] == 1).sum())
            for name in blurred:
                unknown = (image.flags[name] == -1).sum()
                images.count(
                    f"box|es with unknown {name}", unknown, effect=f"taken as no, as {target.title} has no unknown"
                )
            if not target.rotation:
                images.count(f"Rotation|s other than 0, which {target.title} does not hold", int(bool(image.rotation)))
            if target.image_labels:
                yield image
            else:
                images.count(f"image label|s, which {target.title} does not hold", len(image.image_labels))
                yield replace(image, image_labels=[])

    images.images = limited(images.images)
    notes = []
    if target.title == "TFRecord" and images.has_image_labels:
        notes.append(
            "TFRecord does not say whether people saw the class of an image label, or saw that it is not there"
        )
    if images.has_attribution and not target.attribution:
        notes.append(f"{target.title} gets no authors and licences of the images; keep the table of images")
    return notes


def _each(images: Iterator[AnnotatedImage], step: Callable[[], None]) -> Iterator[AnnotatedImage]:
    for image in images:
        yield image
        step()


def _write(images: AnnotatedSet, source: Path, dest: Path, to: str, options: WriteOptions) -> list[str]:
    """Write the set; gives lines on what is to be known of the result."""
    target = FORMATS[to]
    if target.write is None:
        raise ArgumentError(f"{target.title} is only read; expected another format to write")
    if target.makes == "file":
        notes = target.write(images, dest, options)
    elif target.makes == "shards":
        with scratch_folder(dest) as folder:
            notes = target.write(images, folder / dest.name, options)
            with writing(dest):
                for path in folder.iterdir():
                    path.replace(dest.parent / path.name)
    else:
        with new_folder(dest) as folder:
            notes = target.write(images, folder, options)
            if to in TABLES:
                _describe(folder, source)
    return notes or []


def _describe(folder: Path, source: Path) -> None:
    about = layout.read_description(source) if source.is_dir() else {}
    name = os.fsencode(source.name).decode(errors="replace")
    origin = {"from": about} if about else {}
    layout.write_description(folder, {"converted_from": name, **origin})
