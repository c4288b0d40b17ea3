"""Ground truth of any format as columns, with the image files in their places."""

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from boxable.datasets.annotated_formats import FORMATS, format_of
from boxable.errors import ArgumentError
from boxable.formats.annotated.image import AnnotatedImage, AnnotatedSet
from boxable.formats.annotated.image_files import copy_image_file, size_of, upright
from boxable.formats.annotations import Annotations, Coded, ImageLabels, TruthBoxes
from boxable.formats.columns import IS_DIFFICULT


@contextmanager
def open_ground_truth(path: Path) -> Iterator[Annotations]:
    """Read a set of annotated images of any format, with the image files that are found.

    Images that are no files of their own, as in TFRecord, are temporary files, gone when the block ends. Raises
    ArgumentError for a path that is no such set, BoxableError for an unreadable file, MissingExtraError for a table
    without pyarrow.
    """
    known = FORMATS[format_of(path)]
    with TemporaryDirectory() as scratch:
        yield known.columns(path) or _collected(known.read(path), Path(scratch))


def is_annotated(path: Path) -> bool:
    """Tell whether this is a set of annotated images of a known format."""
    try:
        format_of(path)
    except ArgumentError:
        return False
    return True


def _collected(found: AnnotatedSet, scratch: Path) -> Annotations:
    """Collect the columns of all images; what was dropped is in `notes`."""
    images = [_in_scratch(found, image, scratch) for image in found.sound()]
    boxes = TruthBoxes(
        Coded.of(image.image_id for image in images for _ in image.labels),
        Coded.of(label for image in images for label in image.labels),
        np.concatenate([np.zeros((0, 4)), *(image.box for image in images)]),
        np.concatenate([np.zeros(0, np.int8), *_flags(images, "IsGroupOf", unknown=-1)]),
        np.concatenate([np.zeros(0, np.int8), *_flags(images, IS_DIFFICULT, unknown=0)]) > 0,
        np.full(sum(len(image.labels) for image in images), np.nan),
    )
    labels = ImageLabels(
        Coded.of(image.image_id for image in images for _ in image.image_labels),
        Coded.of(label for image in images for label, _ in image.image_labels),
        np.array([confidence for image in images for _, confidence in image.image_labels], np.float64),
    )
    notes = [finding for finding in found.findings.values() if finding.level != "ok"]
    sizes = {image.image_id: size_of(image) or (0, 0) for image in images}
    files = {image.image_id: image.file for image in images if isinstance(image.file, Path)}
    return Annotations(boxes, labels, found.classes, sizes, files=files, notes=notes)


def _flags(images: list[AnnotatedImage], name: str, *, unknown: int) -> Iterator[NDArray[np.int8]]:
    return (image.flags.get(name, np.full(len(image.labels), unknown, np.int8)) for image in images)


def _in_scratch(found: AnnotatedSet, image: AnnotatedImage, scratch: Path) -> AnnotatedImage:
    """Write an image that is no file of its own; where Rotation overrules its EXIF orientation, without that."""
    image = upright(found, image)
    if not isinstance(image.file, bytes):
        return image
    name = copy_image_file(image, scratch, "copy")
    path = scratch / (name or "")
    # A stopped run recognizes files by size and time; here the time stands for the content.
    seconds = zlib.crc32(image.file)
    os.utime(path, (seconds, seconds))
    return replace(image, file=path)
