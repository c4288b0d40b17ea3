"""Average precision from matches: all points, as Pascal VOC since 2010 and Open Images have it (SEMANTICS §10.4)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from boxable.arrays import Doubles, Integers, Ints, Mask
from boxable.metrics.matching import EvaluationData, Matches, Outcome
from boxable.metrics.overlap import distinct
from boxable.settings import available_cores

# Entries that one task sorts, about.
_SORTED = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Scored entries and ground truth behind precision and recall, in any order.

    An entry `[E]` is a false positive (`credit` 0), a true positive (1), or a group-of box that was found: its weight
    counts in the recall and nothing against the precision. A ground-truth box `[T]` counts `truth_value`.
    `label` and `image` are int32 indices; `prediction` and `truth` intp are rows of the data.
    """

    prediction: Integers
    label: Ints
    image: Ints
    score: Doubles
    credit: Doubles
    truth: Integers
    truth_label: Ints
    truth_image: Ints
    truth_value: Doubles

    def only(self, entries: Mask, truth: Mask) -> "Entries":
        """Select entries and ground truth by masks `[E]` and `[T]`."""
        return Entries(
            self.prediction[entries], self.label[entries], self.image[entries], self.score[entries],
            self.credit[entries], self.truth[truth], self.truth_label[truth], self.truth_image[truth],
            self.truth_value[truth],
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Precision and recall of one class down to each of its scores, float64 `[N]`, scores falling."""

    score: Doubles
    precision: Doubles
    recall: Doubles


def entries_of(data: EvaluationData, matches: Matches, group_of_weight: float | None) -> Entries:
    """Make ranked entries of the matches; a group-of box has the best score of the detections in it."""
    weight = group_of_weight or 0.0
    single = np.flatnonzero((matches.outcome == Outcome.FALSE_POSITIVE) | (matches.outcome == Outcome.TRUE_POSITIVE))
    groups = np.flatnonzero(matches.group_of & (matches.matched_detection >= 0) & (weight > 0))
    rows = np.concatenate([single, matches.matched_detection[groups]])
    true = (matches.outcome[single] == Outcome.TRUE_POSITIVE).astype(np.float64)
    counted = np.flatnonzero(~matches.ignored)
    return Entries(
        prediction=rows,
        label=data.label[rows],
        image=data.image[rows],
        score=data.score[rows],
        credit=np.concatenate([true, np.full(len(groups), weight)]),
        truth=counted,
        truth_label=data.truth_label[counted],
        truth_image=data.truth_image[counted],
        truth_value=np.where(matches.group_of[counted], weight, 1.0),
    )


class Ranking:
    """Entries by class and falling score, and the APs that they give.

    Entries with the same score are one point of the curve: that is the lowest of the results that the
    original's open order can give, and no order of rows changes it.
    """

    def __init__(self, entries: Entries, classes: int) -> None:
        self.classes = classes
        order = _by_class_and_score(entries.label, entries.score, classes)
        self._order = order
        self.label = entries.label[order]
        self.score, self.credit = entries.score[order], entries.credit[order]
        self.entries = entries
        self._false = (self.credit == 0).astype(np.float64)
        self._finds, self._truths = _by_value(self.credit), _by_value(entries.truth_value)
        self.starts = _starts(self.label, classes)
        # Only where something was found does the recall grow, so only there precision is needed.
        self._steps = np.flatnonzero(self.credit)
        self._step_starts = np.searchsorted(self._steps, self.starts)
        self._step_counts = np.diff(self._step_starts)
        self._step_ends = self._tie_ends[self._steps] + 1

    @cached_property
    def image(self) -> Ints:
        """Images of the entries int32 `[E]`; only resampling needs them."""
        return self.entries.image[self._order]

    @cached_property
    def _tie_ends(self) -> Integers:
        """For each entry the last one of its class with the same score."""
        last = (np.diff(self.label, append=-1) != 0) | (np.diff(self.score, append=np.nan) != 0)
        ends = np.flatnonzero(last)
        return np.repeat(ends, np.diff(ends, prepend=-1))

    @cached_property
    def truth_counts(self) -> Doubles:
        """Ground truth of each class float64 `[C]`, group-of boxes by their weight."""
        return self._count_truth(None)

    @cached_property
    def truth_images(self) -> Integers:
        """In how many images each class has ground truth that counts: intp `[C]`."""
        some = self.entries.truth_value > 0
        pairs = self.entries.truth_image[some].astype(np.int64) * self.classes + self.entries.truth_label[some]
        return np.bincount(distinct(pairs) % self.classes, minlength=self.classes)

    def average_precisions(self, image_weights: Doubles | None = None) -> Doubles:
        """Compute the AP of each class float64 `[C]`; NaN where a class has no ground truth.

        `image_weights` float64 `[images]`: how often each image is there (a bootstrap resample).
        """
        truth = self.truth_counts if image_weights is None else self._count_truth(image_weights)
        weights = None if image_weights is None else image_weights[self.image]
        true = np.sum([value * self._at_steps(finds, weights) for value, finds in self._finds], axis=0)
        false = self._at_steps(self._false, weights)
        # 0 / 0 only where no image of the resample has the entry: it then adds nothing.
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.nan_to_num(true / (true + false))
            recall = np.nan_to_num(true / np.repeat(truth, self._step_counts))
        having = np.flatnonzero(self._step_counts)
        begins = self._step_starts[having]
        before = np.concatenate([[0.0], recall[:-1]])[: len(recall)]
        before[begins] = 0
        sums = np.zeros(self.classes)
        if len(begins):
            sums[having] = np.add.reduceat((recall - before) * self._highest_from_here(precision), begins)
        return np.where(truth > 0, sums, np.nan)

    def curve(self, label: int) -> Curve:
        """Compute the precision-recall curve of a class, a point per score. Recall is NaN without ground truth."""
        part = slice(self.starts[label], self.starts[label + 1])
        last = np.unique(self._tie_ends[part]) - part.start
        true, false = np.cumsum(self.credit[part])[last], np.cumsum(self._false[part])[last]
        truth = self.truth_counts[label] or np.nan
        return Curve(self.score[part][last], true / (true + false), true / truth)

    def _count_truth(self, image_weights: Doubles | None) -> Doubles:
        def counted(boxes: Doubles) -> Doubles:
            amounts = boxes if image_weights is None else boxes * image_weights[self.entries.truth_image]
            return np.asarray(np.bincount(self.entries.truth_label, amounts, self.classes), np.float64)

        return np.asarray(np.sum([value * counted(boxes) for value, boxes in self._truths], axis=0), np.float64)

    def _at_steps(self, amounts: Doubles, weights: Doubles | None) -> Doubles:
        """Sum the values of the class down to each step, equal scores together."""
        running = np.concatenate([[0.0], np.cumsum(amounts if weights is None else amounts * weights)])
        before = np.repeat(running[self.starts[:-1]], self._step_counts)
        return np.asarray(running[self._step_ends] - before)

    def _highest_from_here(self, precision: Doubles) -> Doubles:
        """Compute the precision envelope: the highest precision of the class at this or a greater recall."""
        envelope = precision.copy()
        for start, end in zip(self._step_starts[:-1], self._step_starts[1:], strict=True):
            if end - start > 1:
                part = envelope[start:end][::-1]
                np.maximum.accumulate(part, out=part)
        return envelope


def _by_value(values: Doubles) -> list[tuple[float, Doubles]]:
    """Split values into 1 and the group-of weight, if any, each with its indicator float64 `[N]` (0 or 1).

    They are counted apart, so that no rounding adds up, and the recall reaches 1 and no more.
    """
    weight = values[(values > 0) & (values < 1)][:1].tolist()
    return [(value, (values == value).astype(np.float64)) for value in (1.0, *weight)]


def _by_class_and_score(label: Ints, score: Doubles, classes: int) -> Integers:
    """Sort by class and falling score; classes are sorted apart, in threads."""
    order = np.argsort(label.astype(np.int16 if classes < 1 << 15 else np.int32), kind="stable")  # int16 sorts faster
    starts = _starts(label, classes)

    def sort(first: int, last: int) -> None:
        for start, end in pairwise(starts[first : last + 1].tolist()):
            part = order[start:end]
            order[start:end] = part[np.argsort(-score[part])]

    edges = [0, *np.unique(np.searchsorted(starts, np.arange(_SORTED, len(label), _SORTED))).tolist(), classes]
    with ThreadPoolExecutor(available_cores(), thread_name_prefix="boxable-ranking") as pool:
        list(pool.map(sort, edges[:-1], edges[1:]))
    return order


def _starts(label: Ints, classes: int) -> Integers:
    """Where each class begins among labels in order, and where the last one ends: intp `[C + 1]`."""
    return np.concatenate([[0], np.cumsum(np.bincount(label, minlength=classes))])
