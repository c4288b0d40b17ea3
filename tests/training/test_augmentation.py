"""The augmentation of the default and of the original recipe."""

from dataclasses import replace

import numpy as np
import pytest

from boxable.training.augmentation import ORIGINAL, Augmentation, zoom_out

IMAGE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
BOXES = np.float32([[0.25, 0.25, 0.5, 0.75], [0, 0, 1, 1]])
NONE = Augmentation(flip=0, zoom_out=0, crop=0, colors=0)


def test_zooming_out_moves_boxes_with_their_pixels() -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        canvas, boxes = zoom_out(rng, IMAGE, BOXES)
        height, width = canvas.shape[:2]
        top, left, bottom, right = (boxes[1] * [height, width, height, width]).round().astype(int)
        np.testing.assert_array_equal(canvas[top:bottom, left:right], IMAGE)
        inner = (boxes[0] * [height, width, height, width]).round().astype(int)
        np.testing.assert_array_equal(canvas[inner[0] : inner[2], inner[1] : inner[3]], IMAGE[12:24, 16:48])
        assert boxes.dtype == np.float32
        canvas[top:bottom, left:right] = 123, 117, 104
        assert (canvas == (123, 117, 104)).all()


def test_the_canvas_is_up_to_twice_as_large_and_the_image_anywhere_on_it() -> None:
    rng = np.random.default_rng(0)
    drawn = [zoom_out(rng, IMAGE, BOXES) for _ in range(400)]
    scales = np.array([canvas.shape[0] / 48 for canvas, _ in drawn])
    np.testing.assert_allclose(np.quantile(scales, [0.25, 0.5, 0.75]), [1.25, 1.5, 1.75], atol=0.07)
    assert all(abs(canvas.shape[1] / canvas.shape[0] - 4 / 3) < 0.03 for canvas, _ in drawn)
    free = np.array([(boxes[1, :2], 1 - boxes[1, 2:]) for _, boxes in drawn if boxes[1, 2] - boxes[1, 0] < 0.8])
    assert np.abs(free[:, 0].mean(0) - free[:, 1].mean(0)).max() < 0.05
    assert (free[:, 0].std(0) > 0.1).all()


@pytest.mark.parametrize("field", ["flip", "zoom_out", "crop"])
@pytest.mark.parametrize("seed", range(4))
def test_each_step_can_be_the_only_one(field: str, seed: int) -> None:
    found = replace(NONE, **{field: 1.0}).spatial(np.random.default_rng(seed), IMAGE, BOXES)
    assert {
        "flip": np.array_equal(found.image, IMAGE[:, ::-1]),
        "zoom_out": found.image.size > IMAGE.size,
        "crop": found.image.size <= IMAGE.size and not np.array_equal(found.image, IMAGE[:, ::-1]),
    }[field]


def test_without_steps_nothing_changes() -> None:
    for seed in range(8):
        found = NONE.spatial(np.random.default_rng(seed), IMAGE, BOXES)
        assert found.image is IMAGE
        assert found.boxes is BOXES
    pixels = np.zeros((4, 4, 3), np.float32)
    NONE.photometric(np.random.default_rng(0), pixels)
    assert not pixels.any()


def test_colors_are_distorted_by_default() -> None:
    pixels, rng = np.zeros((4, 4, 3), np.float32), np.random.default_rng(0)
    for _ in range(10):
        Augmentation().photometric(rng, pixels)
    assert pixels.any()


def test_the_original_one_flips_and_crops_and_leaves_the_rest() -> None:
    for seed in range(20):
        ours = ORIGINAL.spatial(np.random.default_rng(seed), IMAGE, BOXES)
        assert ours.image.size <= IMAGE.size
    pixels = np.zeros((4, 4, 3), np.float32)
    ORIGINAL.photometric(np.random.default_rng(0), pixels)
    assert not pixels.any()
    assert (ORIGINAL.flip, ORIGINAL.crop) == (0.5, 0.85)


def test_the_same_generator_gives_the_same_sample() -> None:
    first, again, other = (Augmentation().spatial(np.random.default_rng([5, n]), IMAGE, BOXES) for n in (1, 1, 2))
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.boxes, again.boxes)
    assert first.image.shape != other.image.shape
