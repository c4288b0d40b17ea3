import numpy as np
import torch

from boxable.training.targets import BatchTargets, ImageTargets, collate_targets


def image(match: list[int], columns: list[int], weights: list[float], verified: list[bool]) -> ImageTargets:
    boxes = np.arange(1, 4 * len(columns) + 1, dtype=np.float32).reshape(-1, 4)
    return ImageTargets(
        np.array(match, np.int16), boxes, np.array(columns, np.int64), np.array(weights, np.float32), np.array(verified)
    )


def test_boxes_are_padded_to_the_largest_number_of_an_image() -> None:
    targets = collate_targets(
        [image([1, -1, 0], [4, 2], [1, 0.5], [True, False]), image([-1, -2, -1], [], [], [False, True])]
    )
    assert targets.match.tolist() == [[1, -1, 0], [-1, -2, -1]]
    assert targets.columns.tolist() == [[4, 2], [0, 0]]
    assert targets.weights.tolist() == [[1, 0.5], [0, 0]]
    assert targets.verified.tolist() == [[True, False], [False, True]]
    assert targets.boxes.shape == (2, 2, 4)
    assert targets.boxes[0].flatten().tolist() == list(range(1, 9))
    assert not targets.boxes[1].any()
    types = (
        targets.match.dtype,
        targets.boxes.dtype,
        targets.columns.dtype,
        targets.weights.dtype,
        targets.verified.dtype,
    )
    assert types == (torch.int64, torch.float32, torch.int64, torch.float32, torch.bool)


def test_a_batch_without_boxes_has_one_that_does_not_count() -> None:
    targets = collate_targets([image([-1, -1], [], [], [True])])
    assert targets.boxes.shape == (1, 1, 4)
    assert not targets.box_weights.any()
    assert not targets.matched.any()


def test_anchors_have_the_values_of_their_boxes() -> None:
    targets: BatchTargets = collate_targets(
        [image([1, -1, 0, -2], [4, 2], [1, 0.5], [True]), image([0, 0, -1, -1], [3], [0.25], [True])]
    )
    assert targets.matched.tolist() == [[True, False, True, False], [True, True, False, False]]
    assert targets.of_anchors(targets.columns)[targets.matched].tolist() == [2, 4, 3, 3]
    assert torch.equal(targets.of_anchors(targets.boxes)[0, 0], targets.boxes[0, 1])
    assert targets.box_weights.tolist() == [[0.5, 0, 1, 0], [0.25, 0.25, 0, 0]]
    assert targets.anchor_weights.tolist() == [[0.5, 1, 1, 0], [0.25, 0.25, 1, 1]]
