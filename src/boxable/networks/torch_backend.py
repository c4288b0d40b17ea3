"""A graph and its variables as a torch module, for inference and training. Needs torch."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from boxable.arrays import Floats
from boxable.networks.network import Graph
from boxable.networks.ops import BATCH_NORM_VECTORS, Add, Bias, Concat, Conv, Dense, Layer, Pool, Predict, SpatialMean
from boxable.networks.torch_layers import activate, batch_norm, even_pads, pad, torch_axes, torch_layer
from boxable.networks.walk import Weights, bias_of, fold, walk

# What torch calls the vectors of a batch norm.
_VECTORS = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}


class TorchGraph(nn.Module):
    """The layers of a graph and their batch norms, by layer name; `forward` walks the graph.

    It takes the graph's inputs by name, `[batch, *shape]` with maps as NHWC, in the module's own dtype, and returns the
    outputs by name in the same layout. Between, maps are NCHW in torch's channels-last memory format.

    The state dict has the names of `variables`. With `folded`, for inference, batch norm is part of kernels and biases.
    """

    def __init__(self, graph: Graph, weights: Weights, *, folded: bool = False) -> None:
        super().__init__()
        self.graph, self._folded = graph, folded
        self.layers, self.norms = nn.ModuleDict(), nn.ModuleDict()
        for layer in graph.layers:
            (shape,) = graph.input_shapes(layer)
            if isinstance(layer, Conv) and layer.norm and not folded:
                self.layers[layer.name] = torch_layer(layer, shape, weights[layer.kernel_name], None)
                self.norms[layer.name] = batch_norm(layer.name, layer.norm, weights)
            elif folded:
                self.layers[layer.name] = torch_layer(layer, shape, *fold(layer, weights))
            else:
                bias = weights[f"{layer.name}/biases"]
                self.layers[layer.name] = torch_layer(layer, shape, weights[layer.kernel_name], bias)
        self.biases = nn.ParameterDict(
            {op.name: torch.tensor(bias_of(op, weights)) for op in graph.ops if isinstance(op, Bias)}
        )
        # Pixels with all their channels side by side: predictions come out row by row without a transpose.
        self.to(memory_format=torch.channels_last)
        self.register_state_dict_post_hook(_rename_to_variables)
        self.register_load_state_dict_pre_hook(_rename_from_variables)

    def variables(self) -> dict[str, Tensor]:
        """Return the parameters and buffers by TF variable name; kernels have torch's layout."""
        return {name: tensor for layer in self.graph.layers for name, tensor in self._variables(layer)}

    def _variables(self, layer: Layer) -> Iterator[tuple[str, Tensor]]:
        module = self.layers[layer.name]
        yield layer.kernel_name, module.weight
        if module.bias is not None:
            yield f"{layer.name}/biases", module.bias
        elif isinstance(layer, Conv) and layer.norm:
            norm = self.norms[layer.name]
            for vector in BATCH_NORM_VECTORS[layer.norm]:
                yield f"{layer.name}/BatchNorm/{vector}", getattr(norm, _VECTORS[vector])

    def weights(self, replaced: Mapping[str, Tensor] | None = None) -> dict[str, Floats]:
        """Copy the variables as float32 arrays in TensorFlow's layout, by TF variable name.

        Tensors in `replaced`, in torch's layout, take the place of variables.
        """
        tensors = {**self.variables(), **(replaced or {})}
        copied = {name: tensor.detach().float().cpu().numpy() for name, tensor in tensors.items()}
        for layer in self.graph.layers:
            copied[layer.kernel_name] = copied[layer.kernel_name].transpose(np.argsort(torch_axes(layer)))
        return {name: np.array(values, order="C") for name, values in copied.items()}

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compute the outputs of the graph."""
        maps = {name: values.permute(0, 3, 1, 2) if values.ndim == 4 else values for name, values in inputs.items()}
        outputs = walk(self.graph, self, maps)
        return {name: values.permute(0, 2, 3, 1) if values.ndim == 4 else values for name, values in outputs.items()}

    def conv(self, op: Conv, source: Tensor) -> Tensor:
        padded = source if even_pads(op.window, self.graph.input_shapes(op)[0]) else pad(source, op.window)
        convolved = self.layers[op.name](padded)
        normalized = self.norms[op.name](convolved) if op.name in self.norms else convolved
        return activate(op.activation, normalized if self._folded or op.scale == 1 else normalized * op.scale)

    def predict(self, op: Predict, source: Tensor) -> Tensor:
        predicted: Tensor = self.layers[op.name](source)
        return predicted.permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, op.values))

    def dense(self, op: Dense, source: Tensor) -> Tensor:
        computed: Tensor = self.layers[op.name](source)
        return computed

    def bias(self, op: Bias, source: Tensor) -> Tensor:
        return activate(op.activation, source + self.biases[op.name][:, None, None])

    def add(self, op: Add, first: Tensor, second: Tensor) -> Tensor:
        return activate(op.activation, first + second)

    def concat(self, op: Concat, sources: Sequence[Tensor]) -> Tensor:
        return torch.cat(list(sources), 1)  # channels of NCHW and of vectors, rows of tables

    def pool(self, op: Pool, source: Tensor) -> Tensor:
        kernel, stride = op.window.kernel, op.window.stride
        if op.kind == "max":
            return functional.max_pool2d(pad(source, op.window, float("-inf")), kernel, stride)
        # Averages of the cells of the map alone: those of padded zeros, divided by those of padded ones.
        ones = torch.ones_like(source[:1, :1])
        shares = functional.avg_pool2d(pad(ones, op.window), kernel, stride)
        return functional.avg_pool2d(pad(source, op.window), kernel, stride) / shares

    def spatial_mean(self, op: SpatialMean, source: Tensor) -> Tensor:
        return source.mean((2, 3))


def _torch_names(module: TorchGraph) -> dict[str, str]:
    """Map the names of the variables to those that torch gives the parameters and buffers."""
    names = {id(tensor): name for name, tensor in chain(module.named_parameters(), module.named_buffers())}
    return {name: names[id(tensor)] for name, tensor in module.variables().items()}


def _rename_to_variables(module: TorchGraph, state: dict[str, Any], prefix: str, *_: object) -> None:
    """Name the entries of a state dict after the variables, and leave out the counters of batches."""
    for name, torch_name in _torch_names(module).items():
        state[prefix + name] = state.pop(prefix + torch_name)
    for layer in module.norms:
        del state[f"{prefix}norms.{layer}.num_batches_tracked"]


def _rename_from_variables(module: TorchGraph, state: dict[str, Any], prefix: str, *_: object) -> None:
    """Name the entries of a state dict as torch does before it loads them."""
    for name, torch_name in _torch_names(module).items():
        if prefix + name in state:
            state[prefix + torch_name] = state.pop(prefix + name)
    for layer, norm in module.norms.items():
        state[f"{prefix}norms.{layer}.num_batches_tracked"] = norm.num_batches_tracked
