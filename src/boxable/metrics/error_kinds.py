"""Kinds of error of TIDE and their delta AP (Bolya et al., 2020, "TIDE: A General Toolbox for Identifying Object
Detection Errors").

A false positive has the first kind that fits: *localization*: IoU 0.1 to 0.5 with a box of its class;
*classification*: IoU of 0.5 or more with an object of another class; *duplicate*: IoU of 0.5 or more with a box of its
class that is already matched; *background*: IoU of at most 0.1 with every box; else *both*. A box is *missed* if no
detection matched it and no localization or classification error is about it. On ground truth expanded along the
hierarchy, an object has its own class and all ancestors of it, so a Dog that was called Animal is no classification
error.
"""

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from boxable.arrays import Doubles, Integers, Mask
from boxable.metrics.average_precision import Entries, Ranking, entries_of
from boxable.metrics.bootstrap import mean_of_known
from boxable.metrics.matching import EvaluationData, Matches, Outcome
from boxable.metrics.overlap import KeyedBoxes, iou, pixel_iou

# TIDE's foreground and background IoU thresholds.
_FOREGROUND, _BACKGROUND = 0.5, 0.1


class ErrorKind(IntEnum):
    """Kinds of error; the last is a box, the others are detections."""

    LOCALIZATION = 1
    CLASSIFICATION = 2
    BOTH = 3
    DUPLICATE = 4
    BACKGROUND = 5
    MISSED = 6


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """`kind` int8 `[P]`: ErrorKind of each false prediction, 0 of the others. `about` intp `[P]`: the ground-truth
    row that a localization or classification error is about, else -1. `missed` bool `[T]`: boxes that were missed.
    """

    kind: NDArray[np.int8]
    about: Integers
    missed: Mask

    def counts(self, rows: Mask | None = None) -> dict[ErrorKind, int]:
        """Count errors of each kind but MISSED, among these predictions."""
        numbers = np.bincount(self.kind if rows is None else self.kind[rows], minlength=7)
        return {kind: int(numbers[kind]) for kind in ErrorKind if kind is not ErrorKind.MISSED}


def error_kinds(data: EvaluationData, matches: Matches) -> Errors:
    """Classify every false positive and every missed box into a TIDE error kind."""
    false = np.flatnonzero(matches.outcome == Outcome.FALSE_POSITIVE)
    # A group-of box that counts is something to be wrong about too; one of weight 0 is not.
    single = np.flatnonzero(~matches.ignored)
    keys = data.keys(data.truth_image, data.truth_label)
    own_keys = data.keys(data.image, data.label)
    truth_box, box, overlap = data.truth_box, data.box, iou
    if data.pixels is not None:
        truth_box, box, overlap = data.pixels.truth, data.pixels.found, pixel_iou
    own_boxes = KeyedBoxes(keys, truth_box, single, data.key_limit)
    own, own_overlap = _spread(false, *own_boxes.best(false, own_keys, box, overlap))

    objects = single[data.truth_object[single] == single]
    is_also = _is_also(data)

    def of_another_class(detections: Integers, boxes: Integers) -> Mask:
        return np.asarray(~is_also[data.truth_label[boxes], data.label[detections]])

    in_image = KeyedBoxes(data.truth_image.astype(np.int64), truth_box, objects, len(data.images))
    images = data.image.astype(np.int64)
    other, other_overlap = _spread(false, *in_image.best(false, images, box, overlap, of_another_class))

    localization = (own_overlap >= _BACKGROUND) & (own_overlap < _FOREGROUND)
    another = ~localization & (other_overlap >= _FOREGROUND)
    duplicate = ~localization & ~another & (own_overlap >= _FOREGROUND)
    background = ~localization & ~another & ~duplicate & (np.maximum(own_overlap, other_overlap) <= _BACKGROUND)
    kinds = [ErrorKind.LOCALIZATION, ErrorKind.CLASSIFICATION, ErrorKind.DUPLICATE, ErrorKind.BACKGROUND]
    kind = np.zeros(len(matches.outcome), np.int8)
    kind[false] = np.select([localization, another, duplicate, background], kinds, ErrorKind.BOTH)
    about = np.full(len(matches.outcome), -1, np.intp)
    about[false[localization]] = own[localization]
    about[false[another]] = other[another]

    missed = ~matches.ignored & (matches.matched_detection < 0)
    missed[about[about >= 0]] = False
    return Errors(kind, about, missed)


def delta_average_precisions(
    data: EvaluationData, matches: Matches, errors: Errors, weight: float | None, counted: Integers
) -> dict[ErrorKind, float]:
    """Compute delta AP (TIDE): the rise of mean AP over the `counted` columns if all errors of one kind were fixed.

    As in TIDE: of the localization and classification errors about an unmatched box, the best becomes a true positive
    if it is of that kind; the others, and errors of other kinds, are removed; a missed box is removed from the ground
    truth; no delta is below 0. Unlike TIDE, a class whose boxes were all missed leaves the mean when that is fixed.
    """
    entries = entries_of(data, matches, weight)
    before = _mean(entries, len(data.mids), counted)
    kind = errors.kind[entries.prediction]
    everything, all_truth = np.ones(len(kind), bool), np.ones(len(entries.truth), bool)
    best = _best_about_unmatched(data, matches, errors, entries.prediction)
    deltas = {}
    for wrong in ErrorKind:
        if wrong is ErrorKind.MISSED:
            fixed = entries.only(everything, ~errors.missed[entries.truth])
        elif wrong in (ErrorKind.LOCALIZATION, ErrorKind.CLASSIFICATION):
            fixes = best[kind[best] == wrong]
            about = errors.about[entries.prediction[fixes]]
            label, credit = entries.label.copy(), entries.credit.copy()
            label[fixes] = data.truth_label[about]
            credit[fixes] = np.where(matches.group_of[about], weight or 0.0, 1.0)
            keep = (kind != wrong) | np.isin(np.arange(len(kind)), fixes)
            fixed = replace(entries, label=label, credit=credit).only(keep, all_truth)
        else:
            fixed = entries.only(kind != wrong, all_truth)
        # NaN, where no ground truth is left, stays NaN.
        deltas[wrong] = float(np.maximum(_mean(fixed, len(data.mids), counted) - before, 0.0))
    return deltas


def _best_about_unmatched(data: EvaluationData, matches: Matches, errors: Errors, prediction: Integers) -> Integers:
    """Select the best localization or classification error about each unmatched box: positions of entries."""
    places = np.flatnonzero(errors.about[prediction] >= 0)
    places = places[matches.matched_detection[errors.about[prediction[places]]] < 0]
    places = places[np.argsort(-data.score[prediction[places]], kind="stable")]
    _, first = np.unique(errors.about[prediction[places]], return_index=True)
    return places[first]


def _spread(rows: Integers, having: Integers, best: Integers, overlap: Doubles) -> tuple[Integers, Doubles]:
    """Spread values of some of these ascending rows over all of them: -1 for the others."""
    places = np.searchsorted(rows, having)
    all_best, all_overlap = np.full(len(rows), -1, np.intp), np.full(len(rows), -1.0)
    all_best[places], all_overlap[places] = best, overlap
    return all_best, all_overlap


def _is_also(data: EvaluationData) -> Mask:
    """Mark whether an object annotated as one class has boxes of another in this ground truth: bool `[C, C]`."""
    is_also = np.eye(len(data.mids), dtype=bool)
    is_also[data.truth_label[data.truth_object], data.truth_label] = True
    return is_also


def _mean(entries: Entries, classes: int, counted: Integers) -> float:
    return float(mean_of_known(Ranking(entries, classes).average_precisions()[counted]))
