"""Boxes: `[..., 4]`, normalized, in the order ymin, xmin, ymax, xmax; float32 but for `to_xywh`."""

from functools import lru_cache

import numpy as np

from boxable.arrays import Doubles, Floats

# SEMANTICS §5: the coder's y, x, height, width codes are scaled by these.
CODE_SCALES = (10.0, 10.0, 5.0, 5.0)
_SCALES = np.array(CODE_SCALES, np.float32)
_NOTHING, _HALF = np.float32(0), np.float32(0.5)
# Decimals of a pixel that survive the division by any size.
_DIGITS = 9


@np.errstate(over="ignore")
def decode(codes: Floats, anchors: Floats) -> Floats:
    """Decode box codes (ty, tx, th, tw) `[..., 4]` into boxes `[..., 4]` around their anchors `[..., 4]`.

    Both have the same number of dimensions. Not clipped, and the size codes are not limited: a code of 80 gives a box
    of 1e7 anchor sizes, which is what the original gives too; past float32 it is infinite (SEMANTICS §5).
    """
    # Both axes at once, and in memory all boxes of an axis in a row: few operations, each over many numbers.
    scaled, placed = np.ascontiguousarray((codes / _SCALES).T), np.ascontiguousarray(anchors.T)
    size = placed[2:] - placed[:2]
    center = scaled[:2] * size + (placed[:2] + size * _HALF)
    reach = np.exp(scaled[2:]) * size * _HALF
    return np.ascontiguousarray(np.concatenate([center - reach, center + reach]).T)


def to_xywh(boxes: Doubles, sizes: Doubles) -> Doubles:
    """Convert boxes float64 `[N, 4]` to x, y, width, height in pixels of images of `sizes` `[N, 2]` (width, height).

    Rounded to 1e-9 pixels, so that a decimal that was divided by the size of its image is itself again.
    """
    ymin, xmin, ymax, xmax = np.round(boxes * sizes[:, [1, 0, 1, 0]], _DIGITS).T
    return np.asarray(np.round(np.stack([xmin, ymin, xmax - xmin, ymax - ymin], axis=1), _DIGITS))


def iou(first: Floats, second: Floats) -> Floats:
    """Compute the intersection over union (IoU) of boxes `[..., 4]` with boxes `[..., 4]` (broadcast): float32 `[...]`.

    Corners may be in any order; a box without area overlaps nothing (SEMANTICS §6.4).
    """
    dimensions = max(first.ndim, second.ndim)
    aligned = (boxes.reshape((1,) * (dimensions - boxes.ndim) + boxes.shape) for boxes in (first, second))
    return iou_of_extents(*map(extents, aligned))


@np.errstate(over="ignore", invalid="ignore")
def extents(boxes: Floats) -> Floats:
    """Return ymin, xmin, ymax, xmax and area `[5, ...]` of boxes `[..., 4]`, ordered so that min <= max."""
    sides = np.ascontiguousarray(boxes.transpose(boxes.ndim - 1, *range(boxes.ndim - 1)))
    found = np.empty((5, *sides.shape[1:]), np.float32)
    low = np.minimum(sides[:2], sides[2:], out=found[:2])
    high = np.maximum(sides[:2], sides[2:], out=found[2:4])
    height, width = high - low
    found[4] = height * width
    return found


@np.errstate(over="ignore", invalid="ignore")
def iou_of_extents(first: Floats, second: Floats) -> Floats:
    """Compute the IoU of boxes from their `extents` `[5, ...]`, of the same number of dimensions."""
    area, other_area = first[4], second[4]
    height, width = np.maximum(np.minimum(first[2:4], second[2:4]) - np.maximum(first[:2], second[:2]), _NOTHING)
    overlap = height * width
    ratio = overlap / (area + other_area - overlap)
    return np.where((area > 0) & (other_area > 0), ratio, _NOTHING)


def clip(boxes: Floats, window: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)) -> Floats:
    """Clip boxes `[N, 4]` to the window (ymin, xmin, ymax, xmax)."""
    low, high = _ends(window)
    return np.minimum(np.maximum(boxes, low), high)


@lru_cache(maxsize=8)
def _ends(window: tuple[float, float, float, float]) -> tuple[Floats, Floats]:
    """Return the least and the greatest corners `[4]` in a window, read-only."""
    ends = np.array([window[:2] * 2, window[2:] * 2], np.float32)
    ends.flags.writeable = False
    return ends[0], ends[1]


def area(boxes: Floats) -> Floats:
    """Compute height times width of boxes `[..., 4]`; negative where exactly one side is inverted."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
