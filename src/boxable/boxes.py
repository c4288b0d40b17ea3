"""Boxes: `[..., 4]`, normalized, in the order ymin, xmin, ymax, xmax; float32 but for `to_xywh`."""

import numpy as np

from boxable.arrays import Doubles, Floats

# SEMANTICS §5: the coder's y, x, height, width codes are scaled by these.
CODE_SCALES = (10.0, 10.0, 5.0, 5.0)
# Decimals of a pixel that survive the division by any size.
_DIGITS = 9


def decode(codes: Floats, anchors: Floats) -> Floats:
    """Decode box codes (ty, tx, th, tw) `[..., 4]` into boxes `[..., 4]` around their anchors `[..., 4]`.

    Not clipped, and the size codes are not limited: a code of 80 gives a box of 1e7 anchor sizes, which is
    what the original gives too; past float32 it is infinite (SEMANTICS §5).
    """
    height = anchors[..., 2] - anchors[..., 0]
    width = anchors[..., 3] - anchors[..., 1]
    scale_y, scale_x, scale_h, scale_w = (np.float32(scale) for scale in CODE_SCALES)
    center_y = codes[..., 0] / scale_y * height + (anchors[..., 0] + height * np.float32(0.5))
    center_x = codes[..., 1] / scale_x * width + (anchors[..., 1] + width * np.float32(0.5))
    with np.errstate(over="ignore"):
        half_h = np.exp(codes[..., 2] / scale_h) * height * np.float32(0.5)
        half_w = np.exp(codes[..., 3] / scale_w) * width * np.float32(0.5)
    boxes = np.empty(codes.shape, np.float32)
    boxes[..., 0] = center_y - half_h
    boxes[..., 1] = center_x - half_w
    boxes[..., 2] = center_y + half_h
    boxes[..., 3] = center_x + half_w
    return boxes


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
    a_top, a_left, a_bottom, a_right = corners(first)
    b_top, b_left, b_bottom, b_right = corners(second)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        a_area = (a_bottom - a_top) * (a_right - a_left)
        b_area = (b_bottom - b_top) * (b_right - b_left)
        height = np.maximum(np.minimum(a_bottom, b_bottom) - np.maximum(a_top, b_top), np.float32(0))
        width = np.maximum(np.minimum(a_right, b_right) - np.maximum(a_left, b_left), np.float32(0))
        overlap = height * width
        ratio = overlap / (a_area + b_area - overlap)
    return np.where((a_area > 0) & (b_area > 0), ratio, np.float32(0))


def corners(boxes: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Split boxes `[..., 4]` into ymin, xmin, ymax, xmax `[...]`, ordered so that min <= max."""
    y0, x0, y1, x1 = boxes[..., 0], boxes[..., 1], boxes[..., 2], boxes[..., 3]
    return np.minimum(y0, y1), np.minimum(x0, x1), np.maximum(y0, y1), np.maximum(x0, x1)


def clip(boxes: Floats, window: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)) -> Floats:
    """Clip boxes `[N, 4]` to the window (ymin, xmin, ymax, xmax)."""
    low = np.array([window[0], window[1], window[0], window[1]], np.float32)
    high = np.array([window[2], window[3], window[2], window[3]], np.float32)
    return np.minimum(np.maximum(boxes, low), high)


def area(boxes: Floats) -> Floats:
    """Compute height times width of boxes `[..., 4]`; negative where exactly one side is inverted."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
