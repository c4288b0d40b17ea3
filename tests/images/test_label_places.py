"""Places of labels: inside the image, apart, beside their box, and hiding little."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from boxable.images.label_places import place_labels


@settings(deadline=None, max_examples=60)
@given(
    st.integers(17, 4000),
    st.integers(17, 3000),
    st.integers(1, 100),
    st.integers(10, 90),
    st.integers(0, 2**32 - 1),
)
def test_inside_the_image_and_apart(width: int, height: int, count: int, size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = np.sort(rng.integers(0, (width, height), (count, 2, 2)), axis=1)
    sizes = np.stack([rng.integers(size, 10 * size, count), np.full(count, size)], axis=1)

    places = place_labels(corners.reshape(count, 4), sizes, (width, height))

    placed = places.any(axis=1)
    left, top, right, bottom = places[placed].T
    assert (places >= 0).all()
    assert (places <= (width, height, width, height)).all()
    assert (places[placed, 2:] - places[placed, :2] == sizes[placed]).all()
    apart_x = (right[:, None] <= left) | (right <= left[:, None])
    apart_y = (bottom[:, None] <= top) | (bottom <= top[:, None])
    assert (apart_x | apart_y | np.eye(len(left), dtype=bool)).all()


@given(st.integers(0, 199), st.integers(0, 99), st.integers(1, 200), st.integers(1, 100))
def test_a_single_label_that_fits_touches_its_box(left: int, top: int, width: int, height: int) -> None:
    right, bottom = min(left + width, 200), min(top + height, 100)
    (place,) = place_labels(np.array([[left, top, right, bottom]]), np.array([[60, 15]]), (200, 100))
    assert place.any()
    assert (place[:2] <= (right, bottom)).all()
    assert (place[2:] >= (left, top)).all()


def test_above_the_box_if_nothing_speaks_against_it() -> None:
    places = place_labels(np.array([[50, 60, 150, 120]]), np.array([[40, 10]]), (200, 200))
    assert places.tolist() == [[50, 50, 90, 60]]


def test_the_first_has_priority() -> None:
    boxes = np.array([[0, 0, 50, 12]] * 2)
    places = place_labels(boxes, np.array([[50, 10]] * 2), (50, 12))
    assert places.any(axis=1).tolist() == [True, False]


def test_small_boxes_stay_visible_where_there_is_room() -> None:
    columns, rows = np.meshgrid(np.arange(5) * 150 + 60, np.arange(5) * 60 + 20)
    corners = np.stack([columns.ravel(), rows.ravel()], axis=1)
    places = place_labels(np.hstack([corners, corners + 16]), np.array([[70, 16]] * 25), (800, 320))
    centres = corners[:, None] + 8
    covered = ((places[:, :2] < centres) & (centres < places[:, 2:])).all(axis=-1)
    assert places.any(axis=1).all()
    assert not covered.any()


def test_a_label_moves_away_when_every_place_at_its_box_is_taken() -> None:
    boxes = np.array([[190, 140, 210, 160]] * 30)
    places = place_labels(boxes, np.array([[60, 15]] * 30), (400, 300))
    assert places.any(axis=1).all()
    distances = np.maximum(190 - places[:, 2], places[:, 0] - 210)
    assert distances.max() > 0


def test_labels_without_room_or_text_are_left_off() -> None:
    boxes = np.array([[0, 0, 30, 30]] * 3)
    places = place_labels(boxes, np.array([[31, 10], [0, 0], [10, 31]]), (30, 30))
    assert not places.any()


def test_labels_of_boxes_in_a_row_do_not_lie_on_their_neighbours() -> None:
    lefts = np.arange(12) * 45 + 20
    boxes = np.stack([lefts, np.full(12, 200), lefts + 36, np.full(12, 400)], axis=1)
    places = place_labels(boxes, np.array([[80, 17]] * 12), (700, 500))
    assert places.any(axis=1).all()
    for number, place in enumerate(places):
        others = np.delete(boxes, number, axis=0)
        width = np.minimum(place[2], others[:, 2]) - np.maximum(place[0], others[:, 0])
        height = np.minimum(place[3], others[:, 3]) - np.maximum(place[1], others[:, 1])
        assert not ((width > 0) & (height > 0)).any()


def test_a_label_inside_another_box_does_not_cross_its_outline() -> None:
    boxes = np.array([[100, 100, 140, 140], [20, 20, 380, 380]])
    places = place_labels(boxes, np.array([[70, 16]] * 2), (400, 400))
    assert places[0].tolist() == [100, 84, 170, 100]
