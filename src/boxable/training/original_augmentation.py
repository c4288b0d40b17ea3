"""The augmentation of the original recipe: `random_horizontal_flip` and `ssd_random_crop` (SEMANTICS §7.7).

Everything random comes from a NumPy generator: the distributions are those of the original, its random numbers are not.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from boxable.arrays import Floats, Integers, Mask
from boxable.boxes import area, clip

FLIP = 0.5
CROP = 0.85
# One of these is drawn for a crop: the part of at least one box that is inside, and the part that each box needs.
OVERLAPS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
ASPECT_RATIOS = (0.5, 2.0)  # width by height, in pixels
AREAS = (0.1, 1.0)  # of the image
ATTEMPTS = 100


class Augmented(NamedTuple):
    """An image uint8 `[H, W, 3]`, perhaps a view, its boxes `[M, 4]`, and the rows `[M]` that they had before."""

    image: NDArray[np.uint8]
    boxes: Floats
    rows: Integers


def random_flip(
    rng: np.random.Generator, image: NDArray[np.uint8], boxes: Floats, probability: float
) -> tuple[NDArray[np.uint8], Floats]:
    """Flip an image `[H, W, 3]` and its boxes `[N, 4]` from left to right, with this probability."""
    if rng.random() < probability:
        ymin, xmin, ymax, xmax = boxes.T
        return image[:, ::-1], np.stack([ymin, 1 - xmax, ymax, 1 - xmin], axis=1)
    return image, boxes


def ssd_random_crop(rng: np.random.Generator, image: NDArray[np.uint8], boxes: Floats, probability: float) -> Augmented:
    """Crop an image `[H, W, 3]` to a random window that covers enough of a box of `boxes` `[N, 4]`.

    With this probability; else, and if no window is found, the image stays (SSD, Liu et al. 2016, section 2.2, as in
    the Object Detection API: coverage of the box instead of IoU).
    """
    overlap = OVERLAPS[rng.integers(len(OVERLAPS))]
    if rng.random() >= probability:
        return Augmented(image, boxes, np.arange(len(boxes)))
    window = sample_window(rng, image.shape[0], image.shape[1], clip(boxes), overlap)
    return crop(image, boxes, window, overlap)


def crop(image: NDArray[np.uint8], boxes: Floats, window: tuple[int, int, int, int], overlap: float) -> Augmented:
    """Crop an image `[H, W, 3]` to a window in pixels (top, left, bottom, right).

    Boxes `[N, 4]` of which less than `overlap` (of their own area) is inside are dropped, and those without area or
    completely outside. The others are clipped to the window.
    """
    top, left, bottom, right = window
    height, width = image.shape[:2]
    ends = np.array(window, np.float32) / np.array([height, width, height, width], np.float32)
    inside = np.concatenate([np.maximum(boxes[:, :2], ends[:2]), np.minimum(boxes[:, 2:], ends[2:])], axis=1)
    touches = (inside[:, :2] < inside[:, 2:]).all(axis=1)
    rows = np.flatnonzero(touches)
    rows = rows[area(inside[rows]) / area(boxes[rows]) >= np.float32(overlap)]
    origin, size = np.tile(ends[:2], 2), np.tile(ends[2:] - ends[:2], 2)
    return Augmented(image[top:bottom, left:right], clip(np.divide(boxes[rows] - origin, size)), rows)


def sample_window(
    rng: np.random.Generator, height: int, width: int, boxes: Floats, min_covered: float
) -> tuple[int, int, int, int]:
    """Sample a window in pixels (top, left, bottom, right) that covers at least this part of one of the boxes.

    The first of 100 candidates that does, or the whole image. Without boxes `[N, 4]`, 0 to 1, the whole image is the
    box to cover. The distribution is that of TensorFlow's `sample_distorted_bounding_box`: the box loses its fractions
    of pixels, and one of less than a pixel does not count.
    """
    windows = _candidates(rng, height, width)
    whole = np.array([[0, 0, height, width]])
    pixels = (boxes * np.array([height, width, height, width], np.float32)).astype(np.intp) if len(boxes) else whole
    covering = windows[_covers(windows, pixels, min_covered)]
    top, left, bottom, right = (covering if len(covering) else whole)[0].tolist()
    return top, left, bottom, right


def _candidates(rng: np.random.Generator, height: int, width: int) -> Integers:
    """Sample windows `[100 or fewer, 4]` in an image: a uniform aspect ratio, then a uniform height, then a place.

    Where rounded sides make the area too small, it gets one more row; what does not fit into the image is dropped.
    """
    ratio, size, down, across = rng.random((4, ATTEMPTS))
    ratio = ASPECT_RATIOS[0] + (ASPECT_RATIOS[1] - ASPECT_RATIOS[0]) * ratio
    least, most = (part * height * width for part in AREAS)
    lowest, highest = (np.rint(np.sqrt(pixels / ratio)) for pixels in (least, most))
    highest = np.minimum(np.minimum(highest, height), (width + 0.5) // ratio)
    lowest = np.minimum(lowest, highest)
    rows = lowest + size * (highest - lowest + 1) // 1
    rows += rows * np.rint(rows * ratio) < least
    columns = np.rint(rows * ratio)
    valid = (columns >= 1) & (rows <= height) & (columns <= width)
    # The last row and column are never reached, as in the original.
    top, left = down * (height - rows) // 1, across * (width - columns) // 1
    windows: Integers = np.stack([top, left, top + rows, left + columns], axis=1)[valid].astype(np.intp)
    return windows


def _covers(windows: Integers, boxes: Integers, min_covered: float) -> Mask:
    """Tell which windows `[W, 4]` cover enough of at least one box `[N, 4]`, in pixels: bool `[W]`."""
    boxes = boxes[(boxes[:, 2:] > boxes[:, :2]).all(axis=1)]
    low = np.maximum(windows[:, None, :2], boxes[:, :2])
    high = np.minimum(windows[:, None, 2:], boxes[:, 2:])
    shared = np.maximum(high - low, 0).prod(axis=2)
    found: Mask = (shared / (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) >= min_covered).any(axis=1)
    return found
