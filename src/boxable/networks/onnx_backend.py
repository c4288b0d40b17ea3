"""The operations of a graph as nodes of an ONNX graph, in float32."""

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from boxable.arrays import Floats
from boxable.networks.network import Graph
from boxable.networks.ops import Activation, Add, Bias, Concat, Conv, Dense, Pool, Predict, Shape, SpatialMean, Window
from boxable.networks.walk import Weights, bias_of, fold

# A constant, or the name of a tensor.
Constant = NDArray[np.generic] | np.generic | str


class OnnxBackend:
    """Nodes and constants of an ONNX graph in float32, in order. A tensor is known by its name; maps are NCHW."""

    def __init__(self, graph: Graph, weights: Weights) -> None:
        self.graph = graph
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []
        self._pixels: dict[str, str] = {}

    def input(self, name: str, shape: Shape) -> str:
        """Return the tensor that operations read for an input of the graph: a map becomes NCHW."""
        return self.node("Transpose", [name], f"{name}/nchw", perm=[0, 3, 1, 2]) if len(shape) == 3 else name

    def output(self, name: str, tensor: str, shape: Shape) -> None:
        """Return a tensor under the name of an output: a map as NHWC."""
        if len(shape) == 3:
            self.node("Transpose", [tensor], name, perm=[0, 2, 3, 1])
        elif name != tensor:
            self.node("Identity", [tensor], name)

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: int | list[int] | str) -> str:
        """Add a node with one output; returns the output's name."""
        self.nodes.append(helper.make_node(kind, inputs, [output], None, None, None, None, **attributes))
        return output

    def constant(self, name: str, values: Constant) -> str:
        """Add a constant under this name, unless it is a tensor already; returns its name."""
        if isinstance(values, str):
            return values
        array = np.ascontiguousarray(values) if values.ndim else np.asarray(values)
        self.tensors.append(numpy_helper.from_array(array, name))
        return name

    def kernel_and_bias(self, op: Conv | Predict | Dense) -> tuple[Floats, Floats]:
        """Return the kernel, batch norm folded, as ONNX has it, and the bias of a layer.

        Of a convolution `[outputs, inputs, height, width]`, of the others `[inputs, outputs]`.
        """
        kernel, bias = fold(op, self.weights)
        if isinstance(op, Conv):
            return kernel.transpose((2, 3, 0, 1) if op.depthwise else (3, 2, 0, 1)), bias
        return kernel.reshape(kernel.shape[-2:]), bias

    def conv(self, op: Conv, source: str) -> str:
        return self.convolve(op, source, *self.kernel_and_bias(op))

    def convolve(self, op: Conv, source: str, kernel: Constant, bias: Constant) -> str:
        """Add a convolution with its activation."""
        (shape,) = self.graph.input_shapes(op)
        inputs = [source, self.constant(f"{op.name}/kernel", kernel), self.constant(f"{op.name}/bias", bias)]
        convolved = self.node(
            "Conv", inputs, f"{op.name}/convolved" if op.activation else op.name,
            group=shape[2] or 1 if op.depthwise else 1, dilations=[op.window.dilation] * 2, **_window(op.window, shape),
        )  # fmt: skip
        return self._activate(op.activation, convolved, op.name)

    def predict(self, op: Predict, source: str) -> str:
        return self.table(op, self.pixels(source, op.source), *self.kernel_and_bias(op))

    def pixels(self, source: str, map_name: str) -> str:
        """Return the pixels of a map, one a row: predictions as matrix products need no transpose of their results.

        Of all images together, or of each image where their sizes are not known.
        """
        if source not in self._pixels:
            shape = self.graph.shapes[map_name]
            rows = [0, -1, shape[2]] if None in shape else [-1, shape[2]]
            nhwc = self.node("Transpose", [source], f"{map_name}/nhwc", perm=[0, 2, 3, 1])
            inputs = [nhwc, self.constant(f"{map_name}/pixels/shape", np.array(rows))]
            self._pixels[source] = self.node("Reshape", inputs, f"{map_name}/pixels")
        return self._pixels[source]

    def table(self, op: Predict, pixels: str, kernel: Constant, bias: Constant) -> str:
        """Add the matrix product of a prediction layer, and give its result a row for each anchor."""
        rows, values = self.graph.shapes[op.name]
        constants = [self.constant(f"{op.name}/kernel", kernel), self.constant(f"{op.name}/bias", bias)]
        if rows is None:
            product = self.node("MatMul", [pixels, constants[0]], f"{op.name}/unbiased")
            product = self.node("Add", [product, constants[1]], f"{op.name}/product")
        else:
            product = self.node("Gemm", [pixels, *constants], f"{op.name}/product")
        shape = self.constant(f"{op.name}/shape", np.array([0 if rows is None else -1, rows or -1, values]))
        return self.node("Reshape", [product, shape], op.name)

    def dense(self, op: Dense, source: str) -> str:
        kernel, bias = self.kernel_and_bias(op)
        constants = [self.constant(f"{op.name}/kernel", kernel), self.constant(f"{op.name}/bias", bias)]
        return self.node("Gemm", [source, *constants], op.name)

    def bias(self, op: Bias, source: str) -> str:
        values = self.constant(f"{op.name}/bias", bias_of(op, self.weights)[:, None, None])
        added = self.node("Add", [source, values], f"{op.name}/added" if op.activation else op.name)
        return self._activate(op.activation, added, op.name)

    def add(self, op: Add, first: str, second: str) -> str:
        added = self.node("Add", [first, second], f"{op.name}/added" if op.activation else op.name)
        return self._activate(op.activation, added, op.name)

    def concat(self, op: Concat, sources: Sequence[str]) -> str:
        return self.node("Concat", sources, op.name, axis=1)  # channels of NCHW and of vectors, rows of tables

    def pool(self, op: Pool, source: str) -> str:
        window = _window(op.window, self.graph.input_shapes(op)[0])
        if op.kind == "max":
            return self.node("MaxPool", [source], op.name, **window)
        return self.node("AveragePool", [source], op.name, count_include_pad=0, **window)

    def spatial_mean(self, op: SpatialMean, source: str) -> str:
        return self.node("ReduceMean", [source], op.name, axes=[2, 3], keepdims=0)

    def _activate(self, activation: Activation | None, source: str, name: str) -> str:
        if activation == "relu":
            return self.node("Relu", [source], name)
        if activation == "relu6":
            bounds = [self.constant(f"{name}/{bound}", np.float32(value)) for bound, value in (("low", 0), ("high", 6))]
            return self.node("Clip", [source, *bounds], name)
        return source


def _window(window: Window, shape: Shape) -> dict[str, list[int] | str]:
    """Kernel, strides and padding as attributes of a node."""
    attributes: dict[str, list[int] | str] = {"kernel_shape": list(window.kernel), "strides": [window.stride] * 2}
    pads = window.pads(shape)
    return attributes | ({"auto_pad": "SAME_UPPER"} if pads is None else {"pads": list(pads)})
