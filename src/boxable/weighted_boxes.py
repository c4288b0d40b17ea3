"""Weighted boxes fusion (Solovyev, Wang, Gabruseva 2021, arXiv:1910.13302), of all images and classes at once.

Boxes of a group, an image and a class, are processed in order of descending score. A box joins the cluster whose
weighted box it overlaps most, if the IoU is above the threshold, or begins a new one. The weighted box of a cluster is
the mean of its boxes, weighted by their scores. This is sequential within a group, but groups are independent: the
boxes of one rank in all groups are placed together.
"""

from dataclasses import dataclass

import numpy as np

from boxable.arrays import Doubles, Integers


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """Fused boxes by group, the best first: `group` intp `[M]`, `box` float64 `[M, 4]`, `score` float64 `[M]`."""

    group: Integers
    box: Doubles
    score: Doubles


def fuse_boxes(
    group: Integers, box: Doubles, score: Doubles, *, models: int, total_weight: float, iou_threshold: float
) -> Fused:
    """Fuse boxes `[N, 4]` (min, min, max, max), ordered corners and positive area, with scores `[N]`, in groups `[N]`.

    Scores are multiplied by the weights of their models already; `total_weight` is the sum of the weights of all
    `models`. The score of a fused box is mean(scores) * min(boxes, models) / total_weight, so that what few
    models find scores less.
    """
    order = np.lexsort((-score, group))
    group, box, score = group[order], box[order], score[order]
    first = np.flatnonzero(np.diff(group, prepend=group[:1] - 1))
    sizes = np.diff(first, append=len(group))
    clusters = _Clusters(len(group))
    found = np.zeros(len(first), np.intp)  # clusters of each group so far; they begin where its boxes do
    for rank in range(sizes.max(initial=0)):
        active = np.flatnonzero(sizes > rank)
        rows = first[active] + rank
        joined = clusters.match(box[rows], first[active], found[active], iou_threshold)
        is_new = joined < 0
        joined[is_new] = (first[active] + found[active])[is_new]
        found[active] += is_new
        clusters.add(joined, box[rows], score[rows])
    return clusters.fuse(group, first, found, models, total_weight)


class _Clusters:
    """Clusters at places of arrays `[N]`, of which those of a group are consecutive."""

    def __init__(self, places: int) -> None:
        self._sums, self._box = np.zeros((places, 4)), np.zeros((places, 4))
        self._scores, self._counts = np.zeros(places), np.zeros(places, np.intp)

    def match(self, box: Doubles, first: Integers, counts: Integers, threshold: float) -> Integers:
        """Find for each box the nearest of `counts` clusters from `first` on: intp `[B]`, -1 if none is near enough."""
        best = np.full(len(box), -1, np.intp)
        some = np.flatnonzero(counts)
        if not len(some):
            return best
        counts, first = counts[some], first[some]
        starts = np.cumsum(counts) - counts
        places = np.arange(counts.sum()) + np.repeat(first - starts, counts)
        overlaps = _iou(self._box[places], np.repeat(box[some], counts, axis=0))
        highest = np.maximum.reduceat(overlaps, starts)
        is_highest = np.flatnonzero(overlaps == np.repeat(highest, counts))
        owner = np.searchsorted(starts, is_highest, side="right") - 1
        nearest = is_highest[np.searchsorted(owner, np.arange(len(some)))]
        best[some] = np.where(highest > threshold, places[nearest], -1)
        return best

    def add(self, places: Integers, box: Doubles, score: Doubles) -> None:
        """Add a box to each of some clusters, all different."""
        self._sums[places] += box * score[:, None]
        self._scores[places] += score
        self._counts[places] += 1
        self._box[places] = self._sums[places] / self._scores[places, None]

    def fuse(self, group: Integers, first: Integers, found: Integers, models: int, total_weight: float) -> Fused:
        """Compute the weighted boxes and scores of all clusters."""
        places = np.arange(found.sum()) + np.repeat(first - (np.cumsum(found) - found), found)
        counts = self._counts[places]
        score = self._scores[places] / counts * np.minimum(counts, models) / total_weight
        order = np.lexsort((-score, group[places]))
        return Fused(group[places][order], self._box[places][order], score[order])


def _iou(first: Doubles, second: Doubles) -> Doubles:
    """Compute the IoU of pairs of boxes `[P, 4]` with ordered corners: float64 `[P]`."""
    low, high = np.maximum(first[:, :2], second[:, :2]), np.minimum(first[:, 2:], second[:, 2:])
    inter = np.maximum(high - low, 0).prod(axis=1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (first, second)]
    return np.asarray(inter / (areas[0] + areas[1] - inter))
