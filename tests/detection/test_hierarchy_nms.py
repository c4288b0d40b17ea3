"""Hierarchy-aware NMS."""

import numpy as np

from boxable.detection.hierarchy_nms import hierarchy_nms

PERSON, WOMAN, MAN, CAR = "/m/01g317", "/m/03bt1vf", "/m/04yx4", "/m/0k4j"


def test_of_boxes_that_overlap_the_ancestor_is_suppressed() -> None:
    box, elsewhere = [0.1, 0.1, 0.5, 0.5], [0.6, 0.6, 0.9, 0.9]
    boxes = np.array([box, box, elsewhere, box, box], np.float32)
    assert hierarchy_nms(boxes, [PERSON, WOMAN, PERSON, CAR, MAN]).tolist() == [1, 2, 3, 4]
    assert hierarchy_nms(boxes[:0], []).tolist() == []


def test_an_iou_at_the_limit_does_not_suppress() -> None:
    at_limit = np.float32([[0, 0, 1, 1], [0, 0, np.float32(0.6), 1]])  # exactly float32's 0.6
    above = np.float32([[0, 0, 1, 1], [0, 0, 0.61, 1]])
    assert hierarchy_nms(at_limit, [PERSON, WOMAN]).tolist() == [0, 1]
    assert hierarchy_nms(above, [PERSON, WOMAN]).tolist() == [1]
