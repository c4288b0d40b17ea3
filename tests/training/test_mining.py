import numpy as np
import torch
from torchvision.ops import nms

from boxable.training.mining import hardest, mine


def indices(losses: torch.Tensor, boxes: torch.Tensor) -> list[int]:
    return hardest(losses.numpy(), boxes.numpy()).tolist()


# Boxes far from each other.
APART = torch.stack([torch.arange(30) * 2.0, torch.zeros(30), torch.arange(30) * 2.0 + 1, torch.ones(30)], 1)


def test_positives_are_kept_with_three_of_the_hardest_negatives_each() -> None:
    losses, match = torch.arange(30.0).flip(0), torch.full((30,), -1)
    match[[20, 29]] = torch.tensor([1, 0])
    kept = mine(losses[None], APART[None], match[None])
    assert kept.dtype == torch.bool
    assert kept[0].nonzero()[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 20, 29]


def test_at_least_three_negatives_are_kept_and_no_ignored_anchor() -> None:
    losses = torch.arange(30.0)
    match = torch.full((2, 30), -1)
    match[:, 28] = -2
    match[1, 29] = 0
    kept = mine(losses.expand(2, 30), APART.expand(2, 30, 4), match)
    assert [row.nonzero()[:, 0].tolist() for row in kept] == [[26, 27, 29], [25, 26, 27, 29]]


def test_a_positive_that_nms_suppresses_brings_no_negatives() -> None:
    boxes = APART.clone()
    boxes[[10, 11]] = APART[0]
    losses, match = torch.arange(30.0).flip(0), torch.full((30,), -1)
    match[[10, 11, 12, 13]] = 0
    kept = mine(losses[None], boxes[None], match[None])
    assert kept[0].nonzero()[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 12, 13]


def test_equal_losses_are_in_the_order_of_the_anchors() -> None:
    """SEMANTICS §6.3."""
    places = torch.arange(1000.0)
    apart = torch.stack([places, torch.zeros(1000), places + 1, torch.ones(1000)], 1)
    assert indices(places % 2, apart) == [*range(1, 1000, 2), *range(0, 1000, 2)]
    boxes = APART.clone()
    boxes[7] = APART[3]
    assert indices(torch.ones(30), boxes) == [index for index in range(30) if index != 7]


def test_only_an_iou_above_the_float32_of_0_99_suppresses() -> None:
    # The width of the second box is the IoU: float32(0.99), which is more than 0.99, and a little more than that.
    equal = torch.tensor([0.99]).item()
    for width, kept in ((equal, [0, 1]), (equal + 2**-23, [0])):
        boxes = torch.tensor([[0, 0, 1, 1], [0, 0, 1, width]])
        assert indices(torch.tensor([2.0, 1.0]), boxes) == kept


def test_a_suppressed_box_suppresses_none() -> None:
    boxes = torch.tensor([[0, 0, 1, width] for width in (0.986, 0.993, 1.0)])
    assert indices(torch.tensor([1.0, 2.0, 3.0]), boxes) == [2, 0]
    assert indices(torch.tensor([2.0, 3.0, 1.0]), boxes) == [1]


def test_near_duplicates_are_suppressed_as_torchvision_does() -> None:
    generator = torch.Generator().manual_seed(0)
    near = torch.rand(40, 1, 4, generator=generator) + torch.rand(40, 25, 4, generator=generator) * 0.008
    boxes = torch.cat([near[..., :2], near[..., :2] + near[..., 2:] + 0.1], 2).flatten(0, 1)
    losses = torch.rand(1000, generator=generator)
    expected = nms(boxes, losses, float(np.float32(0.99))).tolist()
    assert 200 < len(expected) < 900
    assert indices(losses, boxes) == expected


def test_boxes_without_area_or_end_suppress_nothing() -> None:
    infinite = torch.inf
    boxes = torch.tensor(
        [[0.5, 0.5, 0.5, 0.5], [-infinite, -infinite, infinite, infinite], [-infinite, 0.5, infinite, 0.5]]
    )
    boxes = boxes.repeat_interleave(2, 0)
    assert indices(torch.arange(6.0), boxes) == [5, 4, 3, 2, 1, 0]


def test_no_more_than_3000_are_hard() -> None:
    sizes = 1.011 ** torch.arange(3100.0)
    boxes = torch.stack([torch.zeros(3100), torch.zeros(3100), sizes, sizes], 1)
    assert indices(torch.arange(3100.0), boxes) == list(range(3099, 99, -1))
