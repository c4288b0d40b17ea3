"""Photometric distortion of a network's input."""

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional

from boxable.arrays import Floats
from boxable.training.color_distortion import WAYS, Affine, brightness, contrast, distort_colors, hue, saturation

LUMA = np.array([0.299, 0.587, 0.114])


def image(seed: int = 0) -> Floats:
    """An image 32x32 whose colors are near gray, so that few are clipped; each pixel is 4x4."""
    colors = np.random.default_rng(seed).uniform(-0.3, 0.3, (8, 8, 3)).astype(np.float32)
    return colors.repeat(4, axis=0).repeat(4, axis=1)


def applied(affine: Affine, pixels: Floats) -> np.ndarray:
    matrix, offset = affine
    return pixels @ matrix.T + offset


def by_torchvision(adjust: object, pixels: Floats, factor: float) -> np.ndarray:
    tensor = torch.from_numpy((pixels + 1) / 2).permute(2, 0, 1)
    return adjust(tensor, factor).permute(1, 2, 0).numpy() * 2 - 1


@pytest.mark.parametrize("seed", range(4))
def test_contrast_and_saturation_are_those_of_torchvision(seed: int) -> None:
    pixels = image(seed) * np.float32(0.5)
    factor = np.random.default_rng(seed).uniform(0.5, 1.5)
    for way, adjust in ((contrast, functional.adjust_contrast), (saturation, functional.adjust_saturation)):
        ours = applied(way(np.random.default_rng(seed), pixels.mean((0, 1))), pixels)
        np.testing.assert_allclose(ours, by_torchvision(adjust, pixels, factor), atol=1e-3)


def test_brightness_is_added_up_to_an_eighth_of_the_range() -> None:
    rng = np.random.default_rng(0)
    added = np.array([applied(brightness(rng, np.zeros(3)), np.zeros(3)) for _ in range(500)])
    assert (added == added[:, :1]).all()
    assert -64 / 255 <= added.min() < -0.24
    assert 0.24 < added.max() <= 64 / 255


def test_hue_turns_by_up_to_18_degrees_about_gray() -> None:
    rng, color = np.random.default_rng(0), np.array([0.5, -0.1, -0.2])
    turned = np.array([applied(hue(rng, np.zeros(3)), color) for _ in range(500)])
    np.testing.assert_allclose(turned @ LUMA, color @ LUMA, atol=1e-4)
    np.testing.assert_allclose(applied(hue(rng, np.zeros(3)), np.full(3, 0.3)), 0.3, atol=1e-3)
    red_to_green, red_to_blue = (turned[:, 1] > -0.1).mean(), (turned[:, 2] > -0.2).mean()
    np.testing.assert_allclose([red_to_green, red_to_blue], 0.5, atol=0.06)
    # The chord of 18 degrees in a circle about gray whose radius is the distance from it.
    assert np.linalg.norm(turned - color, axis=1).max() < 0.3
    assert np.linalg.norm(turned - color, axis=1).max() > 0.15


def test_all_of_them_are_applied_in_any_order_each_with_the_probability() -> None:
    """Of 4 ways with a probability of 0.5 each, 1 of 16 images stays."""
    rng, same = np.random.default_rng(0), 0
    for _ in range(1000):
        pixels = image()
        distort_colors(rng, pixels, 0.5)
        same += np.array_equal(pixels, image())
    assert 40 < same < 90


def test_one_pass_is_as_one_way_after_the_other() -> None:
    pixels = image()
    distort_colors(np.random.default_rng(7), pixels, 1.0)
    rng, expected = np.random.default_rng(7), image().astype(np.float64)
    order = rng.permutation(len(WAYS))
    rng.random(), rng.random(), rng.random(), rng.random()
    for way in order:
        expected = applied(WAYS[way](rng, expected.mean((0, 1))), expected)
    np.testing.assert_allclose(pixels, expected.clip(-1, 1), atol=1e-5)


def test_values_stay_in_their_range_and_in_their_memory() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        pixels = rng.uniform(-1, 1, (30, 40, 3)).astype(np.float32)
        before = pixels
        distort_colors(rng, pixels, 1.0)
        assert before is pixels
        assert -1 <= pixels.min() < pixels.max() <= 1


def test_without_probability_nothing_changes() -> None:
    pixels = image()
    distort_colors(np.random.default_rng(0), pixels, 0.0)
    np.testing.assert_array_equal(pixels, image())
