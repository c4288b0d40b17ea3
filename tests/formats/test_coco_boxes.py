"""Boxes of COCO annotations: bbox, polygons and masks."""

from typing import Any

import numpy as np
import pytest

from boxable.formats.coco_boxes import box_of

SQUARE = [10, 20, 110, 20, 110, 70, 10, 70]


@pytest.mark.parametrize(
    ("item", "box"),
    [
        ({"bbox": [1, 2, 3, 4], "segmentation": [SQUARE]}, (1, 2, 3, 4)),
        ({"bbox": None, "segmentation": [SQUARE]}, (10, 20, 100, 50)),
        ({"segmentation": [SQUARE, [0, 30, 5, 40, 5, 90]]}, (0, 20, 110, 70)),
        ({"segmentation": SQUARE}, (10, 20, 100, 50)),
        ({"bbox": [], "segmentation": []}, None),
        ({"segmentation": [[]]}, None),
        ({"segmentation": None}, None),
        ({}, None),
        ({"segmentation": {"counts": [], "size": [3, 4]}}, None),
        ({"segmentation": {"counts": [12], "size": [3, 4]}}, None),
        ({"segmentation": {"counts": [0, 12], "size": [3, 4]}}, (0, 0, 4, 3)),
        ({"segmentation": {"counts": [4, 1, 7], "size": [3, 4]}}, (1, 1, 1, 1)),
        ({"segmentation": {"counts": [4, 1, 1, 0, 6], "size": [3, 4]}}, (1, 1, 1, 1)),
    ],
)
def test_the_box_is_the_bbox_else_around_the_outline(item: dict[str, Any], box: tuple[float, ...] | None) -> None:
    assert box_of(item) == box


def test_masks_have_the_boxes_that_coco_gives_them() -> None:
    coco_mask = pytest.importorskip("faster_coco_eval.core.mask")
    random = np.random.default_rng(0)
    for _ in range(200):
        height, width = random.integers(1, 12, 2)
        mask = (random.random((height, width)) < random.choice([0.02, 0.3, 0.9])).astype(np.uint8)
        compressed = coco_mask.encode(np.asfortranarray(mask))
        expected = tuple(coco_mask.toBbox(compressed).tolist()) if mask.any() else None
        flat = mask.ravel(order="F")
        edges = np.flatnonzero(np.diff(flat, prepend=0)).tolist()
        counts = np.diff([0, *edges, flat.size]).tolist()
        size = [int(height), int(width)]
        text = compressed["counts"].decode() if isinstance(compressed["counts"], bytes) else compressed["counts"]
        assert box_of({"segmentation": {"counts": text, "size": size}}) == expected
        assert box_of({"segmentation": {"counts": counts, "size": size}}) == expected


@pytest.mark.parametrize(
    "outline",
    [
        [[1, 2, 3]], ["ab"], [["a", "b"]], 5,
        {"counts": "x" * 1000, "size": [3, 4]}, {"counts": "\x00", "size": [3, 4]},
        {"counts": [4, 100], "size": [3, 4]}, {"counts": [4, -1], "size": [3, 4]}, {"counts": [4, 1]},
        {"counts": [1, 1], "size": [0, 0]}, {"counts": ["a"], "size": [3, 4]},
    ],
)  # fmt: skip
def test_what_is_no_outline_raises(outline: Any) -> None:
    with pytest.raises((TypeError, ValueError, LookupError)):
        box_of({"segmentation": outline})
