"""The score threshold of the best F1."""

import numpy as np

from boxable.metrics.average_precision import Curve
from boxable.metrics.protocols import protocol_named
from boxable.metrics.thresholds import Threshold, best_threshold, pooled_curve
from tests.evaluation.made import A, B, Found, Truth, evaluated


def test_of_equal_f1_the_highest_score_is_best() -> None:
    curve = Curve(np.array([0.9, 0.5, 0.1]), np.array([1, 0.5, 0.1]), np.array([0.5, 1, 1]))
    assert best_threshold(curve) == Threshold(0.9, 1.0, 0.5, 2 / 3)


def test_without_a_true_positive_there_is_no_threshold() -> None:
    assert best_threshold(Curve(np.array([0.9]), np.zeros(1), np.zeros(1))) is None
    assert best_threshold(Curve(np.zeros(0), np.zeros(0), np.zeros(0))) is None


def test_the_pooled_curve_ranks_the_detections_of_all_classes_together() -> None:
    here, elsewhere = (0, 0, 0.5, 0.5), (0, 0.5, 0.5, 1)
    boxes = [Truth("i", A, here), Truth("i", B, here)]
    found = [Found("i", A, 0.9, here), Found("i", B, 0.8, elsewhere), Found("i", B, 0.7, here)]
    evaluation = evaluated(boxes, found, protocol_named("openimages-v2"))
    pooled = pooled_curve(evaluation.ranking, np.array([evaluation.data.mids.index(mid) for mid in (A, B)]))
    assert pooled.score.tolist() == [0.9, 0.8, 0.7]
    np.testing.assert_allclose(pooled.precision, [1, 1 / 2, 2 / 3])
    np.testing.assert_allclose(pooled.recall, [1 / 2, 1 / 2, 1])
