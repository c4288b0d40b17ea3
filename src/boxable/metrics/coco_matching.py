"""Matching of detections to ground truth by COCO's rule, as pycocotools has it, all images at once.

In an image and class detections come by falling score, equal ones in the order of the file; the first hundred take
part. Each takes the box of highest IoU among those that are free, the last among equals, if that is enough: unlike in
`matching`, a detection whose best box is taken tries the others. One that gets none may take an ignored box (a crowd,
or an object of another size than is measured); it then counts for nothing. A crowd is never taken up, and overlap with
it is intersection over the detection's own area.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from boxable.arrays import Doubles, Integers, Mask
from boxable.metrics.matching import EvaluationData, Matches, Outcome, PixelBoxes, place_in_run
from boxable.metrics.overlap import KeyedBoxes, pixel_ioa, pixel_iou

IOUS = np.linspace(0.5, 0.95, 10)
# Square pixels of an object, both ends included.
AREAS = {"all": (0, 1e5**2), "small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, 1e5**2)}
MOST = 100


@dataclass(frozen=True, slots=True, eq=False)
class CocoMatches:
    """What COCO's figures need: `credit` int8 `[areas, IoUs, P]` is 1 of a true positive, 0 of a false one, else -1.

    `rank` intp `[P]` is the place of a detection in its image and class, from 0. `counted` bool `[areas, T]` tells
    which boxes are ground truth. `matches` are those at IoU 0.5, of objects of all sizes.
    """

    credit: NDArray[np.int8]
    rank: Integers
    counted: Mask
    matches: Matches


def coco_match(data: EvaluationData, pixels: PixelBoxes) -> CocoMatches:
    """Match at every IoU threshold and for every range of areas."""
    candidates = _Candidates(data, pixels)
    found_area = pixels.found[:, 2] * pixels.found[:, 3]
    truth_area = np.where(np.isnan(data.truth_area), pixels.truth[:, 2] * pixels.truth[:, 3], data.truth_area)
    credit = np.full((len(AREAS), len(IOUS), len(found_area)), -1, np.int8)
    counted = np.empty((len(AREAS), len(truth_area)), bool)
    matches = None
    for number, (low, high) in enumerate(AREAS.values()):
        counted[number] = ~data.truth_group_of & (truth_area >= low) & (truth_area <= high)
        outside = (candidates.rank >= MOST) | (found_area < low) | (found_area > high)
        for step, truth in enumerate(candidates.matched(~counted[number])):
            hit = truth >= 0
            credit[number, step, ~hit & ~outside] = 0
            credit[number, step, hit] = np.where(counted[number, truth[hit]], 1, -1)
            if matches is None:
                matches = _as_matches(data, truth, credit[number, step], counted[number])
    assert matches is not None  # noqa: S101
    return CocoMatches(credit, candidates.rank, counted, matches)


def _as_matches(data: EvaluationData, truth: Integers, credit: NDArray[np.int8], counted: Mask) -> Matches:
    """Say of one threshold what became of each detection and box, in the terms of the other protocols."""
    outcome = np.full(len(truth), Outcome.IGNORED, np.int8)
    outcome[credit == 0] = Outcome.FALSE_POSITIVE
    outcome[credit == 1] = Outcome.TRUE_POSITIVE
    in_crowd = np.flatnonzero(truth >= 0)
    outcome[in_crowd[data.truth_group_of[truth[in_crowd]]]] = Outcome.IN_GROUP
    matched_detection = np.full(len(counted), -1, np.intp)
    true = np.flatnonzero(credit == 1)
    matched_detection[truth[true]] = true
    return Matches(outcome, truth, matched_detection, data.truth_group_of, ~counted)


class _Candidates:
    """The pairs of a detection and a box of its image and class that overlap enough for the lowest threshold."""

    def __init__(self, data: EvaluationData, pixels: PixelBoxes) -> None:
        keys = data.keys(data.image, data.label)
        order = np.lexsort((-data.score, keys))
        self.rank = np.empty(len(keys), np.intp)
        self.rank[order] = place_in_run(keys[order])
        self._crowd = data.truth_group_of
        truth_keys = data.keys(data.truth_image, data.truth_label)
        boxes = KeyedBoxes(truth_keys, pixels.truth, np.arange(len(truth_keys)), data.key_limit)
        parts = [
            self._overlapping(pixels, found, truth)
            for found, truth in boxes.pairs(np.flatnonzero(self.rank < MOST), keys)
        ]
        empty = np.zeros(0, np.intp)
        self._found, self._truth = (np.concatenate([empty, *(part[side] for part in parts)]) for side in (0, 1))
        self._overlap = np.concatenate([np.zeros(0), *(part[2] for part in parts)])
        self._round = self._rounds(keys)

    def _overlapping(self, pixels: PixelBoxes, found: Integers, truth: Integers) -> tuple[Integers, Integers, Doubles]:
        boxes = pixels.found[found], pixels.truth[truth]
        overlap = np.where(self._crowd[truth], pixel_ioa(*boxes), pixel_iou(*boxes))
        enough = overlap >= IOUS[0]
        return found[enough], truth[enough], overlap[enough]

    def _rounds(self, keys: NDArray[np.int64]) -> Integers:
        """Count the detections with candidates from 0 in each image and class; give the count for each pair."""
        having = np.unique(self._found)
        order = having[np.lexsort((self.rank[having], keys[having]))]
        rounds = np.empty(len(keys), np.intp)
        rounds[order] = place_in_run(keys[order])
        return np.asarray(rounds[self._found])

    def matched(self, ignored: Mask) -> NDArray[np.intp]:
        """Match at each threshold; gives the box of each detection, -1 for none: intp `[IoUs, P]`.

        Detections of one round are of different images and classes, so that none can take what another wants.
        """
        order = np.lexsort((-self._truth, -self._overlap, ignored[self._truth], self._found, self._round))
        found, truth, overlap = self._found[order], self._truth[order], self._overlap[order]
        number = self._round[order]
        edges = [*np.flatnonzero(np.diff(number, prepend=-1)).tolist(), len(number)]
        matched = np.full((len(IOUS), len(self.rank)), -1, np.intp)
        for step, least in enumerate(IOUS):
            free = np.ones(len(ignored), bool)
            for start, end in pairwise(edges):
                part = slice(start, end)
                possible = np.flatnonzero((overlap[part] >= least) & free[truth[part]]) + start
                taking = possible[np.diff(found[possible], prepend=-1) != 0]
                matched[step, found[taking]] = truth[taking]
                free[truth[taking]] = self._crowd[truth[taking]]
        return matched
