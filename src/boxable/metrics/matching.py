"""Matching of detections to ground truth as in the Object Detection API, vectorized over all images.

SEMANTICS §10.2 and §10.3. Within an image and class, detections are taken by falling score. Each is a candidate only
for the ordinary box with the highest IoU. It is a true positive if that IoU reaches the threshold and the box is still
unmatched. So a box is matched by the first detection that has it as best box, and no loop is needed. An unmatched
detection inside a group-of box (intersection over the detection's own area) is neither true nor false: the box counts
once, with the best score.

The original leaves the order of equal scores open. Here the lower ymin, xmin, ymax, xmax comes first, so that the order
of rows does not matter. Among boxes of equal IoU the first row is the best, as in the original.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from boxable.metrics.metric_input import MetricInput
from boxable.metrics.overlap import KeyedBoxes, KeyPlaces, distinct, ioa, iou
from boxable.metrics.protocols import Protocol

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]

# PerImageEvaluation hands every image and class to an NMS that keeps at most so many, above that score.
_MOST_OF_A_CLASS = 10_000
_LOWEST_SCORE = -10.0


class Outcome(IntEnum):
    """Result of matching a prediction."""

    IGNORED = 0  # invalid box, unverified class, or matched to a difficult box
    FALSE_POSITIVE = 1
    TRUE_POSITIVE = 2
    IN_GROUP = 3  # inside a group-of box


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Matches of predictions `[P]` and ground-truth boxes `[T]`.

    `outcome` int8 `[P]` (Outcome). `truth` intp `[P]`: the matched or enclosing group-of box, else -1.
    `matched_detection` intp `[T]`: the prediction matched to the box (the best one in a group-of box), else -1.
    `group_of` bool `[T]`: boxes treated as group-of. `ignored` bool `[T]`: boxes that are no ground truth to count.
    """

    outcome: NDArray[np.int8]
    truth: Index
    matched_detection: Index
    group_of: Mask
    ignored: Mask


def match(inputs: MetricInput, protocol: Protocol) -> Matches:
    """Match predictions to ground truth by the rules of the protocol."""
    everything = len(inputs.score)
    outcome = np.zeros(everything, np.int8)
    truth = np.full(everything, -1, np.intp)
    matched_detection = np.full(len(inputs.truth_box), -1, np.intp)
    group_of = inputs.truth_group_of & (protocol.group_of_weight is not None)
    difficult = inputs.truth_difficult & protocol.difficult

    truth_keys = inputs.keys(inputs.truth_image, inputs.truth_label)
    keys = inputs.keys(inputs.image, inputs.label)
    rows = _valid_rows(inputs, protocol, keys, truth_keys)
    outcome[rows] = Outcome.FALSE_POSITIVE

    ordinary = KeyedBoxes(truth_keys, inputs.truth_box, np.flatnonzero(~group_of), inputs.key_limit)
    candidates, best, overlap = ordinary.best(rows, keys, inputs.box, iou)
    hit = overlap >= protocol.iou
    candidates, best = candidates[hit], best[hit]
    on_difficult = difficult[best]
    outcome[candidates[on_difficult]] = Outcome.IGNORED
    candidates, best = candidates[~on_difficult], best[~on_difficult]
    first = _first_of_each(inputs, candidates, best)
    outcome[candidates[first]] = Outcome.TRUE_POSITIVE
    truth[candidates[first]] = best[first]
    matched_detection[best[first]] = candidates[first]

    if group_of.any():
        rest = rows[outcome[rows] == Outcome.FALSE_POSITIVE]
        groups = KeyedBoxes(truth_keys, inputs.truth_box, np.flatnonzero(group_of), inputs.key_limit)
        rest, best, inside = groups.best(rest, keys, inputs.box, ioa)
        in_group = inside >= protocol.iou
        rest, best = rest[in_group], best[in_group]
        outcome[rest] = Outcome.IN_GROUP
        truth[rest] = best
        # A score of 0 or less matches no group: the original keeps a maximum that starts at 0.
        positive = inputs.score[rest] > 0
        rest, best = rest[positive], best[positive]
        first = _first_of_each(inputs, rest, best)
        matched_detection[best[first]] = rest[first]
    ignored = difficult | (group_of & (protocol.group_of_weight == 0))
    return Matches(outcome, truth, matched_detection, group_of, ignored)


def _valid_rows(
    inputs: MetricInput, protocol: Protocol, keys: NDArray[np.int64], truth_keys: NDArray[np.int64]
) -> Index:
    """Select predictions with a valid box and score, of an evaluable class, at most 10,000 per image and class."""
    ymin, xmin, ymax, xmax = inputs.box.T
    valid = (ymin < ymax) & (xmin < xmax) & (inputs.score > _LOWEST_SCORE)
    if protocol.verified_only:
        evaluable = distinct(np.concatenate([inputs.verified, truth_keys]))
        valid &= KeyPlaces(evaluable, inputs.key_limit).of(keys) >= 0
    rows = np.flatnonzero(valid)
    counts = np.bincount(inputs.image[rows], minlength=1)
    if counts.max() <= _MOST_OF_A_CLASS:
        return rows
    rows = rows[_ranked(inputs, rows, keys[rows])]
    return np.sort(rows[_place_in_run(keys[rows]) < _MOST_OF_A_CLASS])


def _first_of_each(inputs: MetricInput, rows: Index, best: Index) -> Index:
    """Select the highest-ranked prediction of each best box: positions in `rows`."""
    score = inputs.score[rows]
    highest = np.full(len(inputs.truth_box), -np.inf)
    np.maximum.at(highest, best, score)
    leading = np.flatnonzero(score == highest[best])
    order = leading[_ranked(inputs, rows[leading], best[leading])]  # equal scores may lead together
    return np.asarray(order[np.diff(best[order], prepend=-1) != 0])


def _ranked(inputs: MetricInput, rows: Index, groups: Index | NDArray[np.int64]) -> Index:
    """Order rows by group, then by falling score."""
    score = inputs.score[rows]
    order = np.lexsort((-score, groups))
    tied = (np.diff(score[order]) == 0) & (np.diff(groups[order]) == 0)
    if not tied.any():
        return order
    ymin, xmin, ymax, xmax = inputs.box[rows].T
    return np.lexsort((xmax, ymax, xmin, ymin, -score, groups))


def _place_in_run(values: NDArray[np.int64]) -> Index:
    """Number the values 0, 1, 2 … within each run of equal values."""
    starts = np.flatnonzero(np.diff(values, prepend=values[:1] - 1))
    counts = np.diff(starts, append=len(values))
    return np.arange(len(values)) - np.repeat(starts, counts)
