"""One step of training, and the tensors that the next one depends on."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from boxable.training.ranks import Ranks
from boxable.training.recipes import Recipe
from boxable.training.targets import BatchTargets
from boxable.training.trainee import Trainee
from boxable.weights.model import Model

# SEMANTICS §7.1: the global norm of the gradients, at most.
CLIP_NORM = 10.0

Features = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Losses:
    """The losses of a step, over all ranks."""

    localization: float
    classification: float
    regularization: float
    gradient_norm: float

    @property
    def total(self) -> float:
        """What is minimized."""
        return self.localization + self.classification + self.regularization

    @property
    def is_finite(self) -> bool:
        """Whether the step was taken."""
        return math.isfinite(self.total + self.gradient_norm)


class Learner:
    """The trained part of a model with its optimizer and moving average, on all ranks."""

    def __init__(self, trainee: Trainee, recipe: Recipe, ranks: Ranks) -> None:
        self.trainee, self._recipe, self._ranks = trainee, recipe, ranks
        if ranks.is_distributed and ranks.device.type == "cuda":
            trainee.trained = nn.SyncBatchNorm.convert_sync_batchnorm(trainee.trained)
        self._parameters = trainee.parameters
        self._optimizer = recipe.optimizer(self._parameters)
        self._average = recipe.average(self._parameters)
        self._reweighting = recipe.reweighting()

    def step(self, batches: Sequence[tuple[Features, BatchTargets]], lr: float, step: int) -> Losses:
        """Take one step of the optimizer on the batches of this rank together; `step` is that of the phase, from 0.

        Losses are divided by the number of matched anchors on all ranks, so that the result does not depend on how the
        images are divided among batches and ranks. Where they or the gradients are not finite, no step is taken.
        """
        normalizer = self._ranks.sum(torch.stack([targets.normalizer for _, targets in batches]).sum()).clamp(min=1)
        sums = torch.zeros(2, device=self._ranks.device)
        for features, targets in batches:
            found = self._recipe.loss(self.trainee.trained(dict(features)), targets, self._reweighting)
            sums += torch.stack([found.localization, found.classification]).detach()
            ((found.localization + found.classification) / normalizer).backward()
        regularization = self._recipe.regularization(self.trainee.trained.graph.layers, self._parameters)
        if regularization.requires_grad and self._ranks.is_first:
            regularization.backward()
        self._ranks.sum_gradients(self._parameters.values())
        localization, classification = (self._ranks.sum(sums) / normalizer).tolist()
        norm = float(nn.utils.clip_grad_norm_(self._parameters.values(), CLIP_NORM))
        losses = Losses(localization, classification, float(regularization.detach()), norm)
        if losses.is_finite:
            self._update(lr, step)
        return losses

    def _update(self, lr: float, step: int) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = lr
        self._optimizer.step()
        self._optimizer.zero_grad()
        self._average.update(self._parameters, step)

    def model(self) -> Model:
        """Copy the model that the recipe evaluates: with the moving averages, or with the variables."""
        return self.trainee.to_model(self._average.averages if self._recipe.evaluates_average else None)

    def tensors(self) -> dict[str, Tensor]:
        """Return what `load` needs: variables, averages, the state of the optimizer and of reweighting, by name."""
        found = {f"variable/{name}": values.detach() for name, values in self.trainee.trained.variables().items()}
        found |= {f"average/{name}": values for name, values in self._average.averages.items()}
        if self._reweighting is not None:
            found |= {f"reweighting/{name}": values for name, values in self._reweighting.state_dict().items()}
        for name, parameter in self._parameters.items():
            for slot, values in self._optimizer.state[parameter].items():
                found[f"optimizer/{slot}/{name}"] = values
        return found

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Continue from the tensors of a checkpoint."""
        kinds: dict[str, dict[str, Tensor]] = {"variable": {}, "average": {}, "reweighting": {}, "optimizer": {}}
        for key, values in tensors.items():
            kind, _, name = key.partition("/")
            kinds[kind][name] = values
        self.trainee.trained.load_state_dict(kinds["variable"])
        self._average.load(kinds["average"])
        if self._reweighting is not None:
            self._reweighting.load_state_dict(kinds["reweighting"])
        for key, values in kinds["optimizer"].items():
            slot, _, name = key.partition("/")
            parameter = self._parameters[name]
            of_parameter = values if values.ndim == 0 else torch.empty_like(parameter).copy_(values)
            self._optimizer.state[parameter][slot] = of_parameter
