"""Post-processing of one image: exactly TF's rules (SEMANTICS §6), not its cost.

The original runs one NMS for each of 601 classes over 1917 boxes, then sorts 60,100 rows. Here candidates are
taken from the top of the score list, a few hundred at a time, and only until the asked number is kept: greedy NMS
never lets a lower score act on a higher one, so the rest cannot matter.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from boxable.arrays import Floats, Integers
from boxable.boxes import area, clip, decode, iou
from boxable.networks.heads.rules import NmsResult, PostprocessRules

# The first step takes the values that reach the best of the 128th best anchor; each later step four times as many.
FIRST_ROWS, GROWTH = 128, 4
# Candidates that NMS compares with each other at once: bounds the pairs.
BLOCK = 256
# Two values this near, relative to each other, may change places in a float32 sigmoid.
SIGMOID_ROUNDING = 1e-6


def postprocess(codes: Floats, logits: Floats, anchors: Floats, rules: PostprocessRules) -> NmsResult:
    """Decode and suppress the predictions of one image.

    Box codes `[A, 4]`, class logits `[A, C + 1]` (column 0 is the background), anchors `[A, 4]`. The columns of the
    result are those of the whole network, whatever `rules.columns` selects.
    """
    values = logits[:, 1:] if rules.columns is None else logits[:, rules.columns + 1]
    kept = multiclass_nms(lambda rows: decode(codes[rows], anchors[rows]), values, rules)
    if rules.columns is None:
        return kept
    return NmsResult(kept.boxes, kept.scores, rules.columns[kept.columns], kept.anchors)


def sigmoid(logits: Floats) -> Floats:
    """Turn float32 logits into float32 scores, element by element."""
    with np.errstate(over="ignore"):
        return np.float32(1) / (np.float32(1) + np.exp(-logits))


def logit(score: float) -> float:
    """Return the logit that has this score; infinite at 0 and 1."""
    with np.errstate(divide="ignore"):
        return float(np.log(np.float64(score)) - np.log1p(-np.float64(score)))


def multiclass_nms(
    boxes_of: Callable[[Integers], Floats],
    values: Floats,
    rules: PostprocessRules,
    *,
    to_scores: Callable[[Floats], Floats] = sigmoid,
    to_value: Callable[[float], float] = logit,
) -> NmsResult:
    """Suppress overlapping boxes per class (greedy NMS), then keep the best of all classes (SEMANTICS §6.1 to §6.4).

    `values` `[A, C]` rise with the score: `to_scores` turns them into scores, `to_value` a score into the value that
    has it. `boxes_of` gives the unclipped boxes of some rows. The limit per class is applied before boxes without area
    in the window are dropped, the total limit after it. Equal scores: the lower class first, then the lower row.
    """
    threshold = np.float32(rules.score_threshold)
    kept = _GreedyNms(rules)
    floor = max(rules.min_score, rules.score_threshold)
    for rows, columns, scores in _candidates(values, floor, to_scores, to_value):
        wanted = (scores > threshold) & (scores >= np.float32(rules.min_score))
        rows, columns, scores = rows[wanted], columns[wanted], scores[wanted]
        groups = np.zeros_like(columns) if rules.nms == "class-agnostic" else columns
        for start in range(0, len(rows), BLOCK):
            part = slice(start, start + BLOCK)
            kept.add(boxes_of(rows[part]), scores[part], columns[part], rows[part], groups[part])
            if kept.visible >= rules.max_total:
                return kept.best(rules.max_total)
    return kept.best(rules.max_total)


def _candidates(
    values: Floats, min_score: float, to_scores: Callable[[Floats], Floats], to_value: Callable[[float], float]
) -> Iterator[tuple[Integers, Integers, Floats]]:
    """Yield rows, columns and scores of `values`, sorted as in SEMANTICS §6.3, in parts; ends near `min_score`."""
    # A little below the value of the least score: the exact comparison is made on scores.
    floor = np.nextafter(np.float32(to_value(min_score * (1 - SIGMOID_ROUNDING))), np.float32(-np.inf))
    row_best = np.fmax.reduce(values, axis=1)
    upper, wanted = np.float32(np.inf), FIRST_ROWS
    while True:
        cut = floor
        if wanted < len(row_best):
            cut = max(np.partition(row_best, -wanted)[-wanted], floor)
        last = not cut > floor  # also where the cut is NaN
        cut = floor if last else cut
        near = np.flatnonzero(row_best >= cut)
        found, columns = np.nonzero(values[near] >= cut)
        rows = near[found]
        scores = to_scores(values[rows, columns])
        # Only scores clearly above the cut's are complete: others may have equals just below the cut.
        lower = np.float32(-np.inf) if last else to_scores(cut.reshape(1))[0] * np.float32(1 + SIGMOID_ROUNDING)
        ready = np.flatnonzero((scores > lower) & (scores <= upper))
        order = ready[np.lexsort((rows[ready], columns[ready], -scores[ready]))]
        yield rows[order], columns[order], scores[order]
        if last:
            return
        upper, wanted = lower, wanted * GROWTH


class _GreedyNms:
    """Greedy NMS over candidates that are added best first."""

    def __init__(self, rules: PostprocessRules) -> None:
        self._limit = np.float32(rules.iou_threshold)
        self._max_per_class, self._window = rules.max_per_class, rules.clip_window
        self._parts: list[tuple[Floats, Floats, Integers, Integers, Integers]] = []
        self._of_group: dict[int, int] = {}
        self.visible = 0

    def add(self, boxes: Floats, scores: Floats, columns: Integers, rows: Integers, groups: Integers) -> None:
        """Add the next best candidates, sorted; one that overlaps a better one of its group is suppressed."""
        alive = np.ones(len(boxes), bool)
        for old_boxes, *_, old_groups in self._parts:
            new, old = np.nonzero(groups[:, None] == old_groups)
            alive[new[iou(boxes[new], old_boxes[old]) > self._limit]] = False
        better, worse = np.nonzero(np.triu(groups[:, None] == groups, 1))
        overlapping = iou(boxes[better], boxes[worse]) > self._limit
        states = alive.tolist()
        for index, other in zip(better[overlapping].tolist(), worse[overlapping].tolist(), strict=True):
            if states[index]:
                states[other] = False
        kept = np.array(
            [index for index, group in enumerate(groups.tolist()) if states[index] and self._admit(group)], np.intp
        )
        self._parts.append((boxes[kept], scores[kept], columns[kept], rows[kept], groups[kept]))
        self.visible += int(np.count_nonzero(self._has_area(boxes[kept])))

    def _admit(self, group: int) -> bool:
        count = self._of_group.get(group, 0) + 1
        self._of_group[group] = count
        return count <= self._max_per_class

    def _has_area(self, boxes: Floats) -> NDArray[np.bool_]:
        if self._window is None:
            return np.ones(len(boxes), bool)
        return area(clip(boxes, self._window)) > 0

    def best(self, count: int) -> NmsResult:
        """Return the first `count` boxes that have area in the window, clipped to it."""
        if not self._parts:
            empty = np.zeros(0, np.intp)
            return NmsResult(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), empty, empty)
        boxes, scores, columns, rows, _ = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        first = np.flatnonzero(self._has_area(boxes))[:count]
        boxes = boxes[first] if self._window is None else clip(boxes[first], self._window)
        return NmsResult(boxes, scores[first], columns[first], rows[first])
