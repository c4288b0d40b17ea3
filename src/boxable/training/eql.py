"""Equalization loss v2 (Tan et al., arXiv:2012.08548): classes are reweighted by their gradients so far."""

import torch
from torch import Tensor, distributed, nn

# The best values of the paper for long-tailed classes.
_GAMMA, _MU, _ALPHA = 12.0, 0.8, 4.0


class EqlV2(nn.Module):
    """Weights of positives and negatives of each class, by the ratio of the gradients that it got from both.

    A class whose positives had little gradient beside its negatives, as rare ones have, gets more of its positives and
    less of its negatives. The statistics are buffers, sums over all ranks: `positive` and `negative`, float64 `[C]`,
    because a float32 sum of a long training would stop to grow.
    """

    positive: Tensor
    negative: Tensor

    def __init__(self, classes: int) -> None:
        super().__init__()
        for name in ("positive", "negative"):
            self.register_buffer(name, torch.zeros(classes, dtype=torch.float64))

    def forward(self, logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        """Reweight weights `[..., C]` of labels bool `[..., C]`; in training mode, then add up the gradients.

        They are those of the sigmoid cross-entropy of the logits `[..., C]`, with the new weights.
        """
        of_positives, of_negatives = self._factors()
        weights = weights * torch.where(labels, of_positives, of_negatives)
        if self.training:
            self._add(logits, labels, weights)
        return weights

    def _factors(self) -> tuple[Tensor, Tensor]:
        """Return the factors of positives and negatives, each float32 `[C]`; 1 before there is any gradient."""
        ratio = torch.where(self.negative > 0, self.positive / self.negative, torch.inf)
        of_negatives = torch.sigmoid(_GAMMA * (ratio - _MU)).float()
        return 1 + _ALPHA * (1 - of_negatives), of_negatives

    def _add(self, logits: Tensor, labels: Tensor, weights: Tensor) -> None:
        with torch.no_grad():
            gradients = ((torch.sigmoid(logits) - labels.float()).abs() * weights).flatten(0, -2)
            positive = gradients * labels.flatten(0, -2)
            both = torch.stack([positive.sum(0), (gradients - positive).sum(0)]).double()
            if distributed.is_available() and distributed.is_initialized():
                distributed.all_reduce(both)
            self.positive += both[0]
            self.negative += both[1]
