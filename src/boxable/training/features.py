"""The cache of features: what the frozen part computes for some augmented views of each image, computed once."""

import os
import shutil
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import torch
from torch import Tensor

from boxable.files import writing
from boxable.networks.ops import Shape
from boxable.training.targets import BatchTargets, ImageTargets, collate_targets, split_targets

# Bytes that a cache may take, and its share of the free space on the disk.
MOST_BYTES, MOST_OF_DISK = 8 << 30, 0.5

Shapes = Mapping[str, Shape]


class FeatureCache:
    """Cache features of views as rows of a memory-mapped float16 file, and their targets as a list.

    A view of the SSD takes 0.70 MB. Rows are appended in order, and then read in any order. The file has no name, so
    a killed process leaves none.
    """

    def __init__(self, folder: Path, shapes: Shapes, rows: int) -> None:
        """Make the file on the disk of a folder, with room for `rows`. Raises BoxableError where there is none."""
        self._shapes = shapes
        self._targets: list[ImageTargets] = []
        with writing(folder), TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):  # a full disk is an error now, not a signal when a page is written
                os.posix_fallocate(file.fileno(), 0, rows * bytes_of_view(shapes))
            self._values = np.memmap(file, np.float16, "r+", shape=(rows, _width(shapes)))

    def append(self, features: Mapping[str, Tensor], targets: BatchTargets) -> None:
        """Add the features `[B, *shape]` by name, and the targets, of the next `B` views."""
        start, count = len(self._targets), len(targets.match)
        block = torch.cat([features[name].flatten(1) for name in self._shapes], 1)
        self._values[start : start + count] = block.to(torch.float16).cpu().numpy()
        self._targets += split_targets(targets)

    def read(self, rows: Sequence[int]) -> tuple[dict[str, Tensor], BatchTargets]:
        """Return the features of rows, float32 `[B, *shape]` by name, and their targets."""
        block = torch.from_numpy(self._values[[*rows]])
        parts = block.split([prod(_known(shape)) for shape in self._shapes.values()], 1)
        features = {
            name: part.float().unflatten(1, _known(shape))
            for (name, shape), part in zip(self._shapes.items(), parts, strict=True)
        }
        return features, collate_targets([self._targets[row] for row in rows])


def bytes_of_view(shapes: Shapes) -> int:
    """Return the size of the features of one view."""
    return 2 * _width(shapes)


def views_that_fit(shapes: Shapes, images: int, folder: Path) -> int:
    """Return how many views of so many images may be cached in this folder; 0 if not even one."""
    room = min(MOST_BYTES, int(shutil.disk_usage(folder).free * MOST_OF_DISK))
    return room // (images * bytes_of_view(shapes))


def _width(shapes: Shapes) -> int:
    return sum(prod(_known(shape)) for shape in shapes.values())


def _known(shape: Shape) -> tuple[int, ...]:
    return tuple(size or 0 for size in shape)
