"""Overlap of boxes, and the best box of each detection."""

import numpy as np
import pytest

from boxable.metrics import overlap
from boxable.metrics.overlap import KeyedBoxes, KeyPlaces, distinct, ioa, iou

WHOLE, LEFT, APART = [0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 0.5], [0.0, 2.0, 1.0, 3.0]


def test_iou_and_ioa_of_known_boxes() -> None:
    first, second = np.array([WHOLE, LEFT, WHOLE]), np.array([LEFT, WHOLE, APART])
    assert iou(first, second).tolist() == [0.5, 0.5, 0.0]
    assert ioa(first, second).tolist() == [0.5, 1.0, 0.0]


def test_distinct_sorts_and_keeps_each_key_once() -> None:
    assert distinct(np.array([5, 0, 5, 2, 0])).tolist() == [0, 2, 5]
    assert distinct(np.array([], np.int64)).tolist() == []


@pytest.mark.parametrize("limit", [100, overlap._TABLE + 1], ids=["table", "search"])
@pytest.mark.parametrize("keys", [[3, 7, 90], []])
def test_a_key_has_its_place_or_minus_one(limit: int, keys: list[int]) -> None:
    asked = np.array([7, 0, 99, 3], np.int64)
    expected = [keys.index(key) if key in keys else -1 for key in asked.tolist()]
    assert KeyPlaces(np.array(keys, np.int64), limit).of(asked).tolist() == expected


@pytest.mark.parametrize("pairs", [1, 1 << 16], ids=["many cuts", "one cut"])
def test_the_best_box_has_the_same_key_and_is_the_first_among_equals(
    pairs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overlap, "_PAIRS", pairs)
    boxes = np.array([LEFT, WHOLE, WHOLE, WHOLE])
    truth = KeyedBoxes(np.array([1, 1, 1, 2]), boxes, np.array([0, 1, 2, 3]), 10)
    found = np.array([WHOLE, WHOLE, WHOLE])
    rows, best, most = truth.best(np.array([0, 1, 2]), np.array([1, 5, 2]), found, iou)
    assert (rows.tolist(), best.tolist(), most.tolist()) == ([0, 2], [1, 3], [1.0, 1.0])


def test_boxes_that_are_not_allowed_do_not_count() -> None:
    truth = KeyedBoxes(np.array([1, 1]), np.array([WHOLE, LEFT]), np.array([0, 1]), 2)
    rows = np.array([0])
    _, best, most = truth.best(rows, np.array([1]), np.array([WHOLE]), iou, lambda _, others: others == 1)
    assert (best.tolist(), most.tolist()) == ([1], [0.5])
    _, _, most = truth.best(rows, np.array([1]), np.array([WHOLE]), iou, lambda _, others: others < 0)
    assert most.tolist() == [-1.0]
