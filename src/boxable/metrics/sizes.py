"""How the size of an object matters: the same measurement on small, medium and large boxes."""

from dataclasses import dataclass

import numpy as np

from boxable.arrays import Doubles, Integers
from boxable.metrics.average_precision import Entries, Ranking
from boxable.metrics.bootstrap import mean_of_known
from boxable.metrics.matching import EvaluationData, Matches

# Shares of the image's area. Boxes are normalized and images come in every size; the network sees them all as one.
BUCKETS = {"small": (0.0, 0.01), "medium": (0.01, 0.1), "large": (0.1, np.inf)}


@dataclass(frozen=True, slots=True)
class SizeResult:
    """One bucket, from `low` to `high` of the image's area: mean AP and recall of the boxes in it."""

    name: str
    low: float
    high: float
    mean_ap: float
    ground_truth: float
    recall: float


def by_size(data: EvaluationData, matches: Matches, entries: Entries, columns: Integers) -> list[SizeResult]:
    """Measure the classes in these columns by size of the box; a false positive has its own size."""
    truth_area, area = _areas(data.truth_box), _areas(data.box)
    credited = entries.credit > 0
    size = area[entries.prediction].copy()
    size[credited] = truth_area[matches.truth[entries.prediction[credited]]]
    results = []
    for name, (low, high) in BUCKETS.items():
        inside = (size >= low) & (size < high)
        truth_inside = (truth_area[entries.truth] >= low) & (truth_area[entries.truth] < high)
        ranking = Ranking(entries.only(inside, truth_inside), len(data.mids))
        found = np.bincount(ranking.label, ranking.credit, ranking.classes)[columns].sum()
        truth = float(ranking.truth_counts[columns].sum())
        mean_ap = float(mean_of_known(ranking.average_precisions()[columns]))
        results.append(SizeResult(name, low, high, mean_ap, truth, float(found / truth) if truth else float("nan")))
    return results


def _areas(boxes: Doubles) -> Doubles:
    """Areas float64 `[N]` of boxes `[N, 4]`, inside the image."""
    inside = boxes.clip(0, 1)
    return np.asarray((inside[:, 2] - inside[:, 0]) * (inside[:, 3] - inside[:, 1]))
