"""A model while it is trained: a frozen part, whose features can be cached, and a trained part."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from boxable.networks.partition import partition
from boxable.networks.torch_backend import TorchGraph
from boxable.weights.extend_classes import with_columns_of
from boxable.weights.model import Model


class Trainee:
    """The graph of a single-stage detector in two parts, for one of the scopes of its network.

    `frozen` computes features of images, without gradients, and `trained` computes `box_encodings` and `class_logits`
    of features. Batch norm in the trained part normalizes by its moving statistics, which stay as they are; with
    `batch_norm_momentum` by the statistics of the batch, of which the moving ones take this share.
    With `kept`, only the class layers are trained, and exported models have its columns for its classes and the
    background.
    """

    def __init__(
        self,
        model: Model,
        scope: str,
        device: torch.device,
        *,
        kept: Model | None = None,
        batch_norm_momentum: float | None = None,
    ) -> None:
        self._model, self._kept, self.device = model, kept, device
        (graph,) = model.network.graphs.values()
        layers = model.network.scopes[scope] if kept is None else model.network.class_layers
        frozen, trained = partition(graph, layers)
        self.feature_shapes = trained.inputs
        self.frozen = TorchGraph(frozen, model.weights, folded=True).to(device).eval().requires_grad_(False)
        self.trained = TorchGraph(trained, model.weights).to(device).train()
        for norm in self.trained.norms.values():
            if batch_norm_momentum is None:
                norm.eval()
            else:
                norm.momentum = batch_norm_momentum

    def features_of(self, images: Tensor) -> dict[str, Tensor]:
        """Compute the features of images float32 `[B, h, w, 3]`, without gradients: `[B, *shape]` by name."""
        (name,) = self.frozen.graph.inputs
        with torch.no_grad():
            features: dict[str, Tensor] = self.frozen({name: images})
        return features

    @property
    def parameters(self) -> dict[str, nn.Parameter]:
        """The variables that are trained, by TF name."""
        return {name: values for name, values in self.trained.variables().items() if isinstance(values, nn.Parameter)}

    def to_model(self, replaced: Mapping[str, Tensor] | None = None) -> Model:
        """Copy the model with the trained variables, or with the tensors that take the place of some of them."""
        weights = {**self._model.weights, **self.trained.weights(replaced)}
        model = replace(self._model, weights=weights)
        return model if self._kept is None else with_columns_of(model, self._kept)
