"""Score thresholds: precision, recall and F1 at each score."""

from dataclasses import dataclass

import numpy as np

from boxable.arrays import Doubles, Integers
from boxable.metrics.average_precision import Curve, Ranking


@dataclass(frozen=True, slots=True)
class Threshold:
    """Precision, recall and F1 of the detections with at least this score."""

    score: float
    precision: float
    recall: float
    f1: float


def best_threshold(curve: Curve) -> Threshold | None:
    """Find the score of the best F1, the highest among equals; None without a true positive."""
    f1 = f1_of(curve)
    if not len(f1) or not f1.max() > 0:
        return None
    best = int(f1.argmax())
    return Threshold(*(float(values[best]) for values in (curve.score, curve.precision, curve.recall, f1)))


def f1_of(curve: Curve) -> Doubles:
    """F1, the harmonic mean of precision and recall, float64 `[N]`; 0 where both are 0 or the recall is unknown."""
    with np.errstate(invalid="ignore", divide="ignore"):
        f1 = 2 * curve.precision * curve.recall / (curve.precision + curve.recall)
    return np.asarray(np.nan_to_num(f1))


def pooled_curve(ranking: Ranking, columns: Integers) -> Curve:
    """Precision and recall of these classes together, if one score is asked of all."""
    rows = np.flatnonzero(np.isin(ranking.label, columns))
    rows = rows[np.argsort(-ranking.score[rows])]
    score = ranking.score[rows]
    last = np.flatnonzero(np.diff(score, append=np.nan) != 0)
    true = np.cumsum(ranking.credit[rows])[last]
    false = np.cumsum(ranking.credit[rows] == 0)[last]
    truth = ranking.truth_counts[columns].sum() or np.nan
    return Curve(score[last], true / (true + false), true / truth)
