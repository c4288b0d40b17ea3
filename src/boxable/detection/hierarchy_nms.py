"""Hierarchy-aware NMS: of one object detected as Person and as Woman, the more specific class is kept."""

import numpy as np

from boxable.arrays import Floats, Integers
from boxable.boxes import iou
from boxable.networks.heads.rules import IOU_THRESHOLD
from boxable.vocabulary import open_images_hierarchy


def hierarchy_nms(boxes: Floats, mids: list[str]) -> Integers:
    """Suppress boxes `[N, 4]` whose class is an ancestor of another's with IoU above 0.6, whatever their scores.

    Returns the positions that are kept, in order.
    """
    hierarchy = open_images_hierarchy()
    ancestors = {mid: set(hierarchy.ancestors(mid)) for mid in set(mids)}
    is_ancestor = np.array([[own in ancestors[other] for other in mids] for own in mids], bool).reshape(
        len(mids), len(mids)
    )
    above, below = np.nonzero(is_ancestor)
    suppressed = above[iou(boxes[above], boxes[below]) > np.float32(IOU_THRESHOLD)]
    return np.setdiff1d(np.arange(len(mids)), suppressed)
