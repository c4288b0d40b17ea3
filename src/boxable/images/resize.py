"""TensorFlow 1's bilinear resize, bit for bit (SEMANTICS §2).

Some rows of the output are made at a time, in buffers that each thread keeps, so that what is worked on stays in the
processor's cache. Most of the time goes into picking columns, value by value, so rows of the output share it where
they have a neighbor in common.
"""

import math
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Image = NDArray[np.uint8] | Floats

# Rows of the output that are made at once, fewer where two rows for each, of image or output, exceed the bytes.
BLOCK_ROWS, BLOCK_BYTES = 64, 2**20


def resize_bilinear(
    image: Image, size_hw: tuple[int, int], out: Floats | None = None, then: Callable[[Floats], object] | None = None
) -> Floats:
    """Resize `[H, W, C]` as TF1's bilinear resize: float32 `[*size_hw, C]`, the range of values stays.

    No half-pixel centres, no antialiasing: output i reads source i * in / out and its next neighbour
    (SEMANTICS §2.2). Every operation is rounded to float32, as in the original. Written into `out`, contiguous,
    if given. `then` may change values in place: it gets some rows `[N, size_hw[1] * C]` at a time, as they are made.
    """
    height, width, channels = image.shape
    result = np.empty((*size_hw, channels), np.float32) if out is None else out
    pixels, lines = image.reshape(height, width * channels), result.reshape(size_hw[0], -1)
    if (height, width) == size_hw:
        lines[...] = pixels
        if then is not None:
            then(lines)
        return result
    upper, lower, down = _axis(height, size_hw[0])
    left, right, across = _columns(width, size_hw[1], channels)
    # A neighbor of weight 0 adds nothing to a finite number, and is not looked up.
    mixes_rows, mixes_columns = (image.dtype != np.uint8 or bool(weights.any()) for weights in (down, across))
    block = max(1, min(BLOCK_ROWS, BLOCK_BYTES // (2 * max(pixels[0].nbytes, lines[0].nbytes))))
    shape = (2 * block, len(left))
    near, floats = _buffers.array("near", shape, pixels.dtype), _buffers.array("floats", (2, *shape), np.float32)
    for start in range(0, size_hw[0], block):
        above, below = upper[start : start + block], lower[start : start + block]
        count, first, end = len(above), above[0], below[-1] + 1
        shared = mixes_rows and end - first < 2 * count  # most rows of the source serve two rows of the output
        if shared:
            rows = pixels[first:end]
        else:
            rows = pixels.take(np.concatenate([above, below]) if mixes_rows else above, axis=0, mode="clip")
        used = len(rows)
        values, other = floats[0, :used], floats[1, :used]
        # No index is outside; of the ways to make sure of it, "clip" is the quickest.
        np.copyto(values, rows.take(left, axis=1, out=near[:used], mode="clip"))
        if mixes_columns:
            np.copyto(other, rows.take(right, axis=1, out=near[:used], mode="clip"))
            _mix(values, other, across, out=values)
        made = lines[start : start + count]
        if shared:
            values.take(below - first, axis=0, out=made, mode="clip")
            top = values.take(above - first, axis=0, out=floats[1, :count], mode="clip")
            _mix(top, made, down[start : start + count], out=made)
        elif mixes_rows:
            _mix(values[:count], values[count:], down[start : start + count], out=made)
        else:
            made[...] = values
        if then is not None:
            then(made)
    return result


def _mix(first: Floats, second: Floats, weight: Floats, out: Floats) -> None:
    """Interpolate into `out`, which may be either; `second` is overwritten. A weight of 0 gives `first`."""
    second -= first
    second *= weight
    np.add(second, first, out=out)


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
