"""Hard example mining (SEMANTICS §7.3), in NumPy: its NMS is a matter of a few boxes that are nearly equal."""

import numpy as np
import torch
from torch import Tensor

from boxable.arrays import Floats, Integers, Mask
from boxable.boxes import extents, iou_of_extents
from boxable.training.matching import BACKGROUND, Match

MAX_EXAMPLES = 3000
IOU_THRESHOLD = 0.99
NEGATIVES_PER_POSITIVE = 3
MIN_NEGATIVES = 3
# The smaller area of two boxes is at least the IoU times the larger one; less, so that rounding cannot matter.
_AREA_RATIO = np.float32(0.98)


def mine(losses: Tensor, boxes: Tensor, match: Tensor) -> Tensor:
    """Select the anchors of a batch that count in the loss: bool `[B, A]`, without gradient.

    `losses` float32 `[B, A]`: the classification loss of each anchor. `boxes` float32 `[B, A, 4]`: the decoded
    predictions. `match` int64 `[B, A]`. All matched anchors that NMS keeps are selected, and of the unmatched ones that
    it keeps the hardest: 3 for each selected matched one, but at least 3.
    """
    images = zip(*(values.detach().cpu().numpy() for values in (losses, boxes, match)), strict=True)
    kept = np.stack([_select(hardest(loss, predicted), rows) for loss, predicted, rows in images])
    return torch.from_numpy(kept).to(match.device)


def hardest(losses: Floats, boxes: Floats) -> Integers:
    """Suppress boxes `[A, 4]` that overlap one of higher loss `[A]` by an IoU above 0.99 (greedy NMS).

    Returns the indices of the others, at most 3000, hardest first. Of equal losses the lower index comes first
    (SEMANTICS §6.3, §6.4).
    """
    order = np.argsort(-losses, kind="stable")
    sides = extents(boxes[order])
    kept = np.ones(len(order), bool)
    for better, worse in zip(*(places.tolist() for places in _overlapping(sides)), strict=True):
        if kept[better]:
            kept[worse] = False
    return order[kept][:MAX_EXAMPLES]


def _overlapping(sides: Floats) -> tuple[Integers, Integers]:
    """Find the pairs (lower, higher index) whose IoU is above the threshold, by the lower index; of `extents` `[5, A]`.

    Only boxes of nearly the same area are compared.
    """
    by_area = np.argsort(sides[4])
    areas, places = sides[4][by_area], np.arange(len(by_area))
    others = np.searchsorted(areas, areas / _AREA_RATIO, side="right") - places - 1
    first = np.repeat(places, others)
    second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(others) - others, others)
    pairs = np.sort(np.stack([by_area[first], by_area[second]]), axis=0)
    pairs = pairs[:, iou_of_extents(sides[:, pairs[0]], sides[:, pairs[1]]) > np.float32(IOU_THRESHOLD)]
    lower, higher = pairs[:, np.argsort(pairs[0])]
    return lower, higher


def _select(order: Integers, match: Match) -> Mask:
    """Select the matched anchors of one image, and the first unmatched ones, of those in this order."""
    positive, negative = (match >= 0)[order], (match == BACKGROUND)[order]
    wanted = max(MIN_NEGATIVES, NEGATIVES_PER_POSITIVE * np.count_nonzero(positive))
    selected = np.zeros(len(match), bool)
    selected[order] = positive | (negative & (negative.cumsum() <= wanted))
    return selected
