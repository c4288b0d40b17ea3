"""Why detections are wrong, in the kinds of TIDE (Bolya et al., 2020, "A General Toolbox for Identifying Object
Detection Errors"), and what each kind costs.

A false detection is, the first that fits: *localisation*, where it overlaps a box of its class by 0.1 to 0.5; *class*,
where it fits an object of another class; *duplicate*, where it fits a box of its class that another has found;
*background*, where it overlaps nothing by more than 0.1; else *both* (place and class). A box is *missed* if
nothing found it and no localisation or class error is about it. On ground truth that is expanded along the
hierarchy, an object has its own class and all ancestors of it, so a Dog that was called Animal is no class error.
"""

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from boxable.metrics.average_precision import Entries, Ranking, entries_of
from boxable.metrics.bootstrap import mean_of_known
from boxable.metrics.matching import EvaluationData, Matches, Outcome
from boxable.metrics.overlap import KeyedBoxes, iou

Floats = NDArray[np.float64]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]

# TIDE's foreground and background IoU thresholds.
_FOREGROUND, _BACKGROUND = 0.5, 0.1


class ErrorKind(IntEnum):
    """Kinds of error; the last is a box, the others are detections."""

    LOCALISATION = 1
    CLASS = 2
    BOTH = 3
    DUPLICATE = 4
    BACKGROUND = 5
    MISSED = 6


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """`kind` int8 `[P]`: ErrorKind of each false prediction, 0 of the others. `about` intp `[P]`: the ground-truth
    row that a localisation or class error is about, else -1. `missed` bool `[T]`: boxes that were missed.
    """

    kind: NDArray[np.int8]
    about: Index
    missed: Mask

    def counts(self, rows: Mask | None = None) -> dict[ErrorKind, int]:
        """How many of each kind but MISSED, among these predictions."""
        numbers = np.bincount(self.kind if rows is None else self.kind[rows], minlength=7)
        return {kind: int(numbers[kind]) for kind in ErrorKind if kind is not ErrorKind.MISSED}


def error_kinds(problem: EvaluationData, matches: Matches) -> Errors:
    """Classify every false positive and every missed box into a TIDE error kind."""
    false = np.flatnonzero(matches.outcome == Outcome.FALSE)
    # A group-of box that counts is something to be wrong about too; one of weight 0 is not.
    single = np.flatnonzero(matches.counted)
    keys = problem.keys(problem.truth_image, problem.truth_label)
    own_keys = problem.keys(problem.image, problem.label)
    own_boxes = KeyedBoxes(keys, problem.truth_box, single, problem.key_limit)
    own, own_overlap = _spread(false, *own_boxes.best(false, own_keys, problem.box, iou))

    objects = single[problem.truth_object[single] == single]
    is_also = _is_also(problem)

    def of_another_class(detections: Index, boxes: Index) -> Mask:
        return np.asarray(~is_also[problem.truth_label[boxes], problem.label[detections]])

    in_image = KeyedBoxes(problem.truth_image.astype(np.int64), problem.truth_box, objects, len(problem.images))
    images = problem.image.astype(np.int64)
    other, other_overlap = _spread(false, *in_image.best(false, images, problem.box, iou, of_another_class))

    localisation = (own_overlap >= _BACKGROUND) & (own_overlap < _FOREGROUND)
    another = ~localisation & (other_overlap >= _FOREGROUND)
    duplicate = ~localisation & ~another & (own_overlap >= _FOREGROUND)
    background = ~localisation & ~another & ~duplicate & (np.maximum(own_overlap, other_overlap) <= _BACKGROUND)
    kinds = [ErrorKind.LOCALISATION, ErrorKind.CLASS, ErrorKind.DUPLICATE, ErrorKind.BACKGROUND]
    kind = np.zeros(len(matches.outcome), np.int8)
    kind[false] = np.select([localisation, another, duplicate, background], kinds, ErrorKind.BOTH)
    about = np.full(len(matches.outcome), -1, np.intp)
    about[false[localisation]] = own[localisation]
    about[false[another]] = other[another]

    missed = matches.counted & (matches.matched_detection < 0)
    missed[about[about >= 0]] = False
    return Errors(kind, about, missed)


def delta_average_precisions(
    problem: EvaluationData, matches: Matches, errors: Errors, weight: float | None, counted: Index
) -> dict[ErrorKind, float]:
    """Compute delta AP (TIDE): the rise of mean AP over the `counted` columns if all errors of one kind were fixed.

    As in TIDE: of the localisation and class errors about a box that nothing found, the best becomes a find, if it is
    of that kind; the others, and errors of other kinds, are taken away; a missed box is taken out of the ground truth;
    no kind costs less than 0. Unlike there a class all of whose boxes were missed leaves the mean when that is mended.
    """
    entries = entries_of(problem, matches, weight)
    before = _mean(entries, len(problem.mids), counted)
    kind = errors.kind[entries.prediction]
    everything, all_truth = np.ones(len(kind), bool), np.ones(len(entries.truth), bool)
    leading = _best_about_unfound(problem, matches, errors, entries.prediction)
    risen = {}
    for wrong in ErrorKind:
        if wrong is ErrorKind.MISSED:
            mended = entries.only(everything, ~errors.missed[entries.truth])
        elif wrong in (ErrorKind.LOCALISATION, ErrorKind.CLASS):
            mends = leading[kind[leading] == wrong]
            about = errors.about[entries.prediction[mends]]
            label, credit = entries.label.copy(), entries.credit.copy()
            label[mends] = problem.truth_label[about]
            credit[mends] = np.where(matches.group_of[about], weight or 0.0, 1.0)
            keep = (kind != wrong) | np.isin(np.arange(len(kind)), mends)
            mended = replace(entries, label=label, credit=credit).only(keep, all_truth)
        else:
            mended = entries.only(kind != wrong, all_truth)
        # NaN, where no ground truth is left, stays NaN.
        risen[wrong] = float(np.maximum(_mean(mended, len(problem.mids), counted) - before, 0.0))
    return risen


def _best_about_unfound(problem: EvaluationData, matches: Matches, errors: Errors, prediction: Index) -> Index:
    """Places of the entries that are the best localisation or class error about a box that nothing found."""
    places = np.flatnonzero(errors.about[prediction] >= 0)
    places = places[matches.matched_detection[errors.about[prediction[places]]] < 0]
    places = places[np.argsort(-problem.score[prediction[places]], kind="stable")]
    _, first = np.unique(errors.about[prediction[places]], return_index=True)
    return places[first]


def _spread(rows: Index, having: Index, best: Index, overlap: Floats) -> tuple[Index, Floats]:
    """Spread values of some of these ascending rows over all of them: -1 for the others."""
    places = np.searchsorted(rows, having)
    all_best, all_overlap = np.full(len(rows), -1, np.intp), np.full(len(rows), -1.0)
    all_best[places], all_overlap[places] = best, overlap
    return all_best, all_overlap


def _is_also(problem: EvaluationData) -> Mask:
    """Whether an object annotated as one class has boxes of another in this ground truth: bool `[C, C]`."""
    is_also = np.eye(len(problem.mids), dtype=bool)
    is_also[problem.truth_label[problem.truth_object], problem.truth_label] = True
    return is_also


def _mean(entries: Entries, classes: int, counted: Index) -> float:
    return float(mean_of_known(Ranking(entries, classes).average_precisions()[counted]))
