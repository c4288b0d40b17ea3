"""The one walk over a graph: each backend says what an operation becomes in its own form."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

import numpy as np

from boxable.arrays import Floats
from boxable.networks.network import Graph, Network
from boxable.networks.ops import Add, Bias, Concat, Conv, Dense, Layer, Op, Pool, Predict, SpatialMean

# TF variable name -> float32 array.
Weights = Mapping[str, Floats]

BATCH_NORM_EPSILON = 0.001  # SEMANTICS §3.1
# Of a batch norm that changes nothing.
_UNFOLDED_VARIANCE = np.float32(1) - np.float32(BATCH_NORM_EPSILON)

T = TypeVar("T")


class Backend(Protocol[T]):
    """What each operation becomes; `T` is a tensor of the backend: a name, an index, a torch tensor."""

    def conv(self, op: Conv, source: T) -> T: ...

    def predict(self, op: Predict, source: T) -> T: ...

    def dense(self, op: Dense, source: T) -> T: ...

    def bias(self, op: Bias, source: T) -> T: ...

    def add(self, op: Add, first: T, second: T) -> T: ...

    def concat(self, op: Concat, sources: Sequence[T]) -> T: ...

    def pool(self, op: Pool, source: T) -> T: ...

    def spatial_mean(self, op: SpatialMean, source: T) -> T: ...


def walk(graph: Graph, backend: Backend[T], inputs: Mapping[str, T]) -> dict[str, T]:
    """Build or compute a graph in order; returns its outputs by name."""
    values = dict(inputs)
    for op in graph.ops:
        values[op.name] = _apply(op, backend, [values[source] for source in op.sources])
    return {name: values[tensor] for name, tensor in graph.outputs.items()}


def _apply(op: Op, backend: Backend[T], sources: list[T]) -> T:
    match op:
        case Conv():
            return backend.conv(op, sources[0])
        case Predict():
            return backend.predict(op, sources[0])
        case Dense():
            return backend.dense(op, sources[0])
        case Bias():
            return backend.bias(op, sources[0])
        case Add():
            return backend.add(op, sources[0], sources[1])
        case Concat():
            return backend.concat(op, sources)
        case Pool():
            return backend.pool(op, sources[0])
        case SpatialMean():
            return backend.spatial_mean(op, sources[0])


def fold(layer: Layer, weights: Weights) -> tuple[Floats, Floats]:
    """Fold the batch norm and the scale of a layer into its kernel, as the variable has it (HWIO), and its bias.

    The bias is 0 where the layer does not add it.
    """
    kernel, bias = _folded(layer, weights)
    if isinstance(layer, Conv):
        bias = bias if layer.adds_bias else np.zeros_like(bias)
        if layer.scale != 1:
            kernel, bias = kernel * np.float32(layer.scale), bias * np.float32(layer.scale)
    return kernel, bias


def bias_of(op: Bias, weights: Weights) -> Floats:
    """Return the bias of a layer that does not add it itself, batch norm folded."""
    return _folded(op.layer, weights)[1]


def _folded(layer: Layer, weights: Weights) -> tuple[Floats, Floats]:
    kernel = weights[layer.kernel_name]
    norm = layer.norm if isinstance(layer, Conv) else None
    if norm is None:
        return kernel, weights[f"{layer.name}/biases"]
    beta, mean, variance = (
        weights[f"{layer.name}/BatchNorm/{name}"].astype(np.float64)
        for name in ("beta", "moving_mean", "moving_variance")
    )
    gamma = weights[f"{layer.name}/BatchNorm/gamma"].astype(np.float64) if norm == "batch" else 1.0
    scale = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
    # Depthwise kernels have their channels on the third axis, the others their outputs on the fourth.
    depthwise = isinstance(layer, Conv) and layer.depthwise
    folded = kernel * (scale[:, None] if depthwise else scale)
    return folded.astype(np.float32), (beta - mean * scale).astype(np.float32)


def unfold(layer: Layer, kernel: Floats, bias: Floats) -> dict[str, Floats]:
    """Give a layer whose batch norm was folded its variables: those of a batch norm that changes nothing.

    That is gamma 1, the bias as beta, mean 0, variance 1 - epsilon. The kernel is as the variable has it.
    """
    kernel = np.ascontiguousarray(kernel)
    norm = layer.norm if isinstance(layer, Conv) else None
    if norm is None:
        return {layer.kernel_name: kernel, f"{layer.name}/biases": bias}
    vectors = {
        "gamma": np.ones_like(bias),
        "beta": bias,
        "moving_mean": np.zeros_like(bias),
        "moving_variance": np.full_like(bias, _UNFOLDED_VARIANCE),
    }
    if norm == "batch_without_gamma":
        del vectors["gamma"]
    return {layer.kernel_name: kernel} | {f"{layer.name}/BatchNorm/{name}": values for name, values in vectors.items()}


def has_statistics(network: Graph | Network, weights: Weights) -> bool:
    """Tell whether batch norms have moving statistics of their own; False where all are what `unfold` makes."""
    norms = [f"{layer.name}/BatchNorm" for layer in network.layers if isinstance(layer, Conv) and layer.norm]
    return any(
        bool((weights[f"{norm}/moving_mean"] != 0).any())
        or bool((weights[f"{norm}/moving_variance"] != _UNFOLDED_VARIANCE).any())
        for norm in norms
    )
