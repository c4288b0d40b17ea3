import math

import numpy as np
import pytest
import torch
from torchvision.ops import sigmoid_focal_loss

from boxable.networks.architectures.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.training.eql import EqlV2
from boxable.training.losses import default_loss, focal_losses
from boxable.training.matching import ignore_inside, match_anchors
from boxable.training.targets import BatchTargets, ImageTargets, collate_targets

ANCHORS = ssd_mobilenet_v2(2).head.anchors
PLACED = torch.tensor(ANCHORS)
ALONE = torch.zeros(2, 2, dtype=torch.bool)
BOTH = torch.ones(2, dtype=torch.bool)
BOX = np.array([[0.1, 0.2, 0.6, 0.7]], np.float32)  # matched with nine anchors


def one_box(column: int, verified: tuple[bool, bool] = (True, True), regions: np.ndarray = BOX[:0]) -> BatchTargets:
    match = ignore_inside(match_anchors(BOX, ANCHORS), regions, ANCHORS)
    return collate_targets([ImageTargets(match, BOX, np.array([column]), np.ones(1, np.float32), np.array(verified))])


def zeros() -> dict[str, torch.Tensor]:
    outputs = {"box_encodings": torch.zeros(1, 1917, 4), "class_logits": torch.zeros(1, 1917, 3)}
    return {name: values.requires_grad_() for name, values in outputs.items()}


POSITIVE, NEGATIVE = 0.25 * 0.25 * math.log(2), 0.75 * 0.25 * math.log(2)


@pytest.mark.parametrize(
    ("verified", "positives", "negatives"),
    [((True, True), 9, 2 * 1917 - 9), ((True, False), 9, 1908), ((False, False), 9, 0)],
)
def test_the_focal_loss_is_summed_over_the_classes_of_all_anchors(
    verified: tuple[bool, bool], positives: int, negatives: int
) -> None:
    """arXiv:1708.02002: alpha (1 - p)^2 log(1 / p) for positives, (1 - alpha) p^2 log(1 / (1 - p)) for negatives."""
    targets = one_box(0, verified)
    sums = default_loss(zeros(), targets, PLACED, ALONE, BOTH)
    assert sums.classification.item() == pytest.approx(positives * POSITIVE + negatives * NEGATIVE, rel=1e-5)
    # The boxes have the loss of the original recipe, SEMANTICS §7.5.
    assert (sums.localization / targets.normalizer).item() == pytest.approx(2.3329675, rel=1e-6)
    assert targets.normalizer == 9


def test_the_focal_loss_is_that_of_torchvision_also_far_from_0() -> None:
    logits = torch.linspace(-60, 60, 241)[:, None].expand(-1, 2).requires_grad_()
    labels = torch.tensor([False, True]).expand(241, 2)
    losses, theirs = focal_losses(logits, labels, torch.full((241, 2), 0.5)), sigmoid_focal_loss(logits, labels.float())
    torch.testing.assert_close(losses, 0.5 * theirs, rtol=1e-5, atol=1e-8)
    gradients = [torch.autograd.grad(values.sum(), logits)[0] for values in (losses, 0.5 * theirs)]
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-8)


def test_the_background_is_not_trained() -> None:
    outputs = zeros()
    default_loss(outputs, one_box(1), PLACED, ALONE, BOTH).classification.backward()
    gradient = outputs["class_logits"].grad
    assert gradient is not None
    assert not gradient[..., 0].any()
    negative = [set(column.nonzero()[:, 0].tolist()) for column in gradient[0, :, 1:].T < 0]
    assert negative == [set(), set(np.flatnonzero(match_anchors(BOX, ANCHORS) == 0).tolist())]


def test_ignored_anchors_and_ancestors() -> None:
    everywhere = np.array([[-1, -1, 2, 2]], np.float32)
    targets = one_box(0, (True, True), everywhere)
    sums = default_loss(zeros(), targets, PLACED, ALONE, BOTH)
    assert sums.classification.item() == pytest.approx(9 * (POSITIVE + NEGATIVE), rel=1e-5)
    ancestors = torch.tensor([[False, True], [False, False]])
    assert default_loss(zeros(), targets, PLACED, ancestors, BOTH).classification.item() == pytest.approx(
        18 * POSITIVE, rel=1e-5
    )
    assert default_loss(zeros(), targets, PLACED, ancestors.T, BOTH).classification.item() == pytest.approx(
        9 * POSITIVE, rel=1e-5
    )


def test_classes_that_are_not_trained_do_not_count() -> None:
    eql = EqlV2(2)
    second = torch.tensor([False, True])
    sums = default_loss(zeros(), one_box(0), PLACED, ALONE, second, eql)
    assert sums.classification.item() == pytest.approx(1917 * NEGATIVE, rel=1e-5)
    assert (eql.positive.tolist(), eql.negative.tolist()) == ([0, 0], [0, 1917 / 2])


def test_equalization_reweights_the_classes() -> None:
    eql = EqlV2(2).eval()
    eql.positive += torch.tensor([0.8, 1.0])
    eql.negative += torch.tensor([1.0, 0.0])
    sums = default_loss(zeros(), one_box(0), PLACED, ALONE, BOTH, eql)
    expected = 9 * 3 * POSITIVE + (1908 * 0.5 + 1917) * NEGATIVE
    assert sums.classification.item() == pytest.approx(expected, rel=1e-5)
