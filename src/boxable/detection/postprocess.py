"""From raw heads to the final detections of one picture: exactly TF's rules (SEMANTICS §6), not its cost.

The original runs one NMS for each of 601 classes over 1917 boxes, then sorts 60,100 rows. Here candidates are
taken from the top of the score list, a few hundred at a time, and only until the asked number has survived:
greedy NMS never lets a lower score act on a higher one, so the rest cannot matter.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from boxable.boxes import area, clip, decode, iou
from boxable.weights.model import SCORE_THRESHOLD

Floats = NDArray[np.float32]
Integers = NDArray[np.intp]
Nms = Literal["per-class", "class-agnostic"]

IOU_THRESHOLD = 0.6
MAX_PER_CLASS = 100
MAX_TOTAL = 100
UNIT_WINDOW = (0.0, 0.0, 1.0, 1.0)

# The first look takes the values that reach the best of the 128th best anchor; each later look four times as far.
FIRST_ROWS, GROWTH = 128, 4
# Candidates per NMS step: bounds the pairs that are compared at once.
BLOCK = 256
# Two values this near, relative to each other, may change places in a float32 sigmoid.
SIGMOID_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Kept:
    """What survives, best first: boxes float32 `[N, 4]` clipped, scores float32 `[N]`, and where each came
    from: `columns` (classes without the background) and `anchors`, both integer `[N]`.
    """

    boxes: Floats
    scores: Floats
    columns: Integers
    anchors: Integers


def postprocess(
    codes: Floats,
    logits: Floats,
    anchors: Floats,
    *,
    columns: Integers | None = None,
    min_score: float = 0.0,
    score_threshold: float = SCORE_THRESHOLD,
    max_detections: int = MAX_TOTAL,
    nms: Nms = "per-class",
) -> Kept:
    """Detections of one picture from box codes `[A, 4]`, class logits `[A, C + 1]` and anchors `[A, 4]`.

    `columns` (0-based, background not counted) restricts the classes as if the network had no others; the
    numbers in the result stay those of the whole network. Scores below `min_score`, and at or below the network's own
    `score_threshold`, are left out.
    """
    values = logits[:, 1:] if columns is None else logits[:, columns + 1]
    kept = multiclass_nms(
        lambda rows: decode(codes[rows], anchors[rows]),
        values,
        to_scores=sigmoid,
        to_value=logit,
        min_score=min_score,
        score_threshold=score_threshold,
        max_total=max_detections,
        nms=nms,
    )
    return kept if columns is None else Kept(kept.boxes, kept.scores, columns[kept.columns], kept.anchors)


def multiclass_nms(
    boxes_of: Callable[[Integers], Floats],
    values: Floats,
    *,
    to_scores: Callable[[Floats], Floats],
    to_value: Callable[[float], float],
    min_score: float = 0.0,
    score_threshold: float = SCORE_THRESHOLD,
    iou_threshold: float = IOU_THRESHOLD,
    max_per_class: int = MAX_PER_CLASS,
    max_total: int = MAX_TOTAL,
    clip_window: tuple[float, float, float, float] | None = UNIT_WINDOW,
    nms: Nms = "per-class",
) -> Kept:
    """Greedy NMS in every class, then the best `max_total` of all classes (SEMANTICS §6.1 to §6.4).

    `values` `[A, C]` rise with the score: `to_scores` turns them into scores, `to_value` a score into the
    value that has it. `boxes_of` gives the unclipped boxes of some rows. Suppressed are boxes whose IoU with
    a kept one of their class is above the threshold; scores must be above theirs. The cap per class comes
    before boxes without area in the window are dropped, the total cap after it. Ties go to the lower class,
    then to the lower row.
    """
    threshold, limit = np.float32(score_threshold), np.float32(iou_threshold)
    kept = _Survivors(limit, max_per_class, clip_window)
    for rows, columns, scores in _from_the_top(values, max(min_score, score_threshold), to_scores, to_value):
        wanted = (scores > threshold) & (scores >= np.float32(min_score))
        rows, columns, scores = rows[wanted], columns[wanted], scores[wanted]
        groups = columns if nms == "per-class" else np.zeros_like(columns)
        for start in range(0, len(rows), BLOCK):
            part = slice(start, start + BLOCK)
            kept.add(boxes_of(rows[part]), scores[part], columns[part], rows[part], groups[part])
            if kept.visible >= max_total:
                return kept.best(max_total)
    return kept.best(max_total)


def sigmoid(logits: Floats) -> Floats:
    """Float32 scores of float32 logits, element by element."""
    with np.errstate(over="ignore"):
        return np.float32(1) / (np.float32(1) + np.exp(-logits))


def logit(score: float) -> float:
    """The logit that has this score; infinite at 0 and 1."""
    with np.errstate(divide="ignore"):
        return float(np.log(np.float64(score)) - np.log1p(-np.float64(score)))


def _from_the_top(
    values: Floats, min_score: float, to_scores: Callable[[Floats], Floats], to_value: Callable[[float], float]
) -> Iterator[tuple[Integers, Integers, Floats]]:
    """Rows, columns and scores of `values`, sorted as SEMANTICS §6.3 says, in pieces; ends near `min_score`."""
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


class _Survivors:
    """Boxes that no better one has suppressed, in the order in which they came."""

    def __init__(self, limit: np.float32, max_per_class: int, window: tuple[float, float, float, float] | None) -> None:
        self._limit, self._max_per_class, self._window = limit, max_per_class, window
        self._parts: list[tuple[Floats, Floats, Integers, Integers, Integers]] = []
        self._of_group: dict[int, int] = {}
        self.visible = 0

    def add(self, boxes: Floats, scores: Floats, columns: Integers, rows: Integers, groups: Integers) -> None:
        """Take in the next best candidates, sorted; those that overlap a better one of their group fall out."""
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
        self.visible += int(np.count_nonzero(self._seen(boxes[kept])))

    def _admit(self, group: int) -> bool:
        count = self._of_group.get(group, 0) + 1
        self._of_group[group] = count
        return count <= self._max_per_class

    def _seen(self, boxes: Floats) -> NDArray[np.bool_]:
        if self._window is None:
            return np.ones(len(boxes), bool)
        return area(clip(boxes, self._window)) > 0

    def best(self, count: int) -> Kept:
        """The first `count` that have area in the window, clipped to it."""
        if not self._parts:
            empty = np.zeros(0, np.intp)
            return Kept(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), empty, empty)
        boxes, scores, columns, rows, _ = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        first = np.flatnonzero(self._seen(boxes))[:count]
        boxes = boxes[first] if self._window is None else clip(boxes[first], self._window)
        return Kept(boxes, scores[first], columns[first], rows[first])
