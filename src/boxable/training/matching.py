"""Matching of anchors with annotated boxes (SEMANTICS §7.2). NumPy, because it runs in the workers that load data."""

import numpy as np
from numpy.typing import NDArray

from boxable.arrays import Floats
from boxable.boxes import extents, iou

# The row of the box that each anchor has to predict, or one of these.
Match = NDArray[np.int16]
BACKGROUND, IGNORED = -1, -2

# SEMANTICS §7.2: an anchor is matched from this IoU on.
_MATCHED = np.float32(0.5)
# An anchor is inside a region if at least this part of it is.
_INSIDE = np.float32(0.5)


def match_anchors(boxes: Floats, anchors: Floats, weights: Floats | None = None) -> Match:
    """Match anchors float32 `[A, 4]` with boxes float32 `[N, 4]`: the row of each anchor's box int16 `[A]`, or -1.

    An anchor takes the box with the highest IoU, if that is at least 0.5. Then each box whose weight (float32 `[N]`; 1
    where None) is above 0 takes the anchor with the highest IoU, whatever it is. The lower row and the lower anchor win
    ties. Boxes and anchors have ymin <= ymax and xmin <= xmax: then `boxes.iou`, which orders the corners of others,
    gives the bits of the original's matcher (`box_list_ops.iou`, `ArgMaxMatcher`).
    """
    if not len(boxes):
        return np.full(len(anchors), BACKGROUND, np.int16)
    overlaps = iou(boxes[:, None], anchors)
    match = np.where(overlaps.max(0) >= _MATCHED, overlaps.argmax(0), BACKGROUND).astype(np.int16)
    forcing = np.arange(len(boxes)) if weights is None else np.flatnonzero(weights > 0)
    # Backwards, so that the lowest row is written last.
    match[overlaps[forcing].argmax(1)[::-1]] = forcing[::-1]
    return match


def ignore_inside(match: Match, regions: Floats, anchors: Floats) -> Match:
    """Return a match in which unmatched anchors inside a region are ignored (-2): int16 `[A]`.

    For group-of boxes float32 `[R, 4]`, which are matched with no anchor: an anchor of which at least half is in one of
    them is neither an object nor background (Zhou et al., Simple Multi-dataset Detection, arXiv:2102.13086). Matched
    anchors stay.
    """
    low, high = np.maximum(regions[:, None, :2], anchors[:, :2]), np.minimum(regions[:, None, 2:], anchors[:, 2:])
    overlaps = np.maximum(high - low, np.float32(0)).prod(2)
    inside = (overlaps >= _INSIDE * extents(anchors)[4]).any(0)
    return np.where((match == BACKGROUND) & inside, np.int16(IGNORED), match)
