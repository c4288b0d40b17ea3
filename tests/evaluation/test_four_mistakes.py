"""Four mistakes that another fast implementation of the metric once made, each where it gives another number."""

import numpy as np
import pytest

from boxable.metrics.overlap import iou
from tests.evaluation.made import A, Found, Truth, aps, entries, evaluated

UPPER_LEFT, LOWER_RIGHT, UPPER_RIGHT = (0, 0, 0.5, 0.5), (0.5, 0.5, 1, 1), (0, 0.5, 0.5, 1)
SMALL, OTHER_SMALL = (0, 0, 0.25, 0.25), (0.25, 0.25, 0.5, 0.5)


def envelope(credits: list[int], truth: int) -> tuple[list[float], list[float]]:
    """Recall and highest precision from there on, of entries by falling score."""
    recall = [sum(credits[: k + 1]) / truth for k in range(len(credits))]
    precision = [sum(credits[: k + 1]) / (k + 1) for k in range(len(credits))]
    return recall, [max(precision[k:]) for k in range(len(credits))]


def all_points(credits: list[int], truth: int) -> float:
    recall, precision = envelope(credits, truth)
    return sum((r - before) * p for r, before, p in zip(recall, [0, *recall], precision, strict=False))


def hundred_and_one_points(credits: list[int], truth: int) -> float:
    recall, precision = envelope(credits, truth)
    points = [k / 100 for k in range(101)]
    return sum(max((p for r, p in zip(recall, precision, strict=True) if r >= at), default=0) for at in points) / 101


def test_inside_a_group_of_box_is_measured_over_the_detections_own_area_not_over_the_union() -> None:
    boxes = [Truth("i", A, UPPER_LEFT, group_of=1), Truth("i", A, LOWER_RIGHT)]
    evaluation = evaluated(boxes, [Found("i", A, 0.9, SMALL), Found("i", A, 0.8, LOWER_RIGHT)])
    assert aps(evaluation)[A] == 1.0
    # By IoU the small detection would be a false positive above the true one.
    assert iou(np.array([SMALL], float), np.array([UPPER_LEFT], float))[0] == 0.25
    assert all_points([0, 1], truth=2) == 0.25


def test_ap_takes_all_points_of_the_curve_not_101() -> None:
    boxes = [Truth("i", A, UPPER_LEFT), Truth("i", A, LOWER_RIGHT)]
    found = [Found("i", A, 0.9, UPPER_LEFT), Found("i", A, 0.8, UPPER_RIGHT), Found("i", A, 0.7, LOWER_RIGHT)]
    assert aps(evaluated(boxes, found))[A] == pytest.approx(1 / 2 + 1 / 2 * 2 / 3, rel=0, abs=1e-12)
    assert all_points([1, 0, 1], truth=2) == pytest.approx(0.8333, abs=1e-4)
    assert hundred_and_one_points([1, 0, 1], truth=2) == pytest.approx(0.8350, abs=1e-4)


def test_a_group_of_box_is_credited_once_however_many_detections_are_in_it() -> None:
    boxes = [Truth("i", A, UPPER_LEFT, group_of=1), Truth("i", A, LOWER_RIGHT)]
    found = [Found("i", A, 0.9, SMALL), Found("i", A, 0.8, UPPER_RIGHT), Found("i", A, 0.7, OTHER_SMALL)]
    evaluation = evaluated(boxes, found)
    assert entries(evaluation) == {A: [(0.9, 1.0), (0.8, 0.0)]}
    assert aps(evaluation)[A] == all_points([1, 0], truth=2) == 0.5
    # Credited twice, it would make up for the box that was missed.
    assert all_points([1, 0, 1], truth=2) == pytest.approx(0.8333, abs=1e-4)


@pytest.mark.parametrize(("first_is_smaller", "ap"), [(True, 1.0), (False, 0.5)])
def test_of_two_group_of_boxes_that_hold_a_detection_alike_the_first_gets_it(first_is_smaller: bool, ap: float) -> None:
    smaller, larger = Truth("i", A, UPPER_LEFT, group_of=1), Truth("i", A, (0, 0, 0.75, 0.75), group_of=1)
    boxes = [smaller, larger] if first_is_smaller else [larger, smaller]
    in_both, in_the_larger = Found("i", A, 0.9, SMALL), Found("i", A, 0.8, (0.5, 0.5, 0.75, 0.75))
    evaluation = evaluated(boxes, [in_both, in_the_larger])
    # Given to the last instead, the first order would find one of two, and the second both.
    both, one = [(0.9, 1.0), (0.8, 1.0)], [(0.9, 1.0)]
    assert entries(evaluation) == {A: both if first_is_smaller else one}
    assert aps(evaluation)[A] == ap
    assert (all_points([1, 1], truth=2), all_points([1], truth=2)) == (1.0, 0.5)
