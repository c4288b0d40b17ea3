"""Crops are TensorFlow's, bit by bit."""

import json
from pathlib import Path

import numpy as np
import pytest

from boxable.networks.heads.crop_and_resize import crop_and_resize

# A map of 4 x 3 cells with two channels: 10 * row + column, and its negative.
RAMP = (10 * np.arange(4.0)[:, None] + np.arange(3.0)).astype(np.float32)
FEATURES = np.stack([RAMP, -RAMP], axis=2)


def crop(box: list[float], size: int) -> np.ndarray:
    out = np.full((1, size, size, 2), np.nan, np.float32)
    found = crop_and_resize(FEATURES, np.array([box], np.float32), out)
    assert found is out
    np.testing.assert_array_equal(out[..., 1], -out[..., 0])
    return out[0, :, :, 0]


def test_corners_are_the_centres_of_cells() -> None:
    assert crop([0, 0, 1, 1], 3).tolist() == [[0, 1, 2], [15, 16, 17], [30, 31, 32]]
    assert crop([1 / 3, 0.5, 2 / 3, 1], 2) == pytest.approx(np.array([[11, 12], [21, 22]]))


def test_one_cell_is_the_middle() -> None:
    assert crop([0, 0, 1, 1], 1).tolist() == [[16]]


def test_cells_outside_of_the_map_are_0() -> None:
    assert crop([-1, 0, 0, 1], 2).tolist() == [[0, 0], [0, 2]]
    assert crop([0, 0.5, 0, 1.5], 3).tolist() == [[1, 2, 0]] * 3
    assert crop([float("nan"), 0, 1, 1], 2).tolist() == [[0, 0], [0, 0]]


def test_a_box_upside_down_is_cropped_upside_down() -> None:
    assert crop([1, 1, 0, 0], 2).tolist() == [[32, 30], [2, 0]]


def test_each_box_has_a_crop() -> None:
    boxes = np.array([[0, 0, 1, 1], [1, 1, 1, 1]], np.float32)
    out = np.empty((2, 2, 2, 2), np.float32)
    assert crop_and_resize(FEATURES, boxes, out)[..., 0].tolist() == [[[0, 2], [30, 32]], [[32, 32], [32, 32]]]


def test_recorded_cases_of_the_original_are_equal(reference: Path) -> None:
    folder = reference / "formula_frcnn"
    cases = json.loads((folder / "crop_and_resize_cases.json").read_text())["cases"]
    with np.load(folder / "crop_and_resize_cases.npz") as arrays:
        for case in cases:
            expected, boxes = arrays[f"{case['name']}/crops"], arrays[f"{case['name']}/boxes"]
            out = np.empty_like(expected)
            for number, image in enumerate(case["box_indices"]):
                crop_and_resize(arrays[f"image/{case['image']}"][image], boxes[[number]], out[number : number + 1])
            np.testing.assert_array_equal(out, expected, err_msg=case["name"])
    assert len(cases) == 30
