"""Flip and crop as in the original: rules of boxes exactly, windows by their distribution."""

from math import sqrt

import numpy as np
import pytest

from boxable.training.original_augmentation import (
    OVERLAPS,
    crop,
    random_flip,
    sample_window,
    ssd_random_crop,
)

IMAGE = np.arange(40 * 60 * 3, dtype=np.uint32).reshape(40, 60, 3).astype(np.uint8)
BOXES = np.float32([[0.1, 0.2, 0.5, 0.6], [0.5, 0.5, 1.0, 1.0], [0.0, 0.0, 0.2, 0.1]])
WHOLE = (0, 0, 40, 60)


def windows_of(count: int, height: int, width: int, boxes: object, covered: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.array([sample_window(rng, height, width, np.float32(boxes), covered) for _ in range(count)])


class TestFlip:
    def test_boxes_stay_on_their_pixels(self) -> None:
        image, boxes = random_flip(np.random.default_rng(0), IMAGE, BOXES, 1.0)
        np.testing.assert_array_equal(image, IMAGE[:, ::-1])
        np.testing.assert_allclose(boxes[0], [0.1, 0.4, 0.5, 0.8], rtol=1e-6)
        assert (boxes.dtype, boxes.shape) == (np.float32, BOXES.shape)

    def test_half_of_the_images_are_flipped(self) -> None:
        rng = np.random.default_rng(1)
        assert 450 < sum(random_flip(rng, IMAGE, BOXES, 0.5)[0] is not IMAGE for _ in range(1000)) < 550

    def test_no_boxes_stay_none(self) -> None:
        assert random_flip(np.random.default_rng(0), IMAGE, BOXES[:0], 1.0)[1].shape == (0, 4)


class TestBoxesAfterACrop:
    def test_they_are_relative_to_the_window_and_clipped(self) -> None:
        found = crop(IMAGE, BOXES, (10, 30, 30, 60), 0.0)
        np.testing.assert_array_equal(found.image, IMAGE[10:30, 30:60])
        assert found.rows.tolist() == [0, 1]
        np.testing.assert_allclose(found.boxes, [[0, 0, 0.5, 0.2], [0.5, 0, 1, 1]], atol=1e-6)
        assert found.boxes.dtype == np.float32

    @pytest.mark.parametrize(
        ("overlap", "rows"), [(0.0, [0, 1]), (0.15, [0, 1]), (0.16, [1]), (0.5, [1]), (0.51, []), (1.0, [])]
    )
    def test_those_of_which_too_little_is_inside_are_dropped(self, overlap: float, rows: list[int]) -> None:
        # 0.625 * 0.25 = 0.156 of the first, 0.5 of the second.
        assert crop(IMAGE, BOXES, (10, 30, 30, 60), overlap).rows.tolist() == rows

    def test_the_limit_itself_is_enough(self) -> None:
        boxes = np.float32([[0, 0, 0.5, 1], [0.25, 0, 0.75, 1]])
        assert crop(IMAGE, boxes, (0, 0, 20, 60), 1.0).rows.tolist() == [0]
        assert crop(IMAGE, boxes, (0, 0, 20, 60), 0.5).rows.tolist() == [0, 1]

    def test_those_that_only_touch_the_window_or_have_no_area_are_dropped_whatever_the_limit(self) -> None:
        boxes = np.float32([[0, 0, 0.5, 1], [0.5, 0, 1, 1], [0.6, 0.1, 0.6, 0.9], [0.9, 0.9, 0.7, 0.7]])
        assert crop(IMAGE, boxes, (20, 0, 40, 60), 0.0).rows.tolist() == [1]

    def test_an_image_may_end_without_boxes(self) -> None:
        assert crop(IMAGE, BOXES[2:], (20, 20, 30, 40), 0.0).boxes.shape == (0, 4)
        assert crop(IMAGE, BOXES[:0], (20, 20, 30, 40), 0.0).boxes.shape == (0, 4)


def plain_window(
    draws: list[list[float]], height: int, width: int, boxes: list[list[int]], covered: float
) -> tuple[int, int, int, int]:
    """TensorFlow's rule, one attempt after the other, with boxes in pixels and the same random numbers."""
    least, most = 0.1 * height * width, height * width
    for ratio, size, down, across in draws:
        aspect = 0.5 + 1.5 * ratio
        rows, highest = round(sqrt(least / aspect)), round(sqrt(most / aspect))
        if round(highest * aspect) > width:
            highest = int((width + 0.5) / aspect)
        highest = min(highest, height)
        rows = highest if rows >= highest else rows + int(size * (highest - rows + 1))
        columns = round(rows * aspect)
        if rows * columns < least:
            rows += 1
            columns = round(rows * aspect)
        if rows * columns > most:
            rows -= 1
            columns = round(rows * aspect)
        if not (least <= rows * columns <= most and 0 < rows <= height and 0 < columns <= width):
            continue
        top, left = int(down * (height - rows)), int(across * (width - columns))
        for ymin, xmin, ymax, xmax in boxes:
            shared = max(0, min(ymax, top + rows) - max(ymin, top)) * max(
                0, min(xmax, left + columns) - max(xmin, left)
            )
            area = max(0, ymax - ymin) * max(0, xmax - xmin)
            if area >= 1 and shared / area >= covered:
                return top, left, top + rows, left + columns
    return 0, 0, height, width


class TestWindow:
    @pytest.mark.parametrize("size", [(480, 640), (40, 60), (9, 7), (5, 5), (3, 8), (2, 2), (30, 1), (300, 5)])
    @pytest.mark.parametrize("covered", OVERLAPS)
    def test_it_is_that_of_the_rule_written_out(self, size: tuple[int, int], covered: float) -> None:
        boxes = np.float32([[0.05, 0.05, 0.35, 0.25], [0.5, 0.55, 0.9, 1], [0.61, 0.61, 0.613, 0.611]])
        pixels = (boxes * np.float32([*size, *size])).astype(int).tolist()
        for seed in range(40):
            draws = np.random.default_rng(seed).random((4, 100)).T.tolist()
            found = sample_window(np.random.default_rng(seed), *size, boxes, covered)
            assert found == plain_window(draws, *size, pixels, covered)

    def test_area_and_aspect_ratio_are_in_their_limits_and_uniform(self) -> None:
        windows = windows_of(3000, 480, 640, [[0, 0, 1, 1]], 0.0)
        rows, columns = (windows[:, 2:] - windows[:, :2]).T
        parts, ratios = rows * columns / (480 * 640), columns / rows
        assert 0.1 <= parts.min() < 0.11
        assert 0.9 < parts.max() <= 1.0
        assert 0.49 < ratios.min() < 0.52
        assert 1.94 < ratios.max() < 2.02
        np.testing.assert_allclose(np.quantile(ratios, [0.25, 0.5, 0.75]), [0.875, 1.25, 1.625], atol=0.06)
        least = np.sqrt(0.1 * 480 * 640 / ratios)
        most = np.minimum(np.minimum(np.sqrt(480 * 640 / ratios), 480), 640 / ratios)
        np.testing.assert_allclose(np.quantile((rows - least) / (most - least), [0.25, 0.75]), [0.25, 0.75], atol=0.04)

    def test_its_place_is_uniform_and_the_last_row_and_column_are_never_reached(self) -> None:
        windows = windows_of(3000, 20, 20, [[0, 0, 1, 1]], 0.0)
        for axis in (0, 1):
            start, end = windows[:, axis], windows[:, axis + 2]
            partial = end - start < 20
            assert end[partial].max() == 19
            assert start.min() == 0
            np.testing.assert_allclose(
                (start / (20 - (end - start) - 1 + 1e-9))[end - start < 15].mean(), 0.5, atol=0.03
            )

    @pytest.mark.parametrize("covered", OVERLAPS)
    def test_it_covers_enough_of_one_box(self, covered: float) -> None:
        boxes = np.array([[0.1, 0.2, 0.5, 0.6], [0.5, 0.5, 1.0, 1.0]])
        windows = windows_of(300, 100, 200, boxes, covered)
        pixels = (boxes * [100, 200, 100, 200]).round()
        shared = np.minimum(windows[:, None, 2:], pixels[:, 2:]) - np.maximum(windows[:, None, :2], pixels[:, :2])
        parts = shared.clip(0).prod(2) / (pixels[:, 2:] - pixels[:, :2]).prod(1)
        assert parts.max(1).min() >= covered
        assert (parts.max(1) < min(covered + 0.2, 1)).any() or covered == 1

    def test_without_boxes_it_covers_enough_of_the_image(self) -> None:
        windows = windows_of(300, 40, 60, np.zeros((0, 4)), 0.7)
        parts = (windows[:, 2:] - windows[:, :2]).prod(1) / 2400
        assert parts.min() >= 0.7
        assert np.median(parts) < 0.9

    @pytest.mark.parametrize("box", [[0, 0, 1, 1], [0.5, 0.5, 0.501, 0.501]])
    def test_it_is_the_whole_image_where_none_covers_a_box(self, box: list[float]) -> None:
        assert {tuple(window) for window in windows_of(50, 40, 60, [box], 1.0).tolist()} == {WHOLE}

    @pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (2, 3), (3, 1000)])
    def test_it_is_inside_images_of_any_shape(self, size: tuple[int, int]) -> None:
        for top, left, bottom, right in windows_of(200, *size, [[0, 0, 1, 1]], 0.0).tolist():
            assert 0 <= top < bottom <= size[0]
            assert 0 <= left < right <= size[1]


