"""The losses of a batch, before they are normalized: of the original recipe (SEMANTICS §7.3) and of the default."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from boxable.networks.heads.box_coder_torch import decode, encode
from boxable.training.class_targets import class_targets
from boxable.training.eql import EqlV2
from boxable.training.mining import mine
from boxable.training.targets import BatchTargets

# Of the focal loss: the weight of positives (negatives have the rest). Its exponent gamma is 2.
ALPHA = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class LossSums:
    """Sums over a batch, to be divided by the normalizer of its targets: float32 scalars with gradient."""

    localization: Tensor
    classification: Tensor


def original_loss(outputs: Mapping[str, Tensor], targets: BatchTargets, anchors: Tensor) -> LossSums:
    """Compute the loss of the original recipe over the anchors that hard example mining selects (SEMANTICS §7.3).

    `outputs`: `box_encodings` float32 `[B, A, 4]` and `class_logits` float32 `[B, A, 1 + C]`. `anchors` float32
    `[A, 4]`. Every class counts, verified or not, and anchors without a box have to predict background.
    """
    codes, logits = outputs["box_encodings"], outputs["class_logits"]
    localization, classification = localization_losses(codes, targets, anchors), cross_entropies(logits, targets)
    kept = mine(classification, decode(codes.detach(), anchors), targets.match)
    return LossSums(localization[kept].sum(), classification[kept].sum())


def default_loss(
    outputs: Mapping[str, Tensor],
    targets: BatchTargets,
    anchors: Tensor,
    ancestors: Tensor,
    trained: Tensor,
    eql: EqlV2 | None = None,
) -> LossSums:
    """Compute the focal loss (arXiv:1708.02002) of the classes and the Huber loss of the boxes, over all anchors.

    Arguments as in `original_loss`, `ancestors` bool `[C, C]`, as in `class_targets`, and `trained` bool `[C]`: other
    classes do not count. The logit of the background is not used.
    With `eql`, classes are reweighted, and its statistics updated if it is in training mode.
    """
    logits = outputs["class_logits"][..., 1:]
    labels, weights = class_targets(targets, ancestors)
    weights = weights * trained
    if eql is not None:
        weights = eql(logits.detach(), labels, weights)
    classification = focal_losses(logits, labels, weights)
    localization = localization_losses(outputs["box_encodings"], targets, anchors)
    return LossSums(localization.sum(), classification.sum())


def focal_losses(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Compute the weighted focal loss of logits `[...]`, alpha 0.25, gamma 2: float32 `[...]`.

    `labels` bool `[...]`, `weights` float32 `[...]`. As `torchvision.ops.sigmoid_focal_loss`, in half its time.
    """
    wrong = torch.where(labels, -logits, logits)  # the logit of the other label
    return (
        torch.sigmoid(wrong).square() * functional.softplus(wrong) * (weights * torch.where(labels, ALPHA, 1 - ALPHA))
    )


def localization_losses(codes: Tensor, targets: BatchTargets, anchors: Tensor) -> Tensor:
    """Compute the weighted Huber loss (delta 1) of box codes `[B, A, 4]`, summed over the four: float32 `[B, A]`."""
    wanted = encode(targets.of_anchors(targets.boxes), anchors)
    losses = functional.huber_loss(codes, wanted, reduction="none")
    return losses.sum(2) * targets.box_weights


def cross_entropies(logits: Tensor, targets: BatchTargets) -> Tensor:
    """Compute the weighted sigmoid cross-entropy of the logits `[B, A, 1 + C]`, summed over columns: float32 `[B, A]`.

    The column of the background is trained as a class. Anchors with a box have its weight, ignored ones 0, others 1.
    """
    columns = torch.where(targets.matched, targets.of_anchors(targets.columns) + 1, 0)
    # -log(1 - sigmoid(x)) of every column; -log(sigmoid(x)), which the wanted one has, is less by x.
    losses = functional.softplus(logits).sum(2) - logits.gather(2, columns[..., None])[..., 0]
    return losses * targets.anchor_weights
