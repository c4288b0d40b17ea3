"""Curves, and classes beside each other."""

import numpy as np
import pytest

from boxable.metrics.average_precision import Curve, Ranking
from boxable.metrics.protocols import protocol_named
from tests.evaluation.made import PLAIN, A, B, C, Found, Seen, Truth, evaluated

HERE, THERE, NOWHERE = (0, 0, 0.5, 0.5), (0.5, 0.5, 1, 1), (0, 0.5, 0.5, 1)
BOXES = [Truth("i", A, HERE), Truth("i", A, THERE), Truth("j", B, HERE, group_of=1), Truth("j", B, THERE)]
FOUND = [
    Found("i", A, 0.9, HERE),
    Found("i", A, 0.6, NOWHERE),
    Found("i", A, 0.6, THERE),
    Found("j", B, 0.8, HERE),
    Found("j", B, 0.7, NOWHERE),
    Found("j", C, 0.5, HERE),
]
HALF = protocol_named("challenge", expand=False, group_of_weight=0.5)


def ranking_and_column(mid: str) -> tuple[Ranking, int]:
    evaluation = evaluated(BOXES, FOUND, HALF, labels=[Seen("j", C)])
    return evaluation.ranking, evaluation.data.mids.index(mid)


def curve(mid: str) -> Curve:
    ranking, column = ranking_and_column(mid)
    return ranking.curve(column)


def test_equal_scores_are_one_point_of_a_curve() -> None:
    points = curve(A)
    assert points.score.tolist() == [0.9, 0.6]
    assert points.precision.tolist() == [1, 2 / 3]
    assert points.recall.tolist() == [1 / 2, 1]


def test_a_group_of_box_counts_its_weight_in_both_precision_and_recall() -> None:
    points = curve(B)
    assert points.score.tolist() == [0.8, 0.7]
    assert points.precision.tolist() == [1, 0.5 / 1.5]
    assert points.recall.tolist() == [0.5 / 1.5] * 2


def test_without_ground_truth_the_recall_is_unknown() -> None:
    points = curve(C)
    assert points.precision.tolist() == [0]
    assert np.isnan(points.recall).all()


def test_a_class_without_detections_has_no_points() -> None:
    assert len(curve("/m/0bt9lr").score) == 0


@pytest.mark.parametrize(("mid", "count"), [(A, 2), (B, 1.5), (C, 0)])
def test_ground_truth_is_counted_by_its_weight(mid: str, count: float) -> None:
    ranking, column = ranking_and_column(mid)
    assert ranking.truth_counts[column] == count


def test_many_finds_and_false_detections_give_the_area_under_the_envelope() -> None:
    random = np.random.default_rng(0)
    credits = random.random(300) < 0.6
    boxes = [Truth(f"{n:03}", A, HERE) for n in range(300)]
    found = [Found(f"{n:03}", A, 1 - n / 300, HERE if hit else NOWHERE) for n, hit in enumerate(credits)]
    precision = np.cumsum(credits) / np.arange(1, 301)
    expected = sum(precision[n:].max() for n in np.flatnonzero(credits)) / 300
    assert evaluated(boxes, found, PLAIN).mean_ap == pytest.approx(expected, rel=0, abs=1e-12)


@pytest.mark.parametrize("count", [7, 100, 3000, 20000])
@pytest.mark.parametrize("ordinary", [True, False], ids=["with ordinary boxes", "group-of boxes alone"])
def test_all_found_with_a_weight_that_is_no_binary_fraction_is_not_above_1(count: int, ordinary: bool) -> None:
    names = [f"{number:05}" for number in range(count)]
    boxes = [Truth(name, A, HERE, group_of=1) for name in names]
    boxes += [Truth(name, A, THERE) for name in names] * ordinary
    found = [Found(row.image, A, 1 - number / 2 / len(boxes), row.box) for number, row in enumerate(boxes)]
    evaluation = evaluated(boxes, found, protocol_named("challenge", expand=False, group_of_weight=0.3))
    assert evaluation.mean_ap <= 1
    assert evaluation.mean_ap == pytest.approx(1, rel=0, abs=1e-12)


def test_no_detections_at_all_are_no_error() -> None:
    evaluation = evaluated(BOXES, [], HALF)
    assert evaluation.mean_ap == 0
    assert np.nansum(evaluation.ranking.average_precisions(np.array([2.0, 0.0]))) == 0
