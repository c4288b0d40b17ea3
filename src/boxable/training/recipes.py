"""Recipes: the loss, the optimizer, the learning rate and the augmentation of a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from boxable.networks.ops import Layer
from boxable.training.ema import DECAY, Ema
from boxable.training.eql import EqlV2
from boxable.training.losses import LossSums, default_loss, original_loss
from boxable.training.regularization import l2_loss, regularized_variables
from boxable.training.rmsprop import RmsProp
from boxable.training.samples import ORIGINAL_RULES, SampleRules
from boxable.training.schedules import cosine, staircase
from boxable.training.targets import BatchTargets

Parameters = Mapping[str, nn.Parameter]

# The highest learning rates of the default recipe, by scope.
PEAKS = {"head": 3e-3, "neck": 1e-3, "all": 5e-4}


class OriginalRecipe:
    """The recipe of the original (SEMANTICS §7).

    `evaluates_average`: the model of a checkpoint has the averages of the variables (EMA), not the variables.
    `batch_norm_momentum`: the share of a batch in moving statistics, where these are updated. `prior`: the probability
    that new columns of classes give at first; None leaves their biases at 0.
    """

    batch_size: ClassVar = 24
    evaluates_average: ClassVar = False
    batch_norm_momentum: ClassVar = 0.0003
    prior: ClassVar = None
    rules = ORIGINAL_RULES

    def __init__(self, anchors: Tensor) -> None:
        self._anchors = anchors

    def optimizer(self, parameters: Parameters) -> Optimizer:
        """Make TensorFlow's RMSProp."""
        return RmsProp(parameters.values(), staircase(0))

    def learning_rate(self, step: int, steps: int, scope: str) -> float:
        """Return the learning rate of the staircase, which does not depend on the length of the run."""
        return staircase(step)

    def average(self, parameters: Parameters) -> Ema:
        """Make the average that the original keeps beside its variables."""
        return Ema(parameters, decay=DECAY)

    def reweighting(self) -> None:
        """Return None: classes have the same weight."""

    def loss(self, outputs: Mapping[str, Tensor], targets: BatchTargets, reweighting: EqlV2 | None) -> LossSums:
        """Compute the loss over the anchors of hard example mining."""
        return original_loss(outputs, targets, self._anchors)

    def regularization(self, layers: tuple[Layer, ...], parameters: Parameters) -> Tensor:
        """Compute the L2 loss of the kernels that are trained."""
        return l2_loss(parameters[name] for name in regularized_variables(layers) if name in parameters)


@dataclass(frozen=True)
class DefaultRecipe:
    """The default recipe: focal loss, AdamW with warm-up and cosine, and EMA; docs/training.md has the ablations.

    The first names are those of `OriginalRecipe`. With `eql`, classes
    are reweighted.
    """

    batch_size: ClassVar = 16
    evaluates_average: ClassVar = True
    batch_norm_momentum: ClassVar = 0.03
    # The probability that untrained columns of classes give (RetinaNet, arXiv:1708.02002, section 4.1).
    prior: ClassVar = 0.05

    anchors: Tensor
    ancestors: Tensor
    trained: Tensor
    rules: SampleRules
    eql: bool = False
    peaks: Mapping[str, float] = field(default_factory=PEAKS.copy)
    weight_decay: float = 1e-4
    ema_decay: float = 0.98
    warmup: int = 30

    def optimizer(self, parameters: Parameters) -> Optimizer:
        """Make AdamW (arXiv:1711.05101), with weight decay for kernels only."""
        kernels = [values for values in parameters.values() if values.ndim > 1]
        vectors = [values for values in parameters.values() if values.ndim <= 1]
        groups = [{"params": kernels, "weight_decay": self.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
        return AdamW([group for group in groups if group["params"]])

    def learning_rate(self, step: int, steps: int, scope: str) -> float:
        """Return the learning rate of warm-up and cosine."""
        return cosine(step, peak=self.peaks[scope], steps=steps, warmup=min(self.warmup, steps // 3))

    def average(self, parameters: Parameters) -> Ema:
        """Make an average that forgets the start early."""
        return Ema(parameters, decay=self.ema_decay, warm_up=True)

    def reweighting(self) -> EqlV2 | None:
        """Make the state of EQL v2, None without `eql`; its buffers are saved in checkpoints."""
        return EqlV2(len(self.trained)).to(self.trained.device) if self.eql else None

    def loss(self, outputs: Mapping[str, Tensor], targets: BatchTargets, reweighting: EqlV2 | None) -> LossSums:
        """Compute the focal loss and the Huber loss."""
        return default_loss(outputs, targets, self.anchors, self.ancestors, self.trained, reweighting)

    def regularization(self, layers: tuple[Layer, ...], parameters: Parameters) -> Tensor:
        """Return 0: AdamW decays the kernels itself."""
        return torch.zeros(())


Recipe = OriginalRecipe | DefaultRecipe
