"""Crops of a feature map, as TensorFlow's `crop_and_resize` makes them, bit by bit (SEMANTICS §11)."""

from typing import Any

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
    for number, crop in enumerate(out):
        _crop(features, [part[number] for part in rows], [part[number] for part in columns], crop)
    return out


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


def _crop(features: Floats, rows: Places, columns: Places, out: Floats) -> None:
    """Interpolate one crop `[height, width, C]`. A row of the map is interpolated in x once, whatever reads it."""
    (top, bottom, down, above), (left, right, across, beside) = rows, columns
    needed, places = np.unique(np.concatenate([top, bottom]), return_inverse=True)
    wanted = features[needed]
    lines = wanted[:, left]
    lines += (wanted[:, right] - lines) * across[:, None]
    upper, lower = lines[places[: len(top)]], lines[places[len(top) :]]
    lower -= upper
    lower *= down[:, None, None]
    np.add(upper, lower, out=out)
    out[above] = 0
    out[:, beside] = 0
