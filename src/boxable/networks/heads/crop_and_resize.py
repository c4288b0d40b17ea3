"""Crops of a feature map, as TensorFlow's `crop_and_resize` makes them, bit by bit (SEMANTICS §11)."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from boxable.arrays import Floats

# Of an axis: the lower and upper neighbour, the distance from the lower one, and what is outside.
Places = list[NDArray[Any]]

_HALF = np.float32(0.5)


def crop_and_resize(features: Floats, boxes: Floats, out: Floats) -> Floats:
    """Crop boxes float32 `[N, 4]` of features float32 `[h, w, C]` into `out` `[N, height, width, C]`; returns that.

    Boxes are in 0..1, from the centre of the first cell to that of the last one. Values are interpolated in x, then in
    y; cells outside of the map are 0.
    """
    rows, columns = (
        _places(boxes[:, axis], boxes[:, axis + 2], features.shape[axis], out.shape[1 + axis]) for axis in (0, 1)
    )
    scratch = Scratch.for_crops(*out.shape[1:])
    for number, crop in enumerate(out):
        _crop(features, [part[number] for part in rows], [part[number] for part in columns], scratch, crop)
    return out


class Scratch(NamedTuple):
    """Arrays for intermediate results of a crop: new ones for each crop would take twice the time."""

    lines: Floats
    ends: Floats
    lower: Floats

    @classmethod
    def for_crops(cls, height: int, width: int, channels: int) -> "Scratch":
        """Make those of crops of this size."""
        lines, ends = (np.empty((2 * height, width, channels), np.float32) for _ in range(2))
        return cls(lines, ends, np.empty((height, width, channels), np.float32))


def _places(low: Floats, high: Floats, cells: int, size: int) -> Places:
    """Find the neighbours of each cell of the crops on an axis."""
    last = np.float32(cells - 1)
    if size > 1:
        step = (high - low) * last / np.float32(size - 1)
        places = (low * last)[:, None] + np.arange(size, dtype=np.float32) * step[:, None]
    else:
        places = (_HALF * (low + high) * last)[:, None]
    outside = ~((places >= 0) & (places <= last))
    places = np.where(outside, np.float32(0), places)
    lower = np.floor(places)
    return [lower.astype(np.intp), np.ceil(places).astype(np.intp), places - lower, outside]


def _crop(features: Floats, rows: Places, columns: Places, scratch: Scratch, out: Floats) -> None:
    """Interpolate one crop `[height, width, C]`. A row of the map is interpolated in x once, whatever reads it."""
    (top, bottom, down, above), (left, right, across, beside) = rows, columns
    needed, places = np.unique(np.concatenate([top, bottom]), return_inverse=True)
    cells = features.reshape(-1, features.shape[2])
    starts = needed[:, None] * features.shape[1]
    lines, ends, lower = scratch.lines[: len(needed)], scratch.ends[: len(needed)], scratch.lower
    # With a mode other than "raise", `take` writes into `out` directly.
    np.take(cells, starts + left, axis=0, out=lines, mode="clip")
    np.take(cells, starts + right, axis=0, out=ends, mode="clip")
    ends -= lines
    ends *= across[:, None]
    lines += ends
    np.take(lines, places[: len(top)], axis=0, out=out, mode="clip")
    np.take(lines, places[len(top) :], axis=0, out=lower, mode="clip")
    lower -= out
    lower *= down[:, None, None]
    out += lower
    out[above] = 0
    out[:, beside] = 0
