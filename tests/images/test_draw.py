"""Drawing: colors, and images of every shape."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from boxable.errors import ArgumentError
from boxable.images.draw import ONE_EACH, Color, color_of, draw_boxes, text_color_on
from boxable.weights.cards import find_card

ALL_IDS = range(1, 602)
CUSTOM_IDS = range(1001, 1602)
GREY = 90


def grey(height: int, width: int) -> NDArray[np.uint8]:
    return np.full((height, width, 3), GREY, np.uint8)


def some_boxes(count: int, seed: int = 0) -> NDArray[np.float32]:
    """Boxes `[N, 4]` of many sizes; some reach over the image's edge."""
    rng = np.random.default_rng(seed)
    centres, halves = rng.random((count, 2)), rng.random((count, 2)) ** 3 / 2
    return np.hstack([centres - halves, centres + halves]).astype(np.float32)


def contrast(first: Color, second: Color) -> float:
    """WCAG 2: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""

    def luminance(color: Color) -> float:
        s = np.array(color) / 255
        linear = np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))

    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def difference(first: Color, second: Color) -> float:
    """Distance in RGB with the "redmean" weights, as the eye sees it: 0 (equal) to 765 (black, white)."""
    red_mean = (first[0] + second[0]) / 2
    red, green, blue = np.subtract(first, second)
    return math.sqrt((2 + red_mean / 256) * red**2 + 4 * green**2 + (2 + (255 - red_mean) / 256) * blue**2)


def has_color(pixels: NDArray[np.uint8], color: Color) -> bool:
    return bool((pixels == color).all(axis=-1).any())


class TestColors:
    def test_do_not_change(self) -> None:
        assert [color_of(key) for key in (1, 24, 601, 1001)] == [
            (255, 216, 123),
            (159, 0, 11),
            (255, 218, 132),
            (8, 182, 8),
        ]

    @pytest.mark.parametrize("keys", [ALL_IDS, CUSTOM_IDS])
    def test_no_two_ids_share_one(self, keys: range) -> None:
        assert len({color_of(key) for key in keys}) == len(keys)

    @pytest.mark.parametrize("first", [1, 501, 578, 1001])
    def test_23_ids_in_a_row_are_visibly_different(self, first: int) -> None:
        colors = [color_of(key) for key in range(first, first + 23)]
        assert min(difference(*pair) for pair in combinations(colors, 2)) > 40

    def test_neighbours_are_far_apart(self) -> None:
        pairs = [(key, key + 1) for key in ALL_IDS if not {key, key + 1} & set(ONE_EACH)]
        assert min(difference(color_of(key), color_of(other)) for key, other in pairs) > 140

    def test_the_classes_that_meet_most_are_visibly_different(self) -> None:
        assert sorted(item.label_id for item in find_card("ssd23").classes) == sorted(ONE_EACH)
        assert min(difference(color_of(key), color_of(other)) for key, other in combinations(ONE_EACH, 2)) > 60

    def test_text_can_be_read_on_any(self) -> None:
        colors = [color_of(key) for key in (*ALL_IDS, *CUSTOM_IDS)]
        assert min(contrast(color, text_color_on(color)) for color in colors) >= 4.5

    @given(st.tuples(*[st.integers(0, 255)] * 3))
    def test_text_color_is_the_better_one(self, color: Color) -> None:
        best = max(contrast(color, (0, 0, 0)), contrast(color, (255, 255, 255)))
        assert contrast(color, text_color_on(color)) >= max(4.5, best - 0.05)


class TestDrawBoxes:
    def test_without_boxes_the_image_is_unchanged(self) -> None:
        image = np.random.default_rng(0).integers(0, 256, (17, 31, 3), np.uint8)
        drawn = draw_boxes(image, np.zeros((0, 4), np.float32), [], [])
        assert drawn.mode == "RGB"
        assert np.array_equal(np.asarray(drawn), image)

    def test_box_and_label_have_the_color_of_their_key(self) -> None:
        image = grey(300, 400)
        box = np.array([[0.5, 0.25, 0.9, 0.75]], np.float32)
        drawn = np.asarray(draw_boxes(image, box, ["Cat 85%"], [7]))
        assert tuple(drawn[200, 100]) == tuple(drawn[269, 299]) == color_of(7)
        label = drawn[130:149, 99:130]
        assert has_color(label, color_of(7))
        assert has_color(label, text_color_on(color_of(7)))
        for untouched in (drawn[170:250, 120:280], drawn[280:], image):
            assert (untouched == GREY).all()

    def test_the_best_box_is_on_top(self) -> None:
        boxes = np.array([[0.5, 0.25, 0.9, 0.75]] * 3, np.float32)
        drawn = np.asarray(draw_boxes(grey(300, 400), boxes, ["a", "b", "c"], [3, 4, 5]))
        assert tuple(drawn[269, 299]) == color_of(3)

    def test_text_and_lines_follow_the_size_of_the_image(self) -> None:
        box = np.array([[0.5, 0.25, 0.9, 0.75]], np.float32)
        small, large = (
            np.asarray(draw_boxes(grey(height, height * 4 // 3), box, ["Cat 85%"], [7])) for height in (300, 3000)
        )
        small_count, large_count = ((drawn == color_of(7)).all(axis=-1).sum() for drawn in (small, large))
        assert large_count > 15 * small_count

    @pytest.mark.parametrize(
        ("height", "width", "factor"),
        [(17, 31, 10), (1, 1, 160), (97, 512, 2), (160, 160, 1), (9, 1001, 1), (1, 20000, 1), (20000, 1, 1)],
    )
    def test_only_small_images_are_enlarged_and_only_if_asked(self, height: int, width: int, factor: int) -> None:
        drawing = grey(height, width), some_boxes(5), ["Cat 85%"] * 5, range(5)
        assert draw_boxes(*drawing).size == (width, height)
        assert draw_boxes(*drawing, enlarge=True).size == (width * factor, height * factor)

    def test_a_tiny_image_gets_its_label_where_it_is_enlarged(self) -> None:
        drawing = grey(32, 32), np.array([[0.2, 0.2, 0.9, 0.9]], np.float32), ["Person 85%"], [1]
        large, small = np.asarray(draw_boxes(*drawing, enlarge=True)), np.asarray(draw_boxes(*drawing))
        assert has_color(large, text_color_on(color_of(1)))
        assert has_color(small, color_of(1))
        assert not has_color(small, text_color_on(color_of(1)))

    def test_the_outline_of_a_small_box_does_not_hide_what_is_in_it(self) -> None:
        drawn = np.asarray(draw_boxes(grey(3000, 4000), np.array([[0.5, 0.5, 0.506, 0.506]], np.float32), [""], [7]))
        inside = (drawn[1500:1518, 2000:2024] == GREY).all(axis=-1)
        assert inside.mean() > 0.3

    def test_lines_and_text_have_the_sizes_that_are_asked_for(self) -> None:
        box = np.array([[0.5, 0.25, 0.9, 0.75]], np.float32)
        drawn = np.asarray(draw_boxes(grey(300, 400), box, ["Cat 85%"], [7], line_width=9, text_size=40))
        column = (drawn[:, 200] == color_of(7)).all(axis=-1)
        assert column.nonzero()[0][-9:].tolist() == list(range(261, 270))
        label = (drawn[100:150, 110] == color_of(7)).all(axis=-1)
        assert label.sum() > 40
        thin = np.asarray(draw_boxes(grey(300, 400), box, [""], [7], line_width=1))
        assert (thin[:, 200] == color_of(7)).all(axis=-1).nonzero()[0].tolist() == [150, 269]

    @pytest.mark.parametrize("name", ["line_width", "text_size"])
    @pytest.mark.parametrize("size", [0, -1, 1001, 2.5, "3"])
    def test_sizes_out_of_range_are_refused(self, name: str, size: object) -> None:
        with pytest.raises(ArgumentError, match=f"{name}: expected a whole number of pixels from 1 to 1000, got"):
            draw_boxes(grey(9, 9), some_boxes(1), ["Cat"], [1], **{name: size})  # type: ignore[arg-type]

    @pytest.mark.parametrize("size", [1, 1000])
    def test_any_size_in_range_will_do(self, size: int) -> None:
        draw_boxes(grey(90, 120), some_boxes(3), ["Cat 85%"] * 3, range(3), line_width=size, text_size=size)

    @settings(deadline=None, max_examples=40)
    @given(
        st.integers(1, 300),
        st.integers(1, 300),
        st.lists(st.tuples(*[st.floats(width=32)] * 4), min_size=1, max_size=8),
    )
    def test_any_coordinates_will_do(
        self, height: int, width: int, boxes: list[tuple[float, float, float, float]]
    ) -> None:
        count = len(boxes)
        draw_boxes(grey(height, width), np.array(boxes, np.float32), ["Cat 85%"] * count, range(1, count + 1))

    def test_a_hundred_boxes_on_a_small_image(self) -> None:
        drawn = draw_boxes(grey(60, 80), some_boxes(100), ["Traffic light 50%"] * 100, range(1, 101), enlarge=True)
        assert drawn.size == (240, 180)

    @pytest.mark.parametrize(
        "label",
        ["", " \n\t", "two\nlines", "word " * 500, "日本語 85%", "قطة 85%", "Кот 🐈", "\ud800", "a\0b", "…"],
    )
    @pytest.mark.parametrize("width", [1, 12, 24, 60, 400])
    def test_any_label_will_do(self, label: str, width: int) -> None:
        draw_boxes(grey(2001, width), some_boxes(2), [label, "Cat 85%"], [1, 2])
