"""Weighted boxes fusion gives what the package `ensemble-boxes` of its authors gives."""

import numpy as np
import pytest

from boxable.weighted_boxes import fuse_boxes

pytestmark = pytest.mark.optional


@pytest.mark.parametrize("seed", range(30))
def test_random_boxes_are_fused_as_the_package_does(seed: int) -> None:
    ensemble_boxes = pytest.importorskip("ensemble_boxes")
    random = np.random.default_rng(seed)
    models, classes, threshold = int(random.integers(2, 6)), int(random.integers(1, 5)), random.uniform(0.3, 0.8)
    weights = random.uniform(0.5, 3, models)
    objects = random.uniform(0, 0.6, (int(random.integers(1, 12)), 2))
    parts = []
    for _ in range(models):
        corners = objects[random.integers(0, len(objects), random.integers(0, 40))]
        low = corners + random.normal(0, 0.02, corners.shape).clip(-0.1, 0.1)
        boxes = np.concatenate([low, low + 0.3 + random.uniform(-0.05, 0.05, low.shape)], axis=1).clip(0, 1)
        scores, labels = random.uniform(0.05, 1, len(boxes)), random.integers(0, classes, len(boxes))
        parts.append((boxes, scores, labels))
    expected = ensemble_boxes.weighted_boxes_fusion(
        *([part[place].tolist() for part in parts] for place in range(3)), weights=weights.tolist(), iou_thr=threshold,
    )  # fmt: skip
    found = fuse_boxes(
        np.concatenate([part[2] for part in parts]).astype(np.intp), np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] * weight for part, weight in zip(parts, weights, strict=True)]),
        models=models, total_weight=float(weights.sum()), iou_threshold=threshold,
    )  # fmt: skip
    assert ordered(found.box, found.score, found.group) == pytest.approx(ordered(*expected), abs=2e-6)


def ordered(boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.column_stack([labels, scores, boxes])[np.lexsort((scores, labels))]
