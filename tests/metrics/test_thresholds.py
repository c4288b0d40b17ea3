"""The score threshold of the best F1."""

import numpy as np

from boxable.metrics.average_precision import Curve
from boxable.metrics.thresholds import Threshold, best_threshold


def test_of_equal_f1_the_highest_score_is_best() -> None:
    curve = Curve(np.array([0.9, 0.5, 0.1]), np.array([1, 0.5, 0.1]), np.array([0.5, 1, 1]))
    assert best_threshold(curve) == Threshold(0.9, 1.0, 0.5, 2 / 3)


def test_without_a_true_positive_there_is_no_threshold() -> None:
    assert best_threshold(Curve(np.array([0.9]), np.zeros(1), np.zeros(1))) is None
    assert best_threshold(Curve(np.zeros(0), np.zeros(0), np.zeros(0))) is None
