"""Post-processing of one image: exactly TF's rules (SEMANTICS §6), not its cost.

The original runs one NMS for each of 601 classes over 1917 boxes, then sorts 60,100 rows. Here candidates are
taken from the top of the score list, a few hundred at a time, and only until the asked number is kept: greedy NMS
never lets a lower score act on a higher one, so the rest cannot matter.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np

from boxable.arrays import Floats, Integers, Mask
from boxable.boxes import area, clip, decode, extents, iou_of_extents
from boxable.networks.heads.rules import NmsResult, PostprocessRules

# The first step takes the values that reach the best of the 128th best anchor; each later step four times as many.
FIRST_ROWS, GROWTH = 128, 4
# With so few classes it is quicker to look at all values at once, if no more than so many reach the least score.
NARROW, FEW = 64, 1024
# Candidates that NMS compares with each other at once: bounds the pairs.
BLOCK = 192
# Two values this near, relative to each other, may change places in a float32 sigmoid.
SIGMOID_ROUNDING = 1e-6
# Pairs (better, worse) of the candidates of a block.
_IN_ORDER = np.triu(np.ones((BLOCK, BLOCK), bool), 1)
_INFINITE, _ONE = np.float32(np.inf), np.float32(1)


def postprocess(codes: Floats, logits: Floats, anchors: Floats, rules: PostprocessRules) -> NmsResult:
    """Decode and suppress the predictions of one image.

    Box codes `[A, 4]`, class logits `[A, C + 1]` (column 0 is the background), anchors `[A, 4]`. The columns of the
    result are those of the whole network, whatever `rules.columns` selects.
    """

    def boxes_of(rows: Integers, columns: Integers) -> Floats:
        return decode(codes.take(rows, axis=0), anchors.take(rows, axis=0))

    if rules.columns is None:
        return multiclass_nms(boxes_of, logits, rules, background=1, to_scores=sigmoid, to_value=logit)
    kept = multiclass_nms(boxes_of, logits[:, rules.columns + 1], rules, to_scores=sigmoid, to_value=logit)
    return NmsResult(kept.boxes, kept.scores, rules.columns[kept.columns], kept.anchors)


@np.errstate(over="ignore")
def sigmoid(logits: Floats) -> Floats:
    """Turn float32 logits into float32 scores, element by element."""
    return _ONE / (_ONE + np.exp(-logits))


def logit(score: float) -> float:
    """Return the logit that has this score; infinite at 0 and 1."""
    if not 0 < score < 1:
        return math.copysign(math.inf, score - 0.5)
    return math.log(score) - math.log1p(-score)


def _same(scores: Floats) -> Floats:
    return scores


def multiclass_nms(
    boxes_of: Callable[[Integers, Integers], Floats],
    values: Floats,
    rules: PostprocessRules,
    *,
    background: int = 0,
    to_scores: Callable[[Floats], Floats] = _same,
    to_value: Callable[[float], float] = float,
) -> NmsResult:
    """Suppress overlapping boxes per class (greedy NMS), then keep the best of all classes (SEMANTICS §6.1 to §6.4).

    `values` `[A, background + C]` are scores, or values that `to_scores` turns into scores, monotonically, and whose
    inverse is `to_value`. The first `background` columns are no class and are ignored. `boxes_of` gives the unclipped
    boxes of pairs of row and class. The limit per class is applied before boxes without area in the
    window are dropped, the total limit after it. Equal scores: the lower class first, then the lower row.
    """
    kept, num_groups = _GreedyNms(rules), 1 if rules.nms == "class-agnostic" else values.shape[1] - background
    for rows, columns, scores in _candidates(values, background, rules, to_scores, to_value):
        groups = np.zeros_like(columns) if rules.nms == "class-agnostic" else columns
        for start in range(0, len(rows), BLOCK):
            part = slice(start, start + BLOCK)
            boxes = boxes_of(rows[part], columns[part])
            kept.add(boxes, scores[part], columns[part], rows[part], groups[part])
            if kept.visible >= rules.max_total or kept.full == num_groups:
                return kept.best(rules.max_total)
    return kept.best(rules.max_total)


def _candidates(
    values: Floats,
    background: int,
    rules: PostprocessRules,
    to_scores: Callable[[Floats], Floats],
    to_value: Callable[[float], float],
) -> Iterator[tuple[Integers, Integers, Floats]]:
    """Yield rows, classes and scores of the values that the rules admit, sorted as in SEMANTICS §6.3, in parts."""
    least = max(np.float32(rules.min_score), np.nextafter(np.float32(rules.score_threshold), _INFINITE))
    # A little below the value of the least score: the exact comparison is made on scores.
    floor = np.nextafter(np.float32(to_value(float(least) * (1 - SIGMOID_ROUNDING))), -_INFINITE)

    def part(
        rows: Integers, columns: Integers, lower: np.float32 = least, upper: np.float32 = _INFINITE
    ) -> tuple[Integers, Integers, Floats]:
        """Sort the values whose scores are from `lower` to below `upper`."""
        scores = to_scores(values[rows, columns])
        order = np.lexsort((rows, columns, -scores))  # NaN comes last
        scores = scores[order]
        wanted = slice(np.count_nonzero(scores >= upper), np.count_nonzero(scores >= lower))
        order = order[wanted]
        return rows[order], columns[order] - background, scores[wanted]

    if values.shape[1] <= NARROW:
        reached = values >= floor
        reached[:, :background] = False
        if np.count_nonzero(reached) <= FEW:
            yield part(*_places(reached))
            return
    row_best = np.fmax.reduce(values[:, background:], axis=1)
    upper, wanted = _INFINITE, FIRST_ROWS
    while True:
        cut = floor
        if wanted < len(row_best):
            cut = np.partition(row_best, -wanted)[-wanted]
        last = not cut > floor  # also where the cut is NaN
        cut = floor if last else cut
        near = np.flatnonzero(row_best >= cut)
        found, columns = _places(values[near, background:] >= cut)
        # Only scores clearly above the cut's are complete: others may have equals just below the cut.
        lower = least if last else max(least, to_scores(cut.reshape(1))[0] * np.float32(1 + SIGMOID_ROUNDING))
        yield part(near[found], columns + background, lower, upper)
        if last:
            return
        upper, wanted = lower, wanted * GROWTH


def _places(mask: Mask) -> tuple[Integers, Integers]:
    """Find rows and columns as `nonzero` of a matrix does, several times as fast."""
    places = mask.ravel().nonzero()[0]
    rows = places // mask.shape[1]
    return rows, places - rows * mask.shape[1]


class _GreedyNms:
    """Greedy NMS over candidates that are added best first."""

    def __init__(self, rules: PostprocessRules) -> None:
        self._limit = np.float32(rules.iou_threshold)
        self._max_per_class, self._window = rules.max_per_class, rules.clip_window
        self._rivals: list[tuple[Floats, Integers]] = []  # extents and groups of what is kept
        self._parts: list[tuple[Floats, Floats, Integers, Integers]] = []
        self._of_group: dict[int, int] = {}
        self.visible = self.full = 0

    def add(self, boxes: Floats, scores: Floats, columns: Integers, rows: Integers, groups: Integers) -> None:
        """Add the next best candidates, sorted; one that overlaps a better one of its group is suppressed."""
        alive = np.ones(len(boxes), bool)
        better, worse = _places((groups[:, None] == groups) & _IN_ORDER[: len(groups), : len(groups)])
        own = extents(boxes)
        for theirs, their_groups in self._rivals:
            new, old = _places(groups[:, None] == their_groups)
            alive[new[iou_of_extents(own.take(new, axis=1), theirs.take(old, axis=1)) > self._limit]] = False
        if len(better):
            overlapping = iou_of_extents(own.take(better, axis=1), own.take(worse, axis=1)) > self._limit
            better, worse = better[overlapping], worse[overlapping]
        states = alive.tolist()
        for index, other in zip(better.tolist(), worse.tolist(), strict=True):
            if states[index]:
                states[other] = False
        kept = np.array(
            [index for index, group in enumerate(groups.tolist()) if states[index] and self._admit(group)], np.intp
        )
        boxes = boxes.take(kept, axis=0)
        self._rivals.append((own.take(kept, axis=1), groups.take(kept)))
        if self._window is not None:
            boxes = clip(boxes, self._window)
            shown = area(boxes) > 0
            boxes, kept = boxes[shown], kept[shown]
        self._parts.append((boxes, scores.take(kept), columns.take(kept), rows.take(kept)))
        self.visible += len(kept)

    def _admit(self, group: int) -> bool:
        count = self._of_group.get(group, 0) + 1
        self._of_group[group] = count
        self.full += count == self._max_per_class
        return count <= self._max_per_class

    def best(self, count: int) -> NmsResult:
        """Return the first `count` boxes that have area in the window, clipped to it."""
        if not self._parts:
            empty = np.zeros(0, np.intp)
            return NmsResult(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), empty, empty)
        return NmsResult(*(np.concatenate(part)[:count] for part in zip(*self._parts, strict=True)))
