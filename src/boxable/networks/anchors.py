"""The anchors of the SSD networks (SEMANTICS §4)."""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

MIN_SCALE, MAX_SCALE = 0.2, 0.95
ASPECT_RATIOS = (1.0, 2.0, 0.5, 3.0, 0.3333)  # the last is not 1/3


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
