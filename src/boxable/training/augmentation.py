"""The augmentation of training images: flip, zoom-out and crop of the image, colors of the network's input."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from boxable.arrays import Floats
from boxable.images.contiguous import contiguous
from boxable.training.color_distortion import distort_colors
from boxable.training.original_augmentation import CROP, FLIP, Augmented, random_flip, ssd_random_crop

# Side of the canvas, at most, in sides of the image. SSD has 4, and twice as many steps to learn the small objects.
ZOOM_OUT = 2.0
# Mean color of ImageNet, RGB, with which SSD fills the canvas.
MEAN_COLOR = (123, 117, 104)


@dataclass(frozen=True, slots=True)
class Augmentation:
    """The probability of each step.

    `colors` is that of each of the four distortions of color.
    """

    flip: float = FLIP
    zoom_out: float = 0.25
    crop: float = CROP
    colors: float = 0.5

    def spatial(self, rng: np.random.Generator, image: NDArray[np.uint8], boxes: Floats) -> Augmented:
        """Augment an image `[H, W, 3]` and its boxes `[N, 4]`, before it is resized."""
        image, boxes = random_flip(rng, image, boxes, self.flip)
        if rng.random() < self.zoom_out:
            image, boxes = zoom_out(rng, image, boxes)
        return ssd_random_crop(rng, image, boxes, self.crop)

    def photometric(self, rng: np.random.Generator, image: Floats) -> None:
        """Distort the colors of a network's input `[h, w, 3]`, -1 to 1, in place."""
        distort_colors(rng, image, self.colors)


DEFAULT = Augmentation()
# The original recipe, SEMANTICS §7.7: a flip, then a crop.
ORIGINAL = Augmentation(zoom_out=0.0, colors=0.0)


def zoom_out(rng: np.random.Generator, image: NDArray[np.uint8], boxes: Floats) -> tuple[NDArray[np.uint8], Floats]:
    """Place an image `[H, W, 3]` at random on a larger canvas, and its boxes `[N, 4]` with it.

    The sides of the canvas are 1 to `ZOOM_OUT` times those of the image (SSD, Liu et al. 2016, section 3.6).
    """
    height, width = image.shape[:2]
    scale = rng.uniform(1.0, ZOOM_OUT)
    rows, columns = int(height * scale), int(width * scale)
    top, left = int(rng.integers(rows - height + 1)), int(rng.integers(columns - width + 1))
    canvas = np.empty((rows, columns, 3), np.uint8)
    # Whole rows, since NumPy repeats three values slowly.
    canvas.reshape(rows, -1)[...] = np.tile(np.array(MEAN_COLOR, np.uint8), columns)
    canvas[top : top + height, left : left + width] = contiguous(image)
    moved = boxes * np.array([height, width] * 2, np.float32) + np.array([top, left] * 2, np.float32)
    return canvas, np.divide(moved, np.array([rows, columns] * 2, np.float32))
