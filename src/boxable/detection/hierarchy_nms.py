"""Hierarchy-aware NMS: of one object named twice, as Person and as Woman, the more specific name stays."""

import numpy as np
from numpy.typing import NDArray

from boxable.boxes import iou
from boxable.detection.postprocess import IOU_THRESHOLD
from boxable.vocabulary import open_images_hierarchy


def hierarchy_nms(boxes: NDArray[np.float32], mids: list[str]) -> NDArray[np.intp]:
    """Positions that stay, of boxes `[N, 4]` with these classes.

    One goes if its class is an ancestor of another's whose box coincides with it (IoU above 0.6), whatever
    their scores.
    """
    hierarchy = open_images_hierarchy()
    general = {mid: set(hierarchy.ancestors(mid)) for mid in set(mids)}
    is_ancestor = np.array([[own in general[other] for other in mids] for own in mids], bool).reshape(
        len(mids), len(mids)
    )
    above, below = np.nonzero(is_ancestor)
    goes = above[iou(boxes[above], boxes[below]) > np.float32(IOU_THRESHOLD)]
    return np.setdiff1d(np.arange(len(mids)), goes)
