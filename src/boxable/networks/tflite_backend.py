"""A graph and its weights as a TFLite file in float32; batch norm is folded."""

from collections.abc import Sequence

import numpy as np
import tflite

from boxable.networks.network import Graph
from boxable.networks.ops import Activation, Add, Concat, Conv, Dense, Op, Pool, Predict, Shape, SpatialMean, Window
from boxable.networks.tflite_writer import TfliteFile
from boxable.networks.walk import Weights, fold, walk

_KINDS = tflite.BuiltinOperator
_ACTIVATIONS = {
    None: tflite.ActivationFunctionType.NONE,
    "relu": tflite.ActivationFunctionType.RELU,
    "relu6": tflite.ActivationFunctionType.RELU6,
}
# More than everything but the constants takes.
_TABLES_BYTES = 1 << 19


def build_tflite(graph: Graph, weights: Weights, batch: int = 1) -> bytes:
    """Build a TFLite file of a graph for batches of this size.

    Inputs and outputs are float32 `[batch, *shape]`, named as the graph's; sizes that are not known are 1 in the file,
    for the interpreter to resize.
    """
    file = TfliteFile(sum(values.nbytes for values in weights.values()) + _TABLES_BYTES)
    backend = TfliteBackend(graph, weights, file, batch)
    inputs = {name: backend.tensor(shape, name) for name, shape in graph.inputs.items()}
    returned = walk(graph, backend, inputs)
    return file.finish(list(inputs.values()), list(returned.values()))


class TfliteBackend:
    """Operators of a TFLite file, in order. A tensor is known by its index."""

    def __init__(self, graph: Graph, weights: Weights, file: TfliteFile, batch: int) -> None:
        self._graph, self._weights, self._file, self._batch = graph, weights, file, batch
        self._output_names = {tensor: name for name, tensor in graph.outputs.items()}

    def tensor(self, shape: Shape, name: str = "") -> int:
        """Add a tensor that is an input or computed; returns its index."""
        return self._file.tensor([self._batch, *(size or 1 for size in shape)], name)

    def conv(self, op: Conv, source: int) -> int:
        kernel, bias = fold(op, self._weights)
        kind, options, fields = _KINDS.CONV_2D, "Conv2DOptions", {}
        if op.depthwise:
            kind, options, fields = _KINDS.DEPTHWISE_CONV_2D, "DepthwiseConv2DOptions", {"DepthMultiplier": 1}
        # Outputs, height, width, inputs; depthwise: 1, height, width, channels.
        constants = [self._file.constant(kernel.transpose(3, 0, 1, 2)), self._file.constant(bias)]
        dilation = {"DilationWFactor": op.window.dilation, "DilationHFactor": op.window.dilation}
        return self._add(
            kind, [source, *constants], op, options, **fields, **_window(op.window), **dilation,
            **_activation(op.activation),
        )  # fmt: skip

    def predict(self, op: Predict, source: int) -> int:
        kernel, bias = fold(op, self._weights)
        constants = [self._file.constant(kernel.transpose(3, 0, 1, 2)), self._file.constant(bias)]
        height, width, _ = self._graph.shapes[op.source]
        convolved = self.tensor((height, width, len(bias)))
        self._file.operator(_KINDS.CONV_2D, [source, *constants], convolved, "Conv2DOptions", **_window(Window()))
        shape = self._file.constant(np.array([self._batch, -1, op.values], np.int32))
        return self._add(_KINDS.RESHAPE, [convolved, shape], op)

    def dense(self, op: Dense, source: int) -> int:
        kernel, bias = fold(op, self._weights)
        constants = [self._file.constant(kernel.T), self._file.constant(bias)]
        return self._add(_KINDS.FULLY_CONNECTED, [source, *constants], op, "FullyConnectedOptions")

    def add(self, op: Add, first: int, second: int) -> int:
        if op.scale != 1:
            scale = self._file.constant(np.array([op.scale], np.float32))
            scaled = self.tensor(self._graph.shapes[op.name])
            first = self._file.operator(_KINDS.MUL, [first, scale], scaled, "MulOptions")
        return self._add(_KINDS.ADD, [first, second], op, "AddOptions", **_activation(op.activation))

    def concat(self, op: Concat, sources: Sequence[int]) -> int:
        axis = 1 if op.axis == "rows" else len(self._graph.shapes[op.name])
        return self._add(_KINDS.CONCATENATION, sources, op, "ConcatenationOptions", Axis=axis)

    def pool(self, op: Pool, source: int) -> int:
        kind = _KINDS.MAX_POOL_2D if op.kind == "max" else _KINDS.AVERAGE_POOL_2D
        size = dict(zip(("FilterHeight", "FilterWidth"), op.window.kernel, strict=True))
        return self._add(kind, [source], op, "Pool2DOptions", **_window(op.window), **size)

    def spatial_mean(self, op: SpatialMean, source: int) -> int:
        axes = self._file.constant(np.array([1, 2], np.int32))
        return self._add(_KINDS.MEAN, [source, axes], op, "ReducerOptions")

    def _add(self, kind: int, inputs: Sequence[int], op: Op, options: str = "", **fields: int) -> int:
        """Add the operator that computes an operation's result; returns the index of the result."""
        result = self.tensor(self._graph.shapes[op.name], self._output_names.get(op.name, ""))
        return self._file.operator(kind, inputs, result, options, **fields)


def _activation(activation: Activation | None) -> dict[str, int]:
    return {"FusedActivationFunction": _ACTIVATIONS[activation]} if activation else {}


def _window(window: Window) -> dict[str, int]:
    padding = tflite.Padding.SAME if window.padding == "SAME" else tflite.Padding.VALID
    return {"Padding": padding, "StrideW": window.stride, "StrideH": window.stride}
