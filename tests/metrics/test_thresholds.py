"""Score thresholds."""

import numpy as np
import pytest

from boxable.metrics.average_precision import Curve
from boxable.metrics.protocols import protocol_named
from boxable.metrics.thresholds import Threshold, best_threshold, f1_of, pooled_curve
from tests.metrics.made import A, B, Found, Truth, evaluated

HERE, NOWHERE = (0, 0, 0.5, 0.5), (0, 0.5, 0.5, 1)


def curve(*points: tuple[float, float, float]) -> Curve:
    return Curve(*np.array(points, np.float64).reshape(-1, 3).T)


def test_the_best_threshold_has_the_highest_f1() -> None:
    best = best_threshold(curve((0.9, 1, 0.25), (0.5, 0.75, 0.75), (0.25, 0.5, 0.75)))
    assert best == Threshold(0.5, 0.75, 0.75, 0.75)


def test_of_thresholds_with_equal_f1_the_highest_is_the_best() -> None:
    best = best_threshold(curve((0.9, 1, 0.5), (0.5, 0.5, 1), (0.25, 0.25, 1)))
    assert best is not None
    assert (best.score, best.f1) == (0.9, pytest.approx(2 / 3))


@pytest.mark.parametrize("points", [[], [(0.9, 0, 0)], [(0.9, 0, np.nan)]])
def test_without_a_true_positive_there_is_no_threshold(points: list[tuple[float, float, float]]) -> None:
    assert best_threshold(curve(*points)) is None
    assert not f1_of(curve(*points)).any()


def test_the_pooled_curve_ranks_the_detections_of_all_classes_together() -> None:
    boxes = [Truth("i", A, HERE), Truth("i", B, HERE)]
    found = [Found("i", A, 0.9, HERE), Found("i", B, 0.8, NOWHERE), Found("i", B, 0.7, HERE)]
    evaluation = evaluated(boxes, found, protocol_named("openimages-v2"))
    pooled = pooled_curve(evaluation.ranking, np.array([evaluation.inputs.mids.index(mid) for mid in (A, B)]))
    assert pooled.score.tolist() == [0.9, 0.8, 0.7]
    np.testing.assert_allclose(pooled.precision, [1, 1 / 2, 2 / 3])
    np.testing.assert_allclose(pooled.recall, [1 / 2, 1 / 2, 1])
