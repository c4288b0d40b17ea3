"""Pixels of arrays."""

import numpy as np
import pytest

from boxable.errors import ArgumentError
from boxable.images.from_array import pixels_of


def test_gray_gets_three_channels_and_alpha_is_dropped() -> None:
    gray = np.array([[1, 2]], np.uint8)
    np.testing.assert_array_equal(pixels_of(gray, "a"), np.stack([gray] * 3, axis=2))
    rgba = np.arange(8, dtype=np.uint8).reshape(1, 2, 4)
    np.testing.assert_array_equal(pixels_of(rgba, "a"), rgba[:, :, :3])


def test_floats_from_0_to_1_become_float32_from_0_to_255() -> None:
    pixels = pixels_of(np.array([[0.0, 0.5, 1.0]]), "a")
    assert pixels.dtype == np.float32
    assert pixels[0, :, 0].tolist() == [0.0, 127.5, 255.0]


def test_floats_up_to_255_are_refused_with_what_to_do() -> None:
    with pytest.raises(ArgumentError, match="a: expected values from 0 to 1, got 0 to 255; divide 8-bit values by 255"):
        pixels_of(np.array([[0.0, 255.0]]), "a")
