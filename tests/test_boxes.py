"""Operations on boxes."""

import numpy as np
import pytest

from boxable.boxes import _ends, area, clip, decode, extents, iou, to_xywh

UNIT = [0, 0, 1, 1]


def boxes(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, np.float32)


@pytest.mark.parametrize(
    "box", [[0.5, 0.5, 0.5, 0.5], [0, 0, 0, 1], [0, 0, 0, np.inf]], ids=["point", "line", "infinite line"]
)
def test_a_box_without_area_overlaps_nothing(box: list[float]) -> None:
    first, second = np.array(box, np.float32), np.array(UNIT, np.float32)
    assert [float(iou(*pair)) for pair in ((first, second), (second, first), (first, first))] == [0, 0, 0]


@pytest.mark.parametrize("size", [(640, 480), (333, 7919)])
def test_decimals_that_were_divided_by_the_size_of_the_image_come_back_in_every_digit(size: tuple[int, int]) -> None:
    pixels = np.array([[x / 100, y / 1000, 0.1 * x, 33.3] for x in range(0, 30000, 997) for y in range(0, 7000, 523)])
    pixels = pixels.round(3)
    x, y, width, height = pixels.T
    box = np.stack([y, x, y + height, x + width], axis=1) / np.array([size[1], size[0]] * 2)
    np.testing.assert_array_equal(to_xywh(box, np.array([size] * len(box), np.float64)), pixels)


def test_codes_of_0_decode_to_the_anchor() -> None:
    anchors = boxes((0, 0, 0.5, 0.25), (0.25, 0.5, 0.75, 1))
    np.testing.assert_array_equal(decode(np.zeros((2, 4), np.float32), anchors), anchors)


def test_codes_move_the_centre_by_tenths_of_the_anchor_and_scale_by_exp_of_fifths() -> None:
    code = boxes((10, -10, 5 * np.log(2), 5 * np.log(4)))
    # Anchor of height 0.25 and width 0.5 around (0.375, 0.75): center to (0.625, 0.25), size to 0.5 by 2.
    np.testing.assert_allclose(decode(code, boxes((0.25, 0.5, 0.5, 1)))[0], (0.375, -0.75, 0.875, 1.25), atol=1e-6)


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ((0, 0, 0.5, 0.5), 1),
        ((0, 0.25, 0.5, 0.75), 1 / 3),
        ((0.25, 0.25, 0.75, 0.75), 1 / 7),
        ((0.5, 0, 1, 0.5), 0),  # a common edge
        ((0.75, 0.75, 1, 1), 0),  # apart on both axes
        ((0.5, 0.5, 0, 0), 1),  # corners in another order
    ],
)
def test_iou(second: tuple[float, ...], expected: float) -> None:
    first = boxes((0, 0, 0.5, 0.5))
    assert iou(first, boxes(second)) == pytest.approx(expected)
    assert iou(boxes(second), first) == pytest.approx(expected)


def test_iou_of_one_box_with_many_and_of_all_with_all() -> None:
    some = boxes((0, 0, 0.5, 0.5), (0, 0, 1, 0.5), (0.5, 0.5, 1, 1))
    expected = [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]]
    assert iou(some[0], some).tolist() == expected[0]
    assert iou(some, some[0]).tolist() == expected[0]
    assert iou(some[:, None], some[None]).tolist() == expected
    assert iou(some, np.stack([some, some])).tolist() == [[1, 1, 1]] * 2


def test_extents_are_ordered_sides_and_the_area() -> None:
    assert extents(boxes((1, 0, 0, 0.5))).tolist() == [[0], [0], [1], [0.5], [0.5]]


def test_sizes_past_float32_are_infinite() -> None:
    assert decode(boxes((0, 0, 500, 500)), boxes(UNIT)).tolist() == [[-np.inf, -np.inf, np.inf, np.inf]]


@pytest.mark.parametrize("side", [1.5e19, 1e30], ids=["sum of the areas", "area"])
def test_an_area_past_float32_is_no_error(side: float) -> None:
    huge = boxes((0, 0, side, side))
    assert not iou(huge, huge) > 0


def test_codes_of_many_boxes_for_each_anchor_decode_as_each_alone() -> None:
    generator = np.random.default_rng(0)
    codes, anchors = generator.normal(0, 1, (5, 3, 4)).astype(np.float32), boxes(*generator.uniform(0, 1, (5, 4)))
    found = decode(codes, anchors[:, None])
    for box, code, anchor in zip(found, codes, anchors, strict=True):
        np.testing.assert_array_equal(box, decode(code, np.tile(anchor, (3, 1))))


def test_clip_cuts_at_the_window() -> None:
    box = boxes((-1, 0.25, 2, 0.75))
    assert clip(box).tolist() == [[0, 0.25, 1, 0.75]]
    assert clip(box, (0.25, 0.5, 0.5, 1)).tolist() == [[0.25, 0.5, 0.5, 0.75]]


def test_a_caller_cannot_change_a_window_that_is_remembered() -> None:
    assert not any(corners.flags.writeable for corners in _ends((0.0, 0.0, 1.0, 1.0)))


def test_area_is_negative_where_one_side_is_inverted() -> None:
    assert area(boxes((0, 0, 0.5, 0.5), (0.5, 0, 0, 0.5), (0.5, 0.5, 0, 0))).tolist() == [0.25, -0.25, 0.25]
