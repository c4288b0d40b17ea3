"""Who found what: corners of the rules that the recorded cases leave out."""

import numpy as np
import pytest

from boxable.metrics.matching import Outcome
from boxable.metrics.protocols import protocol_named
from tests.evaluation.made import PLAIN, A, B, Found, Seen, Truth, aps, evaluated

HERE, THERE, NOWHERE = (0, 0, 0.5, 0.5), (0.5, 0.5, 1, 1), (0, 0.5, 0.5, 1)
QUARTER = (0, 0, 0.25, 0.25)
OUT, FALSE, TRUE, IN_GROUP = Outcome


def test_each_prediction_and_box_says_what_became_of_it() -> None:
    boxes = [Truth("i", A, HERE), Truth("i", A, (0, 0, 1, 1), group_of=1), Truth("j", A, HERE)]
    found = [
        Found("i", A, 0.7, HERE),
        Found("i", A, 0.9, HERE),
        Found("i", A, 0.8, THERE),
        Found("i", B, 0.9, HERE),
        Found("j", A, 0.5, NOWHERE),
        Found("j", A, 0.4, HERE),
    ]
    matches = evaluated(boxes, found).matches
    assert matches.outcome.tolist() == [IN_GROUP, TRUE, IN_GROUP, OUT, FALSE, TRUE]
    assert matches.truth.tolist() == [1, 0, 1, -1, -1, 2]
    assert matches.matched_detection.tolist() == [1, 2, 5]
    assert matches.group_of.tolist() == [False, True, False]
    assert matches.ignored.tolist() == [False, False, False]


def test_a_difficult_box_is_neither_missed_nor_found() -> None:
    boxes = [Truth("i", A, HERE, difficult=True), Truth("i", A, THERE)]
    matches = evaluated(boxes, [Found("i", A, 0.9, HERE)], protocol_named("pascal")).matches
    assert matches.outcome.tolist() == [OUT]
    assert matches.matched_detection.tolist() == [-1, -1]
    assert matches.ignored.tolist() == [True, False]


def test_of_a_class_in_an_image_the_best_ten_thousand_count() -> None:
    boxes = [Truth("i", A, HERE), Truth("j", A, HERE)]
    false = [Found("i", A, 1 + number / 10_000, NOWHERE) for number in range(10_000)]
    last = [Found("i", A, 0.5, HERE), Found("j", A, 0.5, HERE)]
    assert evaluated(boxes, [*last, *false]).matches.outcome[:2].tolist() == [OUT, TRUE]
    assert evaluated(boxes, [*last, *false[1:]]).matches.outcome[:2].tolist() == [TRUE, TRUE]
    other_class = [false[0]._replace(label=B), *false[1:]]
    labels = [Seen("i", B)]
    assert evaluated(boxes, [*last, *other_class], labels=labels).matches.outcome[:2].tolist() == [TRUE, TRUE]


@pytest.mark.parametrize(("score", "outcome"), [(-9.5, TRUE), (-10, OUT), (-11, OUT), (0, TRUE)])
def test_a_score_of_minus_ten_or_less_counts_for_nothing(score: float, outcome: Outcome) -> None:
    assert evaluated([Truth("i", A, HERE)], [Found("i", A, score, HERE)]).matches.outcome.tolist() == [outcome]


@pytest.mark.parametrize(("score", "ap"), [(0.1, 1), (0, 0), (-1, 0)])
def test_only_a_positive_score_finds_a_group_of_box(score: float, ap: float) -> None:
    evaluation = evaluated([Truth("i", A, HERE, group_of=1)], [Found("i", A, score, QUARTER)])
    assert evaluation.matches.outcome.tolist() == [IN_GROUP]
    assert aps(evaluation)[A] == ap


def test_of_equal_scores_the_higher_and_then_the_more_left_box_comes_first() -> None:
    low, right, left = (0.125, 0, 0.5, 0.5), (0, 0.125, 0.5, 0.5), (0, 0, 0.5, 0.375)
    for order in ([low, right, left], [left, low, right]):
        matches = evaluated([Truth("i", A, HERE)], [Found("i", A, 0.5, box) for box in order]).matches
        assert order[int(np.flatnonzero(matches.outcome == TRUE)[0])] == left


def test_of_equal_scores_the_one_inside_a_group_takes_the_ordinary_box() -> None:
    # The group would excuse the second detection but not the first, which therefore is the false positive.
    boxes = [Truth("i", A, (0, 0, 0.4, 0.4)), Truth("i", A, (0, 0.2, 0.5, 0.9), group_of=1), Truth("j", A, HERE)]
    apart, inside = Found("i", A, 0.5, (0, 0, 0.35, 0.3)), Found("i", A, 0.5, (0, 0.1, 0.4, 0.4))
    for found in ([apart, inside], [inside, apart]):
        evaluation = evaluated(boxes, [*found, Found("j", A, 0.4, HERE)])
        assert dict(zip(found, evaluation.matches.outcome.tolist(), strict=False)) == {apart: FALSE, inside: TRUE}
        assert aps(evaluation)[A] == pytest.approx(4 / 9)  # in the original 5 / 9, or 1 in the other order
    # A higher score comes first all the same.
    assert evaluated(boxes, [apart._replace(score=0.6), inside]).matches.outcome.tolist() == [TRUE, IN_GROUP]


def test_more_pairs_than_are_compared_at_once_give_the_same() -> None:
    # 800 detections of 800 boxes are 640,000 pairs; those of the second image are cut in two.
    rows = [
        (image, (y / 40, x / 20, (y + 1) / 40, (x + 1) / 20)) for image in "ij" for y in range(40) for x in range(20)
    ]
    boxes = [Truth(image, A, box) for image, box in rows]
    found = [Found(image, A, 1 - number / len(rows), box) for number, (image, box) in enumerate(rows)]
    matches = evaluated(boxes, found[::-1], PLAIN).matches
    assert (matches.outcome == TRUE).all()
    assert matches.matched_detection.tolist() == list(range(len(rows)))[::-1]
