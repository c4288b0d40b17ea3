"""How boxes overlap, for many pairs at once. Float64: with float32 some matches of the original would flip."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Keys = NDArray[np.int64]
Index = NDArray[np.intp]
Overlap = Callable[[Floats, Floats], Floats]
Allowed = Callable[[Index, Index], NDArray[np.bool_]]

# Pairs of a detection and a box that are compared at once: bounds the memory.
_PAIRS = 1 << 19


class KeyedBoxes:
    """Boxes float64 `[N, 4]`, of which `chosen` rows can be looked up by their key int64 `[N]` (an image and class)."""

    def __init__(self, keys: Keys, boxes: Floats, chosen: Index) -> None:
        self._boxes = boxes
        self._rows = chosen[np.argsort(keys[chosen], kind="stable")]
        self._keys, self._starts = np.unique(keys[self._rows], return_index=True)
        self._counts = np.diff(self._starts, append=len(self._rows))

    def best(self, keys: Keys, boxes: Floats, overlap: Overlap, allowed: Allowed | None = None) -> tuple[Index, Floats]:
        """For each of these `[R]` keys and boxes the box with its key and the most overlap, the first among equals.

        `allowed(index, row)` bool says which pairs count. Rows intp `[R]` and overlaps float64 `[R]`; the overlap is -1
        where no box counts, and the row then means nothing.
        """
        best = np.full(len(keys), -1, np.intp)
        most = np.full(len(keys), -1.0)
        if len(self._keys) == 0:
            return best, most
        place = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        having = np.flatnonzero(self._keys[place] == keys)
        counts = self._counts[place[having]]
        ends = np.cumsum(counts)
        low = 0
        while low < len(having):
            done = ends[low - 1] if low else 0
            high = max(low + 1, int(np.searchsorted(ends, done + _PAIRS, side="right")))
            part = having[low:high]
            starts = np.cumsum(counts[low:high]) - counts[low:high]
            index = np.repeat(part, counts[low:high])
            rows = self._rows[np.repeat(self._starts[place[part]] - starts, counts[low:high]) + np.arange(len(index))]
            values = overlap(boxes[index], self._boxes[rows])
            if allowed is not None:
                values[~allowed(index, rows)] = -1
            most[part] = np.maximum.reduceat(values, starts)
            equal = np.flatnonzero(values == np.repeat(most[part], counts[low:high]))
            best[part] = rows[equal[np.searchsorted(equal, starts)]]
            low = high
        return best, most


def iou(detections: Floats, boxes: Floats) -> Floats:
    """Intersection over union of boxes `[N, 4]` with boxes `[N, 4]`, in the original's order of operations.

    So even the last bit is the original's (SEMANTICS §10).
    """
    common = _intersection(detections, boxes)
    return np.asarray(common / (_area(detections) + _area(boxes) - common))


def ioa(detections: Floats, boxes: Floats) -> Floats:
    """Intersection over the detection's own area: how much of it is inside a group (SEMANTICS §10)."""
    return np.asarray(_intersection(detections, boxes) / _area(detections))


def _intersection(first: Floats, second: Floats) -> Floats:
    height = np.minimum(first[:, 2], second[:, 2]) - np.maximum(first[:, 0], second[:, 0])
    width = np.minimum(first[:, 3], second[:, 3]) - np.maximum(first[:, 1], second[:, 1])
    return np.asarray(np.maximum(height, 0) * np.maximum(width, 0))


def _area(boxes: Floats) -> Floats:
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
