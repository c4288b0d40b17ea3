"""Tiles cover an image, and what is found in them is merged."""

from itertools import pairwise

import numpy as np
import pytest

import boxable
from boxable.detection.tiles import Tiles
from boxable.errors import ArgumentError
from boxable.networks.heads.rules import NmsResult, PostprocessRules
from tests.conftest import EXAMPLES


@pytest.mark.parametrize("overlap", [0, 0.2, 0.5])
@pytest.mark.parametrize("side", [100, 101, 150, 180, 181, 1000])
def test_tiles_cover_a_side_and_share_what_was_asked(side: int, overlap: float) -> None:
    windows = Tiles(100, overlap).windows(side, 100)
    assert [window[1::2] for window in windows] == [(0, 100)] * len(windows)
    assert (windows[0][0], windows[-1][2]) == (0, side)
    assert {bottom - top for top, _, bottom, _ in windows} == {100}
    for (_, _, bottom, _), (top, *_) in pairwise(windows):
        assert bottom - top >= int(100 * overlap)
    fewest = 1 if side == 100 else 1 + -(-(side - 100) // round(100 * (1 - overlap)))
    assert len(windows) == fewest


def test_an_image_that_fits_in_a_tile_is_looked_at_once() -> None:
    for whole in (False, True):
        assert Tiles(300, whole=whole).windows(200, 300) == [(0, 0, 200, 300)]
    assert Tiles(200, 0, whole=True).windows(200, 300) == [(0, 0, 200, 300), (0, 0, 200, 200), (0, 100, 200, 300)]
    assert Tiles(200, 0).windows(50, 300) == [(0, 0, 50, 200), (0, 100, 50, 300)]


def result(*rows: tuple[list[float], float, int]) -> NmsResult:
    boxes, scores, columns = zip(*rows, strict=True) if rows else ((), (), ())
    return NmsResult(
        np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), np.array(columns, np.intp),
        np.zeros(len(rows), np.intp),
    )  # fmt: skip


WINDOWS = [(0, 0, 100, 100), (0, 50, 100, 150)]


def test_boxes_are_those_of_the_image_and_suppressed_per_class_with_the_best_kept() -> None:
    left = result(([0.1, 0.6, 0.5, 0.9], 0.4, 1), ([0.1, 0.6, 0.5, 0.9], 0.3, 0))
    right = result(([0.1, 0.1, 0.5, 0.4], 0.6, 1))
    found = Tiles(100).merge([left, right], WINDOWS, PostprocessRules())
    np.testing.assert_allclose(found.boxes, [[0.1, 0.4, 0.5, 0.6]] * 2, atol=1e-6)
    assert found.scores.tolist() == pytest.approx([0.6, 0.3])
    assert (found.columns.tolist(), found.anchors.tolist()) == ([1, 0], [1, 0])


def test_boxes_that_a_tile_cuts_off_are_dropped_only_beside_the_whole_image() -> None:
    cut, at_the_edge = result(([0.1, 0.5, 0.5, 1.0], 0.9, 0)), result(([0.0, 0.5, 0.5, 1.0], 0.8, 0))
    assert Tiles(100).merge([cut, at_the_edge], WINDOWS, PostprocessRules()).scores.tolist() == pytest.approx(
        [0.9, 0.8]
    )
    found = Tiles(100, whole=True).merge([cut, at_the_edge], WINDOWS, PostprocessRules())
    assert found.scores.tolist() == pytest.approx([0.8]), "the edge of the image cuts off nothing"


def test_as_many_are_kept_as_are_asked_for_and_nothing_is_nothing() -> None:
    parts = [
        result(([0.1, 0.1, 0.2, 0.2], 0.9, 0), ([0.3, 0.3, 0.4, 0.4], 0.8, 0)),
        result(([0.8, 0.8, 0.9, 0.9], 0.7, 0)),
    ]
    found = Tiles(100).merge(parts, WINDOWS, PostprocessRules(max_detections=2))
    assert found.scores.tolist() == pytest.approx([0.9, 0.8])
    assert len(Tiles(100).merge([result(), result()], WINDOWS, PostprocessRules()).scores) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tiles": 0}, "tiles: expected a number of pixels from 1, got 0"),
        ({"tiles": 300, "overlap": 0.95}, "overlap: expected a number from 0 to 0.9, got 0.95"),
        ({"overlap": 0.2}, "overlap and and_whole are for tiles"),
        ({"and_whole": True}, "overlap and and_whole are for tiles"),
    ],
)
def test_unusable_arguments_are_errors(ssd23_weights: object, options: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        boxable.load("ssd23", **options)  # type: ignore[arg-type]


def test_a_detector_looks_at_tiles(ssd23_weights: object) -> None:
    image = EXAMPLES / "coffee.png"
    plain, tiled = boxable.load("ssd23"), boxable.load("ssd23", tiles=300, and_whole=True)
    whole, found = plain(image), tiled(image)
    assert (found.width, found.height) == (whole.width, whole.height)
    assert "Coffee cup" in found.names
    assert found.scores.max() >= whole.scores.max()
    assert tiled.fingerprint != plain.fingerprint
    large = boxable.load("ssd23", tiles=2000)(image)
    np.testing.assert_array_equal(large.boxes, whole.boxes)
