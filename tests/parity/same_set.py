"""When are two lists of detections the same set?

Matched one to one by class, and by anchor where it is known, with scores and boxes at most 1e-4 apart. One
may be missing or extra only if its score is within 1e-4 of the last one's, or if it hangs on an IoU within
1e-3 of the threshold; such cases are returned, to be counted.
"""

from dataclasses import dataclass

import numpy as np

from boxable.boxes import iou
from boxable.networks.heads.rules import IOU_THRESHOLD

TOLERANCE = 1e-4
IOU_MARGIN = 1e-3


@dataclass(frozen=True)
class Found:
    """classes int `[N]`, scores `[N]`, boxes `[N, 4]`, anchors int `[N]` or None where unknown."""

    classes: np.ndarray
    scores: np.ndarray
    boxes: np.ndarray
    anchors: np.ndarray | None = None


def excused_differences(ours: Found, theirs: Found) -> list[str]:
    """The differences that are allowed; AssertionError for one that is not."""
    unmatched = list(range(len(theirs.scores)))
    excused = []
    for index in range(len(ours.scores)):
        match = next((other for other in unmatched if _equal(ours, index, theirs, other)), None)
        if match is None:
            excused.append(_excuse("extra", ours, index, theirs))
        else:
            unmatched.remove(match)
    return excused + [_excuse("missing", theirs, other, ours) for other in unmatched]


def _equal(ours: Found, index: int, theirs: Found, other: int) -> bool:
    if ours.classes[index] != theirs.classes[other]:
        return False
    if ours.anchors is not None and theirs.anchors is not None and ours.anchors[index] != theirs.anchors[other]:
        return False
    near_score = abs(float(ours.scores[index]) - float(theirs.scores[other])) <= TOLERANCE
    return near_score and bool(np.abs(ours.boxes[index] - theirs.boxes[other]).max() <= TOLERANCE)


def _excuse(kind: str, own: Found, index: int, others: Found) -> str:
    score, label = float(own.scores[index]), int(own.classes[index])
    if abs(score - float(own.scores.min())) <= TOLERANCE or abs(score - float(others.scores.min())) <= TOLERANCE:
        return f"{kind}: class {label}, score {score:.6f}, as the last one"
    rivals = np.concatenate([found.boxes[found.classes == label] for found in (own, others)])
    margin = np.abs(iou(own.boxes[index], rivals) - IOU_THRESHOLD).min(initial=np.inf)
    assert margin <= IOU_MARGIN, f"{kind}: class {label}, score {score:.6f}, nearest IoU margin {margin:.6f}"
    return f"{kind}: class {label}, score {score:.6f}, IoU {margin:.6f} from the threshold"