def test_some_images_are_not_cropped() -> None:
    rng = np.random.default_rng(2)
    kept = sum(ssd_random_crop(rng, IMAGE, BOXES, 0.85).image is IMAGE for _ in range(2000))
    assert 250 < kept < 350
    assert ssd_random_crop(rng, IMAGE, BOXES, 0.0).rows.tolist() == [0, 1, 2]


def test_of_boxes_that_reach_outside_the_part_in_the_image_is_covered() -> None:
    outside, inside = np.float32([[-9, 0, 1, 1]]), np.float32([[0, 0, 1, 1]])
    for seed in range(20):
        first, second = (ssd_random_crop(np.random.default_rng(seed), IMAGE, box, 1.0) for box in (outside, inside))
        np.testing.assert_array_equal(first.image, second.image)


def test_each_limit_is_drawn_as_often() -> None:
    rng, none = np.random.default_rng(3), BOXES[:0]
    found = [ssd_random_crop(rng, IMAGE, none, 1.0).image.size / IMAGE.size for _ in range(2800)]
    windows = np.concatenate([windows_of(400, 40, 60, none, limit) for limit in OVERLAPS])
    parts = (windows[:, 2:] - windows[:, :2]).prod(1) / 2400
    for edge in (0.3, 0.5, 0.7, 0.9, 1.0):
        np.testing.assert_allclose((np.array(found) >= edge).mean(), (parts >= edge).mean(), atol=0.04)
