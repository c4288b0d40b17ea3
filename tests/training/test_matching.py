import numpy as np
import pytest

from boxable.arrays import Floats
from boxable.training.matching import ignore_inside, match_anchors


def boxes(*rows: tuple[float, float, float, float]) -> Floats:
    return np.array(rows, np.float32).reshape(-1, 4)


# Three squares side by side, and the left half of the first.
ANCHORS = boxes((0, 0, 0.25, 0.25), (0, 0.25, 0.25, 0.5), (0, 0.5, 0.25, 0.75), (0, 0, 0.25, 0.125))


@pytest.mark.parametrize(
    ("objects", "match"),
    [
        pytest.param([], [-1, -1, -1, -1], id="no boxes"),
        pytest.param([ANCHORS[3]], [0, -1, -1, 0], id="an IoU of exactly 0.5 matches"),
        pytest.param([(0, 0, 0.25, 0.12)], [-1, -1, -1, 0], id="one below it does not"),
        pytest.param(
            [(0, 0.1875, 0.25, 0.3125)], [0, -1, -1, -1], id="a box takes its best anchor, the lower one of two"
        ),
        pytest.param([ANCHORS[1], ANCHORS[1]], [-1, 0, -1, -1], id="of equal boxes the first row is matched"),
        pytest.param([(0, 0.5, 0.25, 0.55), ANCHORS[2]], [-1, -1, 0, -1], id="the lower row takes an anchor of two"),
        pytest.param([ANCHORS[1], (0.5, 0.9, 0.6, 1)], [1, 0, -1, -1], id="a box that overlaps none takes the first"),
        pytest.param([(0, 0, 0.25, 0.17), (0, 0.1, 0.25, 0.25)], [1, -1, -1, 0], id="against a box with a higher IoU"),
    ],
)
def test_each_anchor_takes_its_best_box_and_each_box_its_best_anchor(objects: list[Floats], match: list[int]) -> None:
    found = match_anchors(boxes(*objects), ANCHORS)
    assert found.tolist() == match
    assert found.dtype == np.int16


def test_a_box_of_weight_0_takes_no_anchor_but_may_be_the_best_one_of_an_anchor() -> None:
    objects = boxes((0, 0.5, 0.25, 0.55), ANCHORS[1], (0, 0.5, 0.25, 0.6))
    assert match_anchors(objects, ANCHORS, np.array([0, 0, 0.5], np.float32)).tolist() == [-1, 1, 2, -1]
    assert match_anchors(objects, ANCHORS, np.zeros(3, np.float32)).tolist() == [-1, 1, -1, -1]


def test_unmatched_anchors_half_in_a_region_are_ignored() -> None:
    match = np.array([-1, 0, -1, -1], np.int16)
    # Half of the first anchor, all of the second and the last, less than half of the third.
    regions = boxes((0.125, 0, 0.5, 0.5), (0, 0.5, 1, 0.62), (0, 0, 1, 0.125))
    found = ignore_inside(match, regions, ANCHORS)
    assert found.tolist() == [-2, 0, -1, -2]
    assert found.dtype == np.int16
    assert ignore_inside(match, boxes(), ANCHORS).tolist() == match.tolist()


def test_parts_of_an_anchor_in_two_regions_do_not_add_up() -> None:
    regions = boxes((0, 0, 0.25, 0.1), (0, 0.15, 0.25, 0.25))
    assert ignore_inside(np.full(4, -1, np.int16), regions, ANCHORS).tolist() == [-1, -1, -1, -2]
