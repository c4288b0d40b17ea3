"""Find the image files of a set, read their sizes, and copy or link them."""

import os
import shutil
from collections.abc import Collection, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from boxable.errors import ArgumentError, BoxableError, ImageError
from boxable.files import files_below, is_clutter, writing
from boxable.formats.annotated.image import AnnotatedImage, AnnotatedSet
from boxable.formats.annotated.orientation import without_orientation
from boxable.images.codecs import SUFFIXES, open_image, suffix_of
from boxable.images.decode import ON_ITS_SIDE, orientation_of
from boxable.images.image_ids import IMAGE_FOLDERS, files_by_id, image_id

_UNKNOWN_SIZE = "image|s of unknown size, without a file that tells it"
# The subject of the finding about images without a file.
MISSING = "missing image file|s"


class ImageFiles:
    """The image files of a set whose annotations name images by id.

    They are in `images`, `JPEGImages` or `data` (in any case) in its folder, and in the folder itself where none of
    these is there; with `nested` also in folders in it. Nothing is read before it is needed.
    """

    def __init__(self, folder: Path, *, nested: bool = True) -> None:
        self._set = folder
        self._nested = nested

    @cached_property
    def folder(self) -> Path:
        """The image folder."""
        if not (self._set / IMAGE_FOLDERS[0]).is_dir() and self._set.is_dir():
            there = {path.name.lower(): path for path in sorted(self._set.iterdir()) if path.is_dir()}
            return next((there[name] for name in IMAGE_FOLDERS if name in there), self._set)
        return self._set / IMAGE_FOLDERS[0]

    def __iter__(self) -> Iterator[tuple[str, Path]]:
        """Iterate over the path below the image folder, and the path, of each image file."""
        nested = self._nested or self.folder != self._set
        files = files_below(self.folder) if nested else ((path.name, path) for path in sorted(self.folder.iterdir()))
        return ((name, path) for name, path in files if name.lower().endswith(SUFFIXES) and not is_clutter(path.name))

    def find(self, name: str) -> Path | None:
        """Find the file with this image id, else the only one with this name without suffix, in whatever folder.

        Raises ArgumentError where two files have this id.
        """
        found = self._by_id.get(name, ())
        return files_by_id((name, path) for path in found).get(name) or self._by_name.get(name)

    def others(self, used: Collection[Path | None]) -> list[tuple[str, Path]]:
        """List the id and the path of each file that is not `used`, sorted."""
        return sorted((name, path) for name, paths in self._by_id.items() for path in paths if path not in used)

    @cached_property
    def has_subfolders(self) -> bool:
        """Whether there are folders in the image folder."""
        try:
            with os.scandir(self.folder) as entries:
                return any(entry.is_dir() for entry in entries)
        except OSError:
            return False

    @cached_property
    def _by_id(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for name, path in self:
            found.setdefault(image_id(name), []).append(path)
        return found

    @cached_property
    def _by_name(self) -> dict[str, Path]:
        found: dict[str, list[Path]] = {}
        for paths in self._by_id.values():
            for path in paths:
                found.setdefault(image_id(path.name), []).append(path)
        return {name: paths[0] for name, paths in found.items() if len(paths) == 1}


def size_of(image: AnnotatedImage) -> tuple[int, int] | None:
    """Return width and height in pixels: as the set says, else as the header of the image does; None if neither does.

    They are of the image that the boxes are of: as it is stored where Rotation is known, else upright.
    """
    if image.width > 0 and image.height > 0:
        return image.width, image.height
    if image.file is None:
        return None
    try:
        with open_image(image.file, image.image_id) as opened:
            width, height = opened.size
    except (ImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    on_its_side = image.rotation is None and orientation_of(image.file) in ON_ITS_SIDE
    return (height, width) if on_its_side else (width, height)


def known_size(images: AnnotatedSet, image: AnnotatedImage) -> tuple[int, int] | None:
    """Return `size_of` an image of the set; one of unknown size is counted."""
    size = size_of(image)
    images.count(_UNKNOWN_SIZE, int(size is None), [image.image_id], level="warning")
    return size


def with_boxes_in_pixels(
    images: AnnotatedSet, image: AnnotatedImage, labels: list[str], boxes: ArrayLike
) -> Iterator[AnnotatedImage]:
    """Yield the image with these boxes `[N, 4]` (ymin, xmin, ymax, xmax), normalized; none if its size is unknown."""
    if size := known_size(images, image):
        width, height = size
        box = np.array(boxes, np.float64).reshape(-1, 4) / [height, width, height, width]
        yield replace(image, labels=labels, box=box, width=width, height=height)


def bytes_of(image: AnnotatedImage) -> bytes | None:
    """Read the image file; None if there is none."""
    if not isinstance(image.file, Path):
        return image.file
    try:
        return image.file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BoxableError(f"{image.file}: cannot read it ({error.strerror or error})") from error


def file_name(image: AnnotatedImage) -> str:
    """Return the name of the image file, or the name it would have."""
    if isinstance(image.file, Path):
        return image.file.name
    return f"{image.image_id}{suffix_of(image.file or b'')}"


def upright(images: AnnotatedSet, image: AnnotatedImage) -> AnnotatedImage:
    """Rotate the image to match its boxes, for a format without Rotation.

    Where Rotation overrules an EXIF orientation, the image is without it; one that cannot be is counted.
    """
    if image.rotation is None or image.file is None or orientation_of(image.file) == 1:
        return image
    data = without_orientation(bytes_of(image) or b"")
    images.count("EXIF orientation|s, overruled by Rotation, that cannot be removed", int(data is None), effect="kept")
    return image if data is None else replace(image, file=data)


def add_image_file(images: AnnotatedSet, image: AnnotatedImage, folder: Path, mode: str) -> str | None:
    """Copy or link the image of an image of the set into the folder; its name there, or None.

    Where there is none it is counted, unless none is wanted.
    """
    name = copy_image_file(image, folder, mode)
    missing = name is None and mode != "none"
    images.count(MISSING, int(missing), [image.image_id], effect="the boxes are kept")
    return name


def copy_image_file(image: AnnotatedImage, folder: Path, mode: str) -> str | None:
    """Copy or link the image into the folder; its name there, or None where there is none or none is wanted."""
    if mode == "none" or image.file is None:
        return None
    suffix = image.file.suffix.lower() if isinstance(image.file, Path) else suffix_of(image.file)
    path = folder / f"{file_stem(image.image_id)}{'.jpg' if suffix == '.jpeg' else suffix}"
    try:
        with writing(path):
            if isinstance(image.file, bytes):
                path.write_bytes(image.file)
            elif mode == "link":
                path.symlink_to(image.file.resolve(strict=True))
            else:
                shutil.copyfile(image.file, path)
    except BoxableError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise
    return path.name


def file_stem(image_id: str) -> str:
    """Check that an id can be part of a file name. Raises ArgumentError for one that leads elsewhere."""
    if not image_id or image_id.startswith(".") or not image_id.isprintable() or set(image_id) & set("/\\:"):
        raise ArgumentError(f"image id {image_id!r} cannot be the name of a file; expected letters and digits")
    return image_id
