"""The box of a COCO annotation: its bbox, else the one around its segmentation."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

# x, y, width, height in pixels.
Box = tuple[float, float, float, float]
_SIDES, _BITS, _MOST_BITS = 4, 5, 60


def box_of(item: Mapping[str, Any]) -> Box | None:
    """Return the bbox of an annotation, else the box around its polygons or mask; None where it has none of them.

    Raises ValueError, TypeError or IndexError for what is neither.
    """
    if box := item.get("bbox"):
        x, y, width, height = map(float, box)
        return x, y, width, height
    outline = item.get("segmentation")
    if not outline:
        return None
    return _of_mask(outline) if isinstance(outline, Mapping) else _of_polygons(outline)


def _of_polygons(polygons: Sequence[Any]) -> Box | None:
    """Return the box around the polygons of an object, or one that is not in a list: x and y in turn."""
    flat = polygons if isinstance(polygons[0], int | float) else [side for polygon in polygons for side in polygon]
    x, y = [*map(float, flat[::2])], [*map(float, flat[1::2])]
    if len(x) != len(y):
        raise ValueError("a polygon with an odd number of coordinates")
    return (min(x), min(y), max(x) - min(x), max(y) - min(y)) if x else None


def _of_mask(mask: Mapping[str, Any]) -> Box | None:
    """Return the box around a run-length encoded mask: by columns, runs of pixels outside and inside in turn."""
    counts = mask["counts"]
    if isinstance(counts, str):
        counts = [*_decoded(counts)]
    height, width = map(int, mask["size"])
    ends = np.cumsum(np.array(counts, np.int64))
    if (np.array(counts) < 0).any() or (len(ends) and ends[-1] > height * width):
        raise ValueError("a mask larger than its size")
    first, last = ends[:-1:2], ends[1::2] - 1
    first, last = first[first <= last], last[first <= last]
    if not len(first):
        return None
    left, right = first // height, last // height
    # A run that goes on in the next column touches the lower and upper side.
    over = left != right
    top = np.where(over, 0, first % height).min()
    bottom = np.where(over, height - 1, last % height).max()
    return float(left.min()), float(top), float(right.max() - left.min() + 1), float(bottom - top + 1)


def _decoded(text: str) -> Iterator[int]:
    """Decode the counts of a compressed mask: 5 bits a letter, from the third as the difference to the last but one."""
    before = [0, 0]
    number = value = bits = 0
    for letter in text.encode("ascii"):
        code = letter - 48
        if not 0 <= code < 64 or bits > _MOST_BITS:
            raise ValueError("counts that are no compressed mask")
        value |= (code & 31) << bits
        bits += _BITS
        if code & 32:
            continue
        if code & 16:
            value -= 1 << bits
        if number > 2:
            value += before[0]
        before = [before[1], value]
        yield value
        number, value, bits = number + 1, 0, 0
