"""Find places for labels: at their own box, apart from each other, and where they hide little.

Rectangles are in pixels here: left, top, right, bottom, where right and bottom are just outside.
"""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

# Places for a label, the best liked first. A row (a, b, c, d) puts the label's left edge at the box's left
# + a box widths + b label widths, and its top edge at the box's top + c box heights + d label heights.
SLIDES = (0, 1, 0.5, 0.25, 0.75)
TOUCHING = [
    *((slide, -slide, c, d) for c, d in ((0, -1), (0, 0), (1, 0), (1, -1)) for slide in SLIDES),
    *((a, b, slide, -slide) for a, b in ((1, 0), (0, -1), (0, 0), (1, -1)) for slide in SLIDES),
]
NEARBY = [(end, b / 2 - end, end, d - end) for end in (0, 1) for b in range(-5, 6) for d in range(-6, 7)]
PLACES = np.array(TOUCHING + NEARBY, np.float64)
# What speaks against a place, counted in label heights of distance from the box.
DISLIKE = np.concatenate([np.linspace(0, 1, len(TOUCHING)), np.full(len(NEARBY), 2.0)])
HIDDEN_MIDDLE = 5.0
# A label on the outline of another box reads as a label of that box.
CROSSED = 0.3


def place_labels(boxes: Ints, sizes: Ints, frame: tuple[int, int]) -> Ints:
    """Find each label a place inside the frame that no other label has: rectangles int64 `[N, 4]`.

    `boxes` int64 `[N, 4]`: rectangles; the first chooses first. `sizes` int64 `[N, 2]`: widths and heights of
    the labels. `frame`: width and height of the image. A label that gets no place has four zeros.
    """
    places = np.zeros_like(boxes)
    middles = _middles(boxes)
    middle_areas = (middles[:, 2:] - middles[:, :2]).prod(axis=1)
    for i, (box, size) in enumerate(zip(boxes, sizes, strict=True)):
        if not size.all() or (size > frame).any():
            continue
        spots = _spots(box, size, frame)
        free = ~_overlaps(spots, places[:i]).any(axis=1)
        if free.any():
            spots = spots[free]
            hidden = (_overlaps(spots, middles) / middle_areas).sum(axis=1)
            crossed = _crossed(spots, np.delete(boxes, i, axis=0))
            cost = DISLIKE[free] + HIDDEN_MIDDLE * hidden + CROSSED * crossed + _gaps(spots, box) / size[1]
            places[i] = spots[cost.argmin()]
    return places


def _spots(box: Ints, size: Ints, frame: tuple[int, int]) -> Ints:
    """List the places to try for one label, moved into the frame: rectangles int64 `[K, 4]`."""
    corners = box[:2] + PLACES[:, 0::2] * (box[2:] - box[:2]) + PLACES[:, 1::2] * size
    corners = np.clip(corners.round().astype(np.int64), 0, frame - size)
    return np.hstack([corners, corners + size])


def _middles(boxes: Ints) -> Ints:
    """Compute the central half of each box, at least one pixel large: rectangles int64 `[N, 4]`."""
    quarter = (boxes[:, 2:] - boxes[:, :2]) // 4
    corners = boxes[:, :2] + quarter
    return np.hstack([corners, np.maximum(boxes[:, 2:] - quarter, corners + 1)])


def _overlaps(first: Ints, second: Ints) -> Ints:
    """Compute the areas `[K, M]` that rectangles `[K, 4]` and `[M, 4]` have in common."""
    left, top, right, bottom = first.T[..., None]
    width: Ints = np.minimum(right, second[:, 2]) - np.maximum(left, second[:, 0])
    height: Ints = np.minimum(bottom, second[:, 3]) - np.maximum(top, second[:, 1])
    return np.asarray(width.clip(0) * height.clip(0))


def _crossed(spots: Ints, boxes: Ints) -> Ints:
    """Count for each rectangle `[K, 4]` the boxes `[M, 4]` whose outline it covers: int64 `[K]`."""
    left, top, right, bottom = spots.T[..., None]
    inside = (boxes[:, 0] <= left) & (boxes[:, 1] <= top) & (right <= boxes[:, 2]) & (bottom <= boxes[:, 3])
    return np.asarray(((_overlaps(spots, boxes) > 0) & ~inside).sum(axis=1))


def _gaps(spots: Ints, box: Ints) -> NDArray[np.float64]:
    """Compute the pixels `[K]` between rectangles `[K, 4]` and the outline of a box `[4]`; 0 if they touch."""
    outside = np.maximum(box[:2] - spots[:, 2:], spots[:, :2] - box[2:]).clip(0)
    inside = np.hstack([spots[:, :2] - box[:2], box[2:] - spots[:, 2:]]).min(axis=1)
    return np.asarray(np.maximum(np.linalg.norm(outside, axis=1), inside))
