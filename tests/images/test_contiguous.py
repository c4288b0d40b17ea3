"""Pixels in any order of memory are copied into C order."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from boxable.images.contiguous import TILE, contiguous

View = Callable[[NDArray[np.generic]], NDArray[np.generic]]
VIEWS: dict[str, View] = {
    "turned by 90 degrees": lambda pixels: np.rot90(pixels),
    "turned by 180 degrees": lambda pixels: np.rot90(pixels, 2),
    "upside down": lambda pixels: pixels[::-1],
    "BGR": lambda pixels: pixels[:, :, ::-1],
    "planes": lambda pixels: np.asfortranarray(pixels),
    "every second": lambda pixels: pixels[::2, ::2],
    "without alpha": lambda pixels: np.repeat(pixels, 2, axis=2)[:, :, :3],
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("size_hw", [(1, 1), (1, 5), (TILE, TILE + 1), (2 * TILE + 3, TILE - 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_copy_has_the_same_pixels_in_c_order(view: View, size_hw: tuple[int, int], dtype: type) -> None:
    pixels = view(np.random.default_rng(0).integers(0, 256, (*size_hw, 3)).astype(dtype))
    found = contiguous(pixels)
    assert found.flags.c_contiguous
    assert found.dtype == dtype
    assert_array_equal(found, pixels)


def test_pixels_in_c_order_are_not_copied() -> None:
    pixels = np.zeros((4, 5, 3), np.uint8)
    assert contiguous(pixels) is pixels
