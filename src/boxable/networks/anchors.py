"""Anchors: of the SSD networks (SEMANTICS §4), and of a region proposal network (SEMANTICS §11)."""

import math
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from boxable.arrays import Floats
from boxable.boxes import clip

MIN_SCALE, MAX_SCALE = 0.2, 0.95
ASPECT_RATIOS = (1.0, 2.0, 0.5, 3.0, 0.3333)  # the last is not 1/3
# Of the grid: the stride and the base size in pixels, and the anchors of a cell, ratio by ratio.
STRIDE, BASE = 8, 256.0
GRID_SCALES, GRID_RATIOS = (0.25, 0.5, 1.0, 2.0), (0.5, 1.0, 2.0)


@cache
def ssd_anchors(map_sizes: tuple[int, ...]) -> NDArray[np.float32]:
    """Anchors for square feature maps of these sides: float32 `[N, 4]`, normalized, not clipped, read-only.

    Order: map, row, column, then the anchors of a cell; the first map has three a cell, the others six.
    """
    anchors = np.concatenate([_of_map(index, map_sizes) for index in range(len(map_sizes))]).astype(np.float32)
    anchors.flags.writeable = False
    return anchors


def _of_map(index: int, map_sizes: tuple[int, ...]) -> NDArray[np.float64]:
    shapes = np.array(
        [(scale / math.sqrt(ratio), scale * math.sqrt(ratio)) for scale, ratio in _cell(index, len(map_sizes))]
    )
    size = map_sizes[index]
    centres = (np.arange(size) + 0.5) / size
    grid = np.stack(np.meshgrid(centres, centres, indexing="ij"), axis=-1)[:, :, None, :]
    return np.concatenate([grid - shapes / 2, grid + shapes / 2], axis=-1).reshape(-1, 4)


def _cell(index: int, maps: int) -> list[tuple[float, float]]:
    """Scale and aspect ratio of each anchor of a cell."""
    if index == 0:
        return [(0.1, 1.0), (MIN_SCALE, 2.0), (MIN_SCALE, 0.5)]
    scales = [MIN_SCALE + (MAX_SCALE - MIN_SCALE) * step / (maps - 1) for step in range(maps)] + [1.0]
    return [(scales[index], ratio) for ratio in ASPECT_RATIOS] + [(math.sqrt(scales[index] * scales[index + 1]), 1.0)]


@lru_cache(8)
def grid_anchors(image: tuple[int, int], cells: tuple[int, int]) -> Floats:
    """Anchors of a grid over an image of this height and width: float32 `[cells * 12, 4]`, in pixels, read-only.

    They are clipped to the image. Order: row, column, ratio, scale. The first centre is the corner of the image.
    """
    ratios, scales = (np.array(values, np.float32) for values in (np.repeat(GRID_RATIOS, 4), np.tile(GRID_SCALES, 3)))
    roots = np.sqrt(ratios)
    sizes = np.stack([scales / roots, scales * roots], axis=1) * np.float32(BASE)
    centres = np.stack(np.meshgrid(*(np.arange(count, dtype=np.float32) for count in cells), indexing="ij"), axis=-1)
    centres = centres[:, :, None] * np.float32(STRIDE)
    half = np.float32(0.5) * sizes
    anchors = clip(np.concatenate([centres - half, centres + half], axis=-1).reshape(-1, 4), (0.0, 0.0, *image))
    anchors.flags.writeable = False
    return anchors
