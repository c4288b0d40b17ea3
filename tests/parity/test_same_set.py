"""The comparison itself must be able to fail."""

import numpy as np
import pytest

from tests.parity.same_set import Found, excused_differences

BOXES = np.array([[0.0, 0.0, 0.2, 0.2], [0.5, 0.5, 0.9, 0.9], [0.1, 0.6, 0.3, 0.8]], np.float32)


def found(scores: list[float], classes: tuple[int, ...] = (1, 2, 3), shift: float = 0.0) -> Found:
    count = len(scores)
    return Found(np.array(classes[:count]), np.array(scores, np.float32), BOXES[:count] + np.float32(shift))


def test_equal_sets_have_no_differences_in_any_order() -> None:
    first, second = found([0.9, 0.5, 0.2]), found([0.9, 0.5, 0.2])
    turned = Found(second.classes[::-1], second.scores[::-1], second.boxes[::-1])
    assert excused_differences(first, turned) == []


@pytest.mark.parametrize(
    "other",
    [found([0.9, 0.4998, 0.2]), found([0.9, 0.5, 0.2], shift=2e-4), found([0.9, 0.5, 0.2], classes=(1, 3, 2))],
    ids=["score", "box", "class"],
)
def test_a_difference_beyond_the_tolerance_is_refused(other: Found) -> None:
    with pytest.raises(AssertionError):
        excused_differences(found([0.9, 0.5, 0.2]), other)


def test_one_as_weak_as_the_last_may_be_missing_and_is_counted() -> None:
    assert len(excused_differences(found([0.9, 0.5, 0.2]), found([0.9, 0.5]))) == 1


def test_a_missing_strong_one_is_refused() -> None:
    without = found([0.9, 0.5, 0.2])
    weaker = Found(without.classes[1:], without.scores[1:], without.boxes[1:])
    with pytest.raises(AssertionError):
        excused_differences(without, weaker)
