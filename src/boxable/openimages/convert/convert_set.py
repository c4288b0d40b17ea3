"""Convert an annotated set from one format to another; the result is complete or does not exist."""

import glob
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from boxable.datasets import layout
from boxable.datasets.scratch import new_folder, scratch_folder
from boxable.errors import ArgumentError
from boxable.files import writing
from boxable.formats.annotated import coco, pascal_voc, tfrecord, yolo
from boxable.formats.annotated.image import FLAGS, AnnotatedImage, AnnotatedSet
from boxable.formats.columns import IS_DIFFICULT
from boxable.formats.tables import is_table, require_utf8
from boxable.openimages.convert import merge_splits, tables
from boxable.progress import progress


@dataclass(frozen=True, slots=True)
class _Format:
    """The name of a format, and what it holds besides classes and boxes; `unknown`: a flag may be unknown."""

    name: str
    flags: tuple[str, ...] = ()
    image_labels: bool = False
    unknown: bool = False
    rotation: bool = False


_OF_TABLES = (*FLAGS, IS_DIFFICULT)
FORMATS = {
    "openimages": _Format("Open Images CSV", _OF_TABLES, image_labels=True, unknown=True, rotation=True),
    "parquet": _Format("Parquet", _OF_TABLES, image_labels=True, unknown=True, rotation=True),
    "coco": _Format("COCO", ("IsGroupOf",)),
    "yolo": _Format("YOLO"),
    "voc": _Format("Pascal VOC", tuple(pascal_voc.FLAGS.values())),
    "tfrecord": _Format("TFRecord", tuple(tfrecord.FLAGS), image_labels=True, unknown=True),
}
_TABLES = {"openimages": ".csv", "parquet": ".parquet"}


def convert(source: Path, dest: Path, to: str, *, image_mode: str = "copy", shards: int = tfrecord.SHARDS) -> list[str]:
    """Convert annotated images. Returns a line on everything that was dropped.

    `to` is one of `FORMATS`, `image_mode` is copy, link or none, `shards` the number of TFRecord files. The format of
    `source` is recognized; for YOLO it may also be a folder of data folders named after the splits. `dest` is a file
    for COCO, a prefix for TFRecord, and a new folder otherwise.

    Raises ArgumentError for a source that cannot be used and for a `dest` that is there, BoxableError where reading
    or writing fails; there is no part of a result then.
    """
    _check(dest, to)
    if to in _TABLES and _is_tables(source):
        with new_folder(dest) as folder:
            notes = tables.copy(source, folder, _TABLES[to], image_mode)
            _describe(folder, source)
        return notes
    images = _open(source, to)
    notes = _limit(images, FORMATS[to])
    with progress("images", None) as step:
        images.images = _each(images.images, step)
        notes += _write(images, source, dest, to, image_mode, shards)
    return [*images.notes(), *notes]


def _check(dest: Path, to: str) -> None:
    if dest.name in ("", ".."):
        raise ArgumentError(f"{dest}: a folder that is there; expected the name of what is to be made")
    if to in _TABLES:
        require_utf8(dest)
    if to == "coco":
        if dest.suffix.lower() != ".json":
            raise ArgumentError(f"{dest}: expected a name that ends in .json")
    elif to == "tfrecord":
        if list(dest.parent.glob(f"{glob.escape(dest.name)}-?????-of-?????")):
            raise ArgumentError(f"{dest}: there are shards of this name; remove them, or name another prefix")
    elif dest.exists() and (not dest.is_dir() or any(dest.iterdir())):
        raise ArgumentError(f"{dest}: is there already; expected the name of a new folder")


def _is_tables(source: Path) -> bool:
    if source.is_file():
        return is_table(source)
    return source.is_dir() and not (yolo.is_yolo(source) or pascal_voc.is_voc(source) or tfrecord.find_shards(source))


def _open(source: Path, to: str) -> AnnotatedSet:
    """Open a set of any format.

    In TFRecord images that no table names belong to it (SEMANTICS §9); in YOLO its splits become splits of one set.
    Raises ArgumentError for another source.
    """
    if to == "yolo" and len(found := layout.find_parts(source)) > 1:
        return merge_splits.read(source, found)
    if source.is_dir() and pascal_voc.is_voc(source):
        return pascal_voc.read(source)
    if source.is_dir() and yolo.is_yolo(source):
        return yolo.read(source)
    if shards := tfrecord.find_shards(source):
        return tfrecord.read(shards)
    if source.is_dir() or (source.is_file() and is_table(source)):
        return tables.read(source, unlisted=to == "tfrecord")
    if source.is_file() and source.suffix.lower() == ".json":
        return coco.read(source)
    raise ArgumentError(
        f"{source}: {'of no known format' if source.exists() else 'no such file or folder'}; expected a folder of Open "
        "Images tables, YOLO or Pascal VOC, a table of boxes, COCO .json, or the prefix of TFRecord shards"
    )


def _limit(images: AnnotatedSet, target: _Format) -> list[str]:
    """Drop what the format cannot hold, and count it as images are read. Returns notes."""
    lost = [name for name in images.flags if name not in target.flags]
    blurred = [] if target.unknown else [name for name in images.flags if name in target.flags]

    def limited(incoming: Iterator[AnnotatedImage]) -> Iterator[AnnotatedImage]:
        for image in incoming:
            for name in lost:
                images.count(f"flags {name}, which {target.name} does not hold", (image.flags[name] == 1).sum())
            for name in blurred:
                unknown = (image.flags[name] == -1).sum()
                images.count(f"unknown {name}, which becomes no in {target.name}", unknown)
            if not target.rotation:
                images.count(f"Rotation other than 0, which {target.name} does not hold", int(bool(image.rotation)))
            if target.image_labels:
                yield image
            else:
                images.count(f"image labels, which {target.name} does not hold", len(image.image_labels))
                yield replace(image, image_labels=[])

    images.images = limited(images.images)
    notes = []
    if target.name == "TFRecord" and images.has_image_labels:
        notes.append(
            "TFRecord does not say whether people saw the class of an image label, or saw that it is not there"
        )
    if images.has_attribution and target.name not in ("Open Images CSV", "Parquet"):
        notes.append(f"{target.name} gets no authors and licences of the images; keep the table of images")
    return notes


def _each(images: Iterator[AnnotatedImage], step: Callable[[], None]) -> Iterator[AnnotatedImage]:
    for image in images:
        yield image
        step()


def _write(images: AnnotatedSet, source: Path, dest: Path, to: str, image_mode: str, shards: int) -> list[str]:
    """Write the set; gives lines on what is to be known of the result."""
    if to == "coco":
        coco.write(images, dest)
    elif to == "tfrecord":
        with scratch_folder(dest) as folder:
            tfrecord.write(images, folder / dest.name, shards)
            with writing(dest):
                for path in tfrecord.shard_paths(folder / dest.name, shards):
                    path.replace(dest.parent / path.name)
    else:
        with new_folder(dest) as folder:
            if to == "yolo":
                return yolo.write(images, folder, image_mode)
            if to == "voc":
                pascal_voc.write(images, folder, image_mode)
            else:
                tables.write(images, folder, _TABLES[to], image_mode)
                _describe(folder, source)
    return []


def _describe(folder: Path, source: Path) -> None:
    about = layout.read_description(source) if source.is_dir() else {}
    name = os.fsencode(source.name).decode(errors="replace")
    origin = {"from": about} if about else {}
    layout.write_description(folder, {"converted_from": name, **origin})
