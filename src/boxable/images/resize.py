"""TensorFlow 1's bilinear resize, bit for bit (SEMANTICS §2).

Some rows of the output are made at a time, in buffers that each thread keeps: what is worked on stays in the
processor's cache, and nothing is allocated for an image but its result.
"""

import math
import threading
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Image = NDArray[np.uint8] | Floats

# Rows of the output that are made at once, fewer where the image is so wide that their sources exceed the bytes.
BLOCK_ROWS, BLOCK_BYTES = 20, 2**20


def resize_bilinear(image: Image, size_hw: tuple[int, int], out: Floats | None = None) -> Floats:
    """Resize `[H, W, C]` as TF1's bilinear resize: float32 `[*size_hw, C]`, the range of values stays.

    No half-pixel centres, no antialiasing: output i reads source i * in / out and its next neighbour
    (SEMANTICS §2.2). Every operation is rounded to float32, as in the original. Written into `out`, contiguous,
    if given.
    """
    height, width, channels = image.shape
    result = np.empty((*size_hw, channels), np.float32) if out is None else out
    if (height, width) == size_hw:
        result[...] = image
        return result
    upper, lower, down = _axis(height, size_hw[0])
    left, right, across = _columns(width, size_hw[1], channels)
    pixels, lines = image.reshape(height, width * channels), result.reshape(size_hw[0], -1)
    block = max(1, min(BLOCK_ROWS, BLOCK_BYTES // (2 * pixels[0].nbytes)))
    rows = _buffers.array("rows", (2, block, pixels.shape[1]), pixels.dtype)
    near = _buffers.array("near", (2, block, len(left)), pixels.dtype)
    values, mixed = (_buffers.array(name, near.shape, np.float32) for name in ("values", "mixed"))
    for start in range(0, size_hw[0], block):
        part = slice(start, min(start + block, size_hw[0]))
        if part.stop - start < block:
            rows, near, values, mixed = (item[:, : part.stop - start] for item in (rows, near, values, mixed))
        # No index is outside; of the ways to make sure of it, "wrap" is the quickest.
        pixels.take(upper[part], axis=0, out=rows[0], mode="wrap")
        pixels.take(lower[part], axis=0, out=rows[1], mode="wrap")
        np.copyto(values, rows.take(left, axis=2, out=near, mode="wrap"))
        np.copyto(mixed, rows.take(right, axis=2, out=near, mode="wrap"))
        _mix(values, mixed, across)
        _mix(mixed[0], mixed[1], down[part])
        lines[part] = mixed[1]
    return result


def _mix(first: Floats, second: Floats, weight: Floats) -> None:
    """Interpolate in place: `second` becomes the mix of the two, `first` where the weight is 0."""
    second -= first
    second *= weight
    second += first


@lru_cache(maxsize=64)
def _axis(size: int, out: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Compute lower and upper neighbor `[out]` and the weight of the upper one `[out, 1]` of output positions."""
    position = np.arange(out, dtype=np.float32) * (np.float32(size) / np.float32(out))
    before = np.floor(position).astype(np.intp)
    return before, np.minimum(before + 1, size - 1), (position - before.astype(np.float32))[:, None]


@lru_cache(maxsize=64)
def _columns(width: int, out: int, channels: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Compute `_axis` for each value of a flattened row: all three `[out * channels]`."""
    left, right, weight = _axis(width, out)
    channel = np.arange(channels)
    flat = [(column[:, None] * channels + channel).ravel() for column in (left, right)]
    return flat[0], flat[1], np.repeat(weight, channels)


class _Buffers(threading.local):
    """Memory that a thread uses again for each image; it grows to the largest need, which a block bounds."""

    def __init__(self) -> None:
        self._flat: dict[tuple[str, np.dtype[Any]], NDArray[Any]] = {}

    def array(self, name: str, shape: tuple[int, ...], kind: Any) -> NDArray[Any]:
        """Return an array with arbitrary content, valid until the next call with this name and dtype."""
        key, size = (name, np.dtype(kind)), math.prod(shape)
        if key not in self._flat or self._flat[key].size < size:
            self._flat[key] = np.empty(size, kind)
        return self._flat[key][:size].reshape(shape)


_buffers = _Buffers()
