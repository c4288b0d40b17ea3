"""Rotate images and their boxes upright.

The published files are stored as the camera's sensor lay, and the boxes refer to the image as stored. The column
Rotation says by how many degrees, counter-clockwise, both have to be rotated
(https://storage.googleapis.com/openimages/web/2018-05-17-rotation-information.html).
"""

import numpy as np
from numpy.typing import NDArray

from boxable.images.contiguous import contiguous


def rotate(image: NDArray[np.uint8], degrees: int) -> NDArray[np.uint8]:
    """Rotate an image uint8 `[H, W, 3]` counter-clockwise by 0, 90, 180 or 270 degrees."""
    return contiguous(np.rot90(image, degrees // 90))


def rotate_boxes(boxes: NDArray[np.float32], degrees: int) -> NDArray[np.float32]:
    """Rotate boxes float32 `[N, 4]` (ymin, xmin, ymax, xmax; normalized) with their image."""
    ymin, xmin, ymax, xmax = boxes.T
    sides = {
        0: (ymin, xmin, ymax, xmax),
        90: (1 - xmax, ymin, 1 - xmin, ymax),
        180: (1 - ymax, 1 - xmax, 1 - ymin, 1 - xmin),
        270: (xmin, 1 - ymax, xmax, 1 - ymin),
    }
    return np.stack(sides[degrees], axis=1)
