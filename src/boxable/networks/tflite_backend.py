"""The operations of a graph as operators of a TFLite file, in float32."""

from collections.abc import Mapping, Sequence

import numpy as np
import tflite

from boxable.arrays import Floats
from boxable.networks.network import Graph
from boxable.networks.ops import (
    Activation,
    Add,
    Bias,
    Concat,
    Conv,
    Dense,
    Op,
    Pool,
    Predict,
    Shape,
    SpatialMean,
    Window,
)
from boxable.networks.tflite_writer import TfliteFile
from boxable.networks.walk import Weights, bias_of, fold

_KINDS = tflite.BuiltinOperator
_ACTIVATIONS = {
    None: tflite.ActivationFunctionType.NONE,
    "relu": tflite.ActivationFunctionType.RELU,
    "relu6": tflite.ActivationFunctionType.RELU6,
}


class TfliteBackend:
    """Operators of a TFLite file in float32, in order. A tensor is known by its index; maps are NHWC."""

    def __init__(self, graph: Graph, weights: Weights, file: TfliteFile, batch: int) -> None:
        self.graph, self.weights, self.file = graph, weights, file
        self._batch = batch
        self._output_names = {tensor: name for name, tensor in graph.outputs.items()}

    def tensor(self, shape: Shape, name: str = "") -> int:
        """Add a float32 tensor that is an input or computed; returns its index."""
        return self.file.tensor(self.batched(shape), name)

    def batched(self, shape: Shape) -> list[int]:
        """Return the shape of a tensor with its batch; a size that is not known is 1."""
        return [self._batch, *(size or 1 for size in shape)]

    def conv(self, op: Conv, source: int) -> int:
        return self.convolve(op, source, self.constants(*kernel_and_bias(op, self.weights)), self.result(op))

    def convolve(self, op: Conv, source: int, constants: Sequence[int], result: int) -> int:
        """Add a convolution with its activation; `constants` are kernel and bias."""
        kind, options, fields = _KINDS.CONV_2D, "Conv2DOptions", {}
        if op.depthwise:
            kind, options, fields = _KINDS.DEPTHWISE_CONV_2D, "DepthwiseConv2DOptions", {"DepthMultiplier": 1}
        dilation = {"DilationWFactor": op.window.dilation, "DilationHFactor": op.window.dilation}
        return self.file.operator(
            kind, [source, *constants], result, options, **fields, **_window(op.window), **dilation,
            **_activation(op.activation),
        )  # fmt: skip

    def predict(self, op: Predict, source: int) -> int:
        constants = self.constants(*kernel_and_bias(op, self.weights))
        return self.table(op, self.convolve_cells(source, constants, self.tensor(self.shape_of_cells(op))))

    def shape_of_cells(self, op: Predict) -> Shape:
        """Return the shape of the map that is a prediction layer's result, before it is a table."""
        height, width, _ = self.graph.shapes[op.source]
        return height, width, op.anchors * op.values

    def convolve_cells(self, source: int, constants: Sequence[int], result: int) -> int:
        """Add the 1x1 convolution of a prediction layer."""
        return self.file.operator(_KINDS.CONV_2D, [source, *constants], result, "Conv2DOptions", **_window(Window()))

    def table(self, op: Predict, cells: int) -> int:
        """Give the map that is a prediction layer's result a row for each anchor."""
        shape = self.file.constant(np.array([self._batch, -1, op.values], np.int32))
        return self.file.operator(_KINDS.RESHAPE, [cells, shape], self.result(op))

    def dense(self, op: Dense, source: int) -> int:
        kernel, bias = fold(op, self.weights)
        constants = self.constants(kernel.T, bias)
        return self.file.operator(
            _KINDS.FULLY_CONNECTED, [source, *constants], self.result(op), "FullyConnectedOptions"
        )

    def bias(self, op: Bias, source: int) -> int:
        values = self.file.constant(bias_of(op, self.weights))
        return self.file.operator(
            _KINDS.ADD, [source, values], self.result(op), "AddOptions", **_activation(op.activation)
        )

    def add(self, op: Add, first: int, second: int) -> int:
        return self.sum(op, first, second, self.result(op))

    def sum(self, op: Add, first: int, second: int, result: int) -> int:
        """Add the addition of a residual connection with its activation."""
        return self.file.operator(_KINDS.ADD, [first, second], result, "AddOptions", **_activation(op.activation))

    def concat(self, op: Concat, sources: Sequence[int]) -> int:
        axis = 1 if op.axis == "rows" else len(self.graph.shapes[op.name])
        return self.file.operator(_KINDS.CONCATENATION, sources, self.result(op), "ConcatenationOptions", Axis=axis)

    def pool(self, op: Pool, source: int) -> int:
        kind = _KINDS.MAX_POOL_2D if op.kind == "max" else _KINDS.AVERAGE_POOL_2D
        size = dict(zip(("FilterHeight", "FilterWidth"), op.window.kernel, strict=True))
        return self.file.operator(kind, [source], self.result(op), "Pool2DOptions", **_window(op.window), **size)

    def spatial_mean(self, op: SpatialMean, source: int) -> int:
        axes = self.file.constant(np.array([1, 2], np.int32))
        return self.file.operator(_KINDS.MEAN, [source, axes], self.result(op), "ReducerOptions")

    def constants(self, kernel: Floats, bias: Floats) -> list[int]:
        """Add kernel and bias of a layer; returns their indices."""
        return [self.file.constant(kernel), self.file.constant(bias)]

    def result(self, op: Op) -> int:
        """Add the float32 tensor of an operation's result; returns its index."""
        return self.tensor(self.graph.shapes[op.name], self._output_names.get(op.name, ""))


def kernel_and_bias(op: Conv | Predict, weights: Weights) -> tuple[Floats, Floats]:
    """Return the kernel, batch norm folded, as TFLite has it, and the bias of a convolution.

    The kernel is `[outputs, height, width, inputs]`, of a depthwise convolution `[1, height, width, channels]`.
    """
    kernel, bias = fold(op, weights)
    return kernel.transpose(3, 0, 1, 2), bias


def _activation(activation: Activation | None) -> Mapping[str, int]:
    return {"FusedActivationFunction": _ACTIVATIONS[activation]} if activation else {}


def _window(window: Window) -> Mapping[str, int]:
    padding = tflite.Padding.SAME if window.padding == "SAME" else tflite.Padding.VALID
    return {"Padding": padding, "StrideW": window.stride, "StrideH": window.stride}
