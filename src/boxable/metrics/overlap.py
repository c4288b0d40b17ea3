"""How boxes overlap, for many pairs at once. Float64: with float32 some matches of the original would flip."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from boxable.arrays import Doubles, Integers, Ints, Mask
from boxable.settings import available_cores

Keys = NDArray[np.int64]
Overlap = Callable[[Doubles, Doubles], Doubles]
Allowed = Callable[[Integers, Integers], Mask]

# Pairs of a detection and a box that are compared at once: bounds the memory, and stays in the cache.
_PAIRS = 1 << 16
# Up to so many possible keys a table of all of them is quicker than a search.
_TABLE = 1 << 27


def distinct(keys: Keys) -> Keys:
    """Sort the distinct keys; quicker than np.unique, which hashes."""
    keys = np.sort(keys)
    return np.asarray(keys[np.diff(keys, prepend=keys[:1] - 1) != 0])


class KeyPlaces:
    """Where keys stand in an ordered list of different keys int64; all are from 0 to below `limit`."""

    def __init__(self, keys: Keys, limit: int) -> None:
        self._keys = keys
        self._table: Ints | None = None
        if limit <= _TABLE:
            self._table = np.full(limit, -1, np.int32)
            self._table[keys] = np.arange(len(keys), dtype=np.int32)

    def of(self, keys: Keys) -> NDArray[np.integer]:
        """Find the place of each key; -1 for a key that is absent."""
        if self._table is not None:
            return self._table[keys]
        if len(self._keys) == 0:
            return np.full(len(keys), -1, np.intp)
        places = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return np.where(self._keys[places] == keys, places, -1)


class KeyedBoxes:
    """Boxes float64 `[N, 4]`, of which `chosen` rows can be looked up by their key int64 `[N]` (an image and class).

    Keys are from 0 to below `limit`.
    """

    def __init__(self, keys: Keys, boxes: Doubles, chosen: Integers, limit: int) -> None:
        self._boxes = boxes
        self._rows = chosen[np.argsort(keys[chosen], kind="stable")]
        ordered = keys[self._rows]
        self._starts = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1))
        self._counts = np.diff(self._starts, append=len(self._rows))
        self._places = KeyPlaces(ordered[self._starts], limit)

    def best(
        self, rows: Integers, keys: Keys, boxes: Doubles, overlap: Overlap, allowed: Allowed | None = None
    ) -> tuple[Integers, Integers, Doubles]:
        """Find the box of the same key with the most overlap for each detection, the first among equals.

        `rows` intp `[R]` are those of `keys` `[N]` and `boxes` `[N, 4]` that are asked for; `allowed(detections,
        boxes)` says of pairs of rows which count. Gives the rows that have such a box, the box's row, and the
        overlap, each `[S]`; the overlap is -1 where no box counts, and the box then means nothing.
        """
        rows, firsts, counts = self._having(rows, keys)
        best, most = np.empty(len(rows), np.intp), np.empty(len(rows))

        def compare(low: int, high: int) -> None:
            count = counts[low:high]
            starts = np.cumsum(count) - count
            detections, others = self._pairs(rows[low:high], firsts[low:high], count)
            values = overlap(boxes[detections], self._boxes[others])
            if allowed is not None:
                values[~allowed(detections, others)] = -1
            most[low:high] = np.maximum.reduceat(values, starts)
            equal = np.flatnonzero(values == np.repeat(most[low:high], count))
            best[low:high] = others[equal[np.searchsorted(equal, starts)]]

        edges = _edges(np.cumsum(counts))
        with ThreadPoolExecutor(available_cores(), thread_name_prefix="boxable-overlap") as pool:
            list(pool.map(compare, edges[:-1], edges[1:]))
        return rows, best, most

    def pairs(self, rows: Integers, keys: Keys) -> Iterator[tuple[Integers, Integers]]:
        """Yield the pairs of these rows of `keys` `[N]` with boxes of the same key, many at once: rows of both."""
        rows, firsts, counts = self._having(rows, keys)
        for low, high in pairwise(_edges(np.cumsum(counts))):
            yield self._pairs(rows[low:high], firsts[low:high], counts[low:high])

    def _having(self, rows: Integers, keys: Keys) -> tuple[Integers, Integers, Integers]:
        """Select the rows whose key has boxes; return also where those begin, and how many they are."""
        places = self._places.of(keys[rows])
        having = np.flatnonzero(places >= 0)
        places = places[having]
        return rows[having], self._starts[places], self._counts[places]

    def _pairs(self, rows: Integers, firsts: Integers, counts: Integers) -> tuple[Integers, Integers]:
        starts = np.cumsum(counts) - counts
        detections = np.repeat(rows, counts)
        return detections, self._rows[np.repeat(firsts - starts, counts) + np.arange(len(detections))]


def _edges(pairs: Integers) -> list[int]:
    """Where to cut a list whose running number of pairs this is, so that each part has about `_PAIRS`."""
    if not len(pairs):
        return [0]
    cuts = np.searchsorted(pairs, np.arange(_PAIRS, pairs[-1], _PAIRS), side="right")
    return [0, *distinct(cuts[(cuts > 0) & (cuts < len(pairs))]).tolist(), len(pairs)]


def iou(detections: Doubles, boxes: Doubles) -> Doubles:
    """Compute the intersection over union of boxes `[N, 4]` with boxes `[N, 4]`, in the original's order of operations.

    So even the last bit is the original's (SEMANTICS §10.2).
    """
    common = _intersection(detections, boxes)
    return np.asarray(common / (_area(detections) + _area(boxes) - common))


def ioa(detections: Doubles, boxes: Doubles) -> Doubles:
    """Intersection over the detection's own area: how much of it is inside a group (SEMANTICS §10.3)."""
    return np.asarray(_intersection(detections, boxes) / _area(detections))


def pixel_iou(detections: Doubles, boxes: Doubles) -> Doubles:
    """Compute the intersection over union of boxes (x, y, width, height) `[N, 4]`, to the last bit as pycocotools."""
    common = _common_pixels(detections, boxes)
    return _ratio(common, detections[:, 2] * detections[:, 3] + boxes[:, 2] * boxes[:, 3] - common)


def pixel_ioa(detections: Doubles, boxes: Doubles) -> Doubles:
    """Intersection over the detection's own area of boxes (x, y, width, height): how much of it is in a crowd."""
    return _ratio(_common_pixels(detections, boxes), detections[:, 2] * detections[:, 3])


def _common_pixels(first: Doubles, second: Doubles) -> Doubles:
    sides = np.minimum(first[:, 2:] + first[:, :2], second[:, 2:] + second[:, :2]) - np.maximum(
        first[:, :2], second[:, :2]
    )
    return np.asarray(np.maximum(sides, 0).prod(axis=1))


def _ratio(common: Doubles, whole: Doubles) -> Doubles:
    return np.divide(common, whole, out=np.zeros_like(common), where=common > 0)


def _intersection(first: Doubles, second: Doubles) -> Doubles:
    height = np.minimum(first[:, 2], second[:, 2]) - np.maximum(first[:, 0], second[:, 0])
    width = np.minimum(first[:, 3], second[:, 3]) - np.maximum(first[:, 1], second[:, 1])
    return np.asarray(np.maximum(height, 0) * np.maximum(width, 0))


def _area(boxes: Doubles) -> Doubles:
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
