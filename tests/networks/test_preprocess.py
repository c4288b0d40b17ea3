"""How images become inputs of a network."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from boxable.networks.preprocess import Preprocess

F = np.float32
KEEP_ASPECT = Preprocess((600, 1024), keep_aspect=True)


def test_the_input_can_be_written_into_a_row_of_a_batch() -> None:
    batch = np.full((3, 20, 20, 3), 7, F)
    image = np.random.default_rng(0).integers(0, 256, (31, 17, 3), np.uint8)
    assert Preprocess((20, 20))(image, batch[1]).base is not None
    assert_array_equal(batch[1], Preprocess((20, 20))(image))
    assert (batch[[0, 2]] == 7).all()


def test_the_input_runs_from_minus_one_to_one_in_two_rounded_steps() -> None:
    values = np.arange(256, dtype=np.uint8)
    image = np.broadcast_to(values[:, None, None], (256, 256, 3))
    found = Preprocess((256, 256))(image)[:, 0, 0]
    assert found.dtype == F
    assert_array_equal(found, values.astype(F) * F(2 / 255) - F(1))
    assert found[0] == -1
    assert abs(found[255] - 1) < 1e-6


PHOTOS = (
    "astronaut", "chelsea", "coffee", "rocket", "camera", "hubble", "retina", "clock", "rocket_640x181",
    "astronaut_97x512", "coffee_300x300", "chelsea_31x17",
)  # fmt: skip


@pytest.mark.parametrize("name", PHOTOS)
def test_the_network_sees_what_the_original_saw(reference: Path, name: str) -> None:
    with Image.open(reference / "photos" / f"{name}.png") as photo:
        found = Preprocess((300, 300))(np.asarray(photo.convert("RGB")))
    with np.load(reference / "preprocessed.npz") as recorded:
        assert_allclose(found.ravel()[::37], recorded[name], rtol=0, atol=3e-7)


def test_a_fixed_size_is_that_of_every_image() -> None:
    assert Preprocess((300, 200)).output_size(17, 4000) == (300, 200)
    assert Preprocess((300, 200)).shortest_side == 200


@pytest.mark.parametrize(
    ("size", "expected"),
    [((600, 900), (600, 900)), ((900, 600), (900, 600)), ((100, 100), (600, 600)), ((100, 1000), (102, 1024)),
     ((1, 2048), (1, 1024))],
)  # fmt: skip
def test_the_aspect_ratio_is_kept_within_the_frame(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert KEEP_ASPECT.output_size(*size) == expected
    if size[0] > 1:
        assert KEEP_ASPECT(np.zeros((*size, 3), np.uint8)).shape == (*expected, 3)


def test_sizes_are_those_that_the_original_gave(reference: Path) -> None:
    recorded = json.loads((reference / "formula_frcnn" / "resize_sizes.json").read_text())
    assert len(recorded["rows"]) > 200
    for height, width, *expected in recorded["rows"]:
        assert KEEP_ASPECT.output_size(height, width) == tuple(expected), (height, width)
    for height, width in recorded["refused"]:  # a side that rounds to 0 makes the original fail
        assert min(KEEP_ASPECT.output_size(height, width)) == 1
