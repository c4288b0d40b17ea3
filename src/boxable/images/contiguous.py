"""Copy pixels to C order."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Values = TypeVar("Values", np.uint8, np.float32)

# Source and target of a square of so many pixels a side fit into the second-level cache.
TILE = 256


def contiguous(pixels: NDArray[Values]) -> NDArray[Values]:
    """Return pixels `[H, W, 3]`, at least one, as a C-contiguous array: themselves if they are one, else a copy.

    NumPy copies a turned image, or one with its channels reversed, in loops of three values each. Square by square and
    channel by channel the loops are longer, and no value is fetched into the cache twice.
    """
    if pixels[0].flags.c_contiguous:
        return np.ascontiguousarray(pixels)
    height, width, _ = pixels.shape
    copy = np.empty(pixels.shape, pixels.dtype)
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            for channel in range(3):
                tile = np.s_[top : top + TILE, left : left + TILE, channel]
                copy[tile] = pixels[tile]
    return copy
