"""The image files of a training set: which are missing, and which are validation images too."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from boxable.arrays import Ints, Mask
from boxable.datasets.dataset import Dataset
from boxable.datasets.read_image import image_path
from boxable.errors import ImageError
from boxable.hashing import hash_of_file

# Of more images so many sizes are equal that most files would be read; their ids tell them apart then.
MAX_COMPARED = 100_000


def has_file(dataset: Dataset, numbers: Ints) -> Mask:
    """Tell which of these images have a file, bool `[I]`; the image folder is listed once."""
    names: set[str] = set()
    with suppress(OSError):
        names.update(os.listdir(dataset.files.image_files.folder))
    ids = map(dataset.image_id, numbers.tolist())
    there = (f"{image_id}.jpg" in names or _path(dataset, image_id) is not None for image_id in ids)
    return np.fromiter(there, bool, len(numbers))


def is_in(dataset: Dataset, numbers: Ints, others: Mapping[str, Path]) -> Mask:
    """Tell which of these images have the same bytes as one of the `others`, files by image id: bool `[I]`.

    Files are hashed only where sizes are equal. Of more than `MAX_COMPARED` images the ids are compared instead.
    """
    if len(numbers) > MAX_COMPARED:
        ids = map(dataset.image_id, numbers.tolist())
        return np.fromiter((image_id in others for image_id in ids), bool, len(numbers))
    by_size: dict[int, list[Path]] = {}
    for path in others.values():
        by_size.setdefault(_size(path), []).append(path)
    hashes: dict[int, set[str]] = {}

    def is_shared(path: Path | None) -> bool:
        size = _size(path) if path else -1
        if path is None or size not in by_size:
            return False
        if size not in hashes:
            hashes[size] = set(_hashes(by_size[size]))
        return not hashes[size].isdisjoint(_hashes([path]))

    paths = (_path(dataset, dataset.image_id(number)) for number in numbers.tolist())
    return np.fromiter(map(is_shared, paths), bool, len(numbers))


def _path(dataset: Dataset, image_id: str) -> Path | None:
    with suppress(ImageError):  # an id that is not the name of a file
        path = image_path(dataset.files, image_id)
        return path if path.exists() else None
    return None


def _size(path: Path) -> int:
    """Return the size in bytes; -1 for a file that cannot be read."""
    with suppress(OSError):
        return path.stat().st_size
    return -1


def _hashes(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        with suppress(OSError):  # an unreadable image is reported where it is decoded
            yield hash_of_file(path)
