"""Weighted boxes fusion, against a plain loop over boxes."""

import numpy as np
import pytest

from boxable.weighted_boxes import fuse_boxes

A, B = (0.1, 0.1, 0.5, 0.5), (0.1, 0.1, 0.5, 0.7)  # IoU 2/3
FAR = (0.6, 0.6, 0.9, 0.9)


def fused(boxes, scores, groups=None, models=2, weight=None, iou=0.55):
    groups = [0] * len(boxes) if groups is None else groups
    found = fuse_boxes(
        np.array(groups, np.intp), np.array(boxes, np.float64).reshape(-1, 4), np.array(scores, np.float64),
        models=models, total_weight=models if weight is None else weight, iou_threshold=iou,
    )  # fmt: skip
    return found.group.tolist(), found.box, found.score.tolist()


def plain(boxes, scores, models, weight, iou):
    """The algorithm of the paper for one image and class, box by box."""

    def overlap(first, second):
        height, width = (min(first[i + 2], second[i + 2]) - max(first[i], second[i]) for i in (0, 1))
        inter = max(height, 0) * max(width, 0)
        areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
        return inter / (sum(areas) - inter)

    clusters = []
    for place in sorted(range(len(boxes)), key=lambda place: -scores[place]):
        weighted = [np.average([boxes[i] for i in one], axis=0, weights=[scores[i] for i in one]) for one in clusters]
        overlaps = [overlap(box, boxes[place]) for box in weighted]
        if overlaps and max(overlaps) > iou:
            clusters[overlaps.index(max(overlaps))].append(place)
        else:
            clusters.append([place])
    found = [
        (np.average([boxes[i] for i in one], axis=0, weights=[scores[i] for i in one]),
         np.mean([scores[i] for i in one]) * min(len(one), models) / weight)
        for one in clusters
    ]  # fmt: skip
    return sorted(found, key=lambda item: -item[1])


@pytest.mark.parametrize("seed", range(20))
def test_random_boxes_are_fused_as_by_the_plain_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 4, 60)
    corners = rng.uniform(0, 0.5, (60, 2)).round(1)
    boxes = np.concatenate([corners, corners + rng.uniform(0.2, 0.4, (60, 2))], axis=1)
    scores = rng.uniform(0.01, 1, 60)
    found_groups, found_boxes, found_scores = fused(boxes, scores, groups, models=3, weight=2.5, iou=0.4)
    expected = [
        (group, *one)
        for group in range(4)
        for one in plain(boxes[groups == group].tolist(), scores[groups == group].tolist(), 3, 2.5, 0.4)
    ]
    assert found_groups == [group for group, _, _ in expected]
    np.testing.assert_allclose(found_boxes, [box for _, box, _ in expected], atol=1e-12)
    np.testing.assert_allclose(found_scores, [score for _, _, score in expected], atol=1e-12)


def test_a_box_of_both_is_their_mean_weighted_by_score() -> None:
    _, boxes, scores = fused([A, B], [0.9, 0.3])
    assert boxes == pytest.approx(np.array([[0.1, 0.1, 0.5, 0.55]]))
    assert scores == pytest.approx([0.6])


def test_what_one_of_two_finds_scores_half() -> None:
    assert fused([A, FAR], [0.9, 0.4])[2] == pytest.approx([0.45, 0.2])


def test_more_boxes_than_models_count_as_the_models() -> None:
    assert fused([A, A, A], [0.9, 0.6, 0.3])[2] == pytest.approx([0.6])


def test_boxes_at_the_threshold_stay_apart() -> None:
    halves = [(0.0, 0.0, 1.0, 1.0), (0.0, 0.0, 0.5, 1.0)]
    assert len(fused(halves, [0.9, 0.8], iou=0.5)[2]) == 2
    assert len(fused(halves, [0.9, 0.8], iou=0.49)[2]) == 1


def test_groups_are_apart_and_in_order() -> None:
    groups, _, scores = fused([A, A, FAR], [0.2, 0.9, 0.8], [7, 3, 7])
    assert groups == [3, 7, 7]
    assert scores == pytest.approx([0.45, 0.4, 0.1])


def test_nothing_is_fused_to_nothing() -> None:
    groups, boxes, scores = fused([], [])
    assert (groups, boxes.shape, scores) == ([], (0, 4), [])
