"""Matching of detections to ground truth: the rule of the Object Detection API, all images at once.

SEMANTICS §10.2 and §10.3. In an image and class, detections come by falling score. A detection matches the ordinary box
of highest IoU, if that is enough and the box is unmatched; it is never tried on a second box. So the matched detection
of a box is the first detection that has it as best box, and no loop is needed. An unmatched detection inside a group-of
box (intersection over the detection's own area) is not a false positive, and the box counts once, with the best score.

Where scores are equal the original leaves the order open. Here a detection inside a group-of box takes the ordinary
box, so that the others, which no group excuses, are false positives; then the lower ymin, xmin, ymax, xmax comes first.
So the order of rows does not matter, and the result is the lowest of the original's, unless detections in several
group-of boxes compete for one ordinary box. Among boxes that are overlapped equally the first row is the best, as
in the original.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import reduce

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from boxable.arrays import Doubles, Integers, Ints, Mask
from boxable.metrics.overlap import KeyedBoxes, KeyPlaces, distinct, ioa, iou
from boxable.metrics.protocols import Protocol
from boxable.metrics.row_hash import row_hashes

# PerImageEvaluation hands every image and class to an NMS that keeps at most so many, above that score.
_MOST_OF_A_CLASS = 10_000
_LOWEST_SCORE = -10.0


@dataclass(frozen=True, slots=True, eq=False)
class PixelBoxes:
    """The boxes of ground truth `[T, 4]` and predictions `[P, 4]` as x, y, width, height, float64.

    They are in pixels; where images are of unknown size, `are_pixels` is false, and one is the size of the image.
    """

    truth: Doubles
    found: Doubles
    are_pixels: bool


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationData:
    """Ground truth and predictions in numbers: `image` int32 is an index into `images`, `label` into `mids`.

    Boxes are float64 `[N, 4]` (ymin, xmin, ymax, xmax). `verified` int64: sorted keys (image * classes + class) of the
    image-level labels, whatever their confidence. `truth_object` intp `[T]`: the row of the box as it was annotated, of
    which this row is a copy for an ancestor of its class, or itself. `truth_area` `[T]`: pixels of the object itself,
    NaN where only its box is known. `pixels`: for a protocol that measures in them.
    """

    images: list[str]
    mids: list[str]
    truth_image: Ints
    truth_label: Ints
    truth_box: Doubles
    truth_group_of: Mask
    truth_difficult: Mask
    truth_object: Integers
    truth_area: Doubles
    verified: NDArray[np.int64]
    image: Ints
    label: Ints
    box: Doubles
    score: Doubles
    pixels: PixelBoxes | None = None

    @property
    def key_limit(self) -> int:
        """Keys are below this."""
        return len(self.images) * len(self.mids)

    def keys(self, image: Ints, label: Ints) -> NDArray[np.int64]:
        """Combine image and class into one int64 key."""
        return image.astype(np.int64) * len(self.mids) + label

    def truth_digest(self) -> str:
        """Compute a checksum of the ground truth that does not depend on the order of rows."""
        columns = (
            self.truth_image, self.truth_label, *self.truth_box.T, self.truth_group_of, self.truth_difficult,
        )  # fmt: skip
        names = "\n".join([*self.images, "", *self.mids]).encode("utf-8", "surrogatepass")
        parts = [names, np.sort(row_hashes(columns, len(self.truth_box))).tobytes(), self.verified.tobytes()]
        return f"crc32c:{reduce(google_crc32c.extend, parts, 0):08x}"


class Outcome(IntEnum):
    """The outcome of a prediction in matching."""

    IGNORED = 0  # invalid box, unverified class, or on a difficult box: counts for nothing
    FALSE_POSITIVE = 1
    TRUE_POSITIVE = 2
    IN_GROUP = 3  # inside a group-of box


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """The outcome of each prediction, and the matched detection of each ground-truth box.

    `outcome` int8 `[P]` (Outcome); `truth` intp `[P]`: the box that it matched or is in, else -1.
    `matched_detection` intp `[T]`: the prediction that matched the box (for a group-of box the best in it), else -1.
    `group_of` bool `[T]`: boxes treated as group-of. `ignored` bool `[T]`: boxes that do not count as ground truth.
    """

    outcome: NDArray[np.int8]
    truth: Integers
    matched_detection: Integers
    group_of: Mask
    ignored: Mask


def match(data: EvaluationData, protocol: Protocol) -> Matches:
    """Match predictions to ground truth by the rules of the protocol."""
    everything = len(data.score)
    outcome = np.zeros(everything, np.int8)
    truth = np.full(everything, -1, np.intp)
    matched_detection = np.full(len(data.truth_box), -1, np.intp)
    group_of = data.truth_group_of & (protocol.group_of_weight is not None)
    difficult = data.truth_difficult & protocol.difficult

    truth_keys = data.keys(data.truth_image, data.truth_label)
    keys = data.keys(data.image, data.label)
    rows = _taking_part(data, protocol, keys, truth_keys)
    outcome[rows] = Outcome.FALSE_POSITIVE

    ordinary, groups = (
        KeyedBoxes(truth_keys, data.truth_box, np.flatnonzero(chosen), data.key_limit)
        for chosen in (~group_of, group_of)
    )
    candidates, best, overlap = ordinary.best(rows, keys, data.box, iou)
    hit = overlap >= protocol.iou
    candidates, best = candidates[hit], best[hit]
    on_difficult = difficult[best]
    outcome[candidates[on_difficult]] = Outcome.IGNORED
    candidates, best = candidates[~on_difficult], best[~on_difficult]
    first = _first_of_each(data, candidates, best, lambda rows: _inside(data, protocol, groups, keys, rows)[0])
    outcome[candidates[first]] = Outcome.TRUE_POSITIVE
    truth[candidates[first]] = best[first]
    matched_detection[best[first]] = candidates[first]

    if group_of.any():
        rest = rows[outcome[rows] == Outcome.FALSE_POSITIVE]
        rest, best = _inside(data, protocol, groups, keys, rest)
        outcome[rest] = Outcome.IN_GROUP
        truth[rest] = best
        # A score of 0 or less is no find: the original keeps a maximum that starts at 0.
        positive = data.score[rest] > 0
        rest, best = rest[positive], best[positive]
        first = _first_of_each(data, rest, best)
        matched_detection[best[first]] = rest[first]
    ignored = difficult | (group_of & (protocol.group_of_weight == 0))
    return Matches(outcome, truth, matched_detection, group_of, ignored)


def _taking_part(
    data: EvaluationData, protocol: Protocol, keys: NDArray[np.int64], truth_keys: NDArray[np.int64]
) -> Integers:
    """Select the predictions that take part in matching."""
    ymin, xmin, ymax, xmax = data.box.T
    valid = (ymin < ymax) & (xmin < xmax) & (data.score > _LOWEST_SCORE)
    if protocol.verified_only:
        evaluable = distinct(np.concatenate([data.verified, truth_keys]))
        valid &= KeyPlaces(evaluable, data.key_limit).of(keys) >= 0
    rows = np.flatnonzero(valid)
    counts = np.bincount(data.image[rows], minlength=1)
    if counts.max() <= _MOST_OF_A_CLASS:
        return rows
    rows = rows[_ranked(data, rows, keys[rows])]
    return np.sort(rows[place_in_run(keys[rows]) < _MOST_OF_A_CLASS])


def _inside(
    data: EvaluationData, protocol: Protocol, groups: KeyedBoxes, keys: NDArray[np.int64], rows: Integers
) -> tuple[Integers, Integers]:
    """Select the predictions inside a group-of box, and the row of that box."""
    rows, best, inside = groups.best(rows, keys, data.box, ioa)
    enough = inside >= protocol.iou
    return rows[enough], best[enough]


def _first_of_each(
    data: EvaluationData, rows: Integers, best: Integers, preferred: Callable[[Integers], Integers] | None = None
) -> Integers:
    """Select the best-scored prediction of each best box: places in `rows`.

    Among equal scores those are first that `preferred` selects from such rows.
    """
    score = data.score[rows]
    highest = np.full(len(data.truth_box), -np.inf)
    np.maximum.at(highest, best, score)
    leading = np.flatnonzero(score == highest[best])
    if preferred is not None and len(leading) > len(distinct(best[leading])):
        liked = np.isin(rows[leading], preferred(rows[leading]))
        has_liked = np.isin(best[leading], best[leading[liked]])
        leading = leading[liked | ~has_liked]
    order = leading[_ranked(data, rows[leading], best[leading])]  # equal scores may lead together
    return np.asarray(order[np.diff(best[order], prepend=-1) != 0])


def _ranked(data: EvaluationData, rows: Integers, groups: Integers | NDArray[np.int64]) -> Integers:
    """Sort rows by group, then by falling score."""
    score = data.score[rows]
    order = np.lexsort((-score, groups))
    tied = (np.diff(score[order]) == 0) & (np.diff(groups[order]) == 0)
    if not tied.any():
        return order
    ymin, xmin, ymax, xmax = data.box[rows].T
    return np.lexsort((xmax, ymax, xmin, ymin, -score, groups))


def place_in_run(values: NDArray[np.int64]) -> Integers:
    """Count 0, 1, 2 … within each run of equal values."""
    starts = np.flatnonzero(np.diff(values, prepend=values[:1] - 1))
    counts = np.diff(starts, append=len(values))
    return np.arange(len(values)) - np.repeat(starts, counts)
