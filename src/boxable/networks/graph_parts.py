"""What an ONNX graph is put together from."""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from boxable.networks.layers import Layer

Values = NDArray[np.generic] | np.generic


class Parts:
    """The nodes and constant tensors of a graph, in order."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []

    def node(self, kind: str, inputs: list[str], output: str, **attributes: int | list[int]) -> str:
        """Add a node with one output; gives the output's name."""
        self.nodes.append(helper.make_node(kind, inputs, [output], None, None, None, None, **attributes))
        return output

    def tensor(self, name: str, values: Values) -> str:
        """Add a constant; gives its name."""
        array = np.ascontiguousarray(values) if values.ndim else np.asarray(values)
        self.tensors.append(numpy_helper.from_array(array, name))
        return name


class Float:
    """Everything in float32."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def read(self, tensor: str, layer: Layer, *, range_of: str | None = None) -> str:
        """The tensor that `layer` reads in place of this one."""
        return tensor

    def weights(
        self, layer: Layer, kernel: NDArray[np.float32], bias: NDArray[np.float32], source: str, *, axis: int
    ) -> list[str]:
        """Names of kernel and bias of a layer that reads `source`; the kernel has its outputs on `axis`."""
        return [self._parts.tensor(f"{layer.name}/kernel", kernel), self._parts.tensor(f"{layer.name}/bias", bias)]
