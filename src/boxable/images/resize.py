"""The resize and the scaling that the network was trained with, bit for bit (SEMANTICS §2)."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Image = NDArray[np.uint8] | Floats


def network_input(image: Image, size: int) -> Floats:
    """A picture `[H, W, 3]` with values 0..255 as float32 `[size, size, 3]` in -1..1.

    Resize first, then scale; the aspect ratio is not kept (SEMANTICS §2.1).
    """
    resized = resize_bilinear(image, (size, size))
    resized *= np.float32(2.0 / 255.0)
    resized -= np.float32(1.0)
    return resized


def resize_bilinear(image: Image, size_hw: tuple[int, int]) -> Floats:
    """TF1's bilinear resize of `[H, W, C]`: float32 `[*size_hw, C]`, values as they came.

    No half-pixel centres, no antialiasing: output i reads source i * in / out and its next neighbour
    (SEMANTICS §2.2). Every operation is rounded to float32, as in the original.
    """
    height, width, channels = image.shape
    upper, lower, down = _axis(height, size_hw[0])
    left, right, across = _axis(width, size_hw[1])
    # Rows first: the columns are then gathered from the rows in use only.
    rows, place = np.unique(np.concatenate([upper, lower]), return_inverse=True)
    used = image.reshape(height, width * channels)[rows]
    values = _columns(used, left, channels)
    step = _columns(used, right, channels)
    step -= values
    step *= np.repeat(across, channels)
    step += values
    top, bottom = step[place[: size_hw[0]]], step[place[size_hw[0] :]]
    bottom -= top
    bottom *= down[:, None]
    bottom += top
    return bottom.reshape(*size_hw, channels)


@lru_cache(maxsize=64)
def _axis(size: int, out: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Lower neighbour, upper neighbour and weight of the upper one, for each output position."""
    position = np.arange(out, dtype=np.float32) * (np.float32(size) / np.float32(out))
    before = np.floor(position).astype(np.intp)
    return before, np.minimum(before + 1, size - 1), position - before.astype(np.float32)


def _columns(rows: Image, columns: NDArray[np.intp], channels: int) -> Floats:
    """The pixels of some columns of flattened rows, as float32."""
    index = (columns[:, None] * channels + np.arange(channels)).ravel()
    return rows.take(index, axis=1, mode="clip").astype(np.float32)
