"""An ONNX file that Boxable wrote: run as it is, or read back into a model."""

from collections.abc import Callable
from math import prod

import onnx
from onnx import numpy_helper

from boxable.arrays import Floats
from boxable.errors import WeightsError
from boxable.hashing import sha256_of
from boxable.networks.calibration import Calibration
from boxable.networks.network import Graph
from boxable.networks.ops import Conv, Layer
from boxable.networks.walk import unfold
from boxable.vocabulary.selection import Selection
from boxable.weights.compiled import Compiled, Precision
from boxable.weights.model import Description, Model


class OnnxFile(Compiled):
    """The graph in the file, as it is; with selected classes, or for runtimes that do not read ONNX, its model."""

    def __init__(self, data: bytes, name: str, classes: Selection | None, reopen: Callable[[], Compiled]) -> None:
        proto = _parse(data, name)
        description = _description(proto, name)
        graphs = list(description.network.graphs)
        if len(graphs) > 1:
            raise WeightsError(
                f"{name}: {description.network.name} has {len(graphs)} graphs; expected a .safetensors file"
            )
        _check_shapes(proto, description.network.graphs[graphs[0]], name)

        def calibration() -> Calibration:
            raise WeightsError(f"{name}: an ONNX file is run as it is; for int8 give the .safetensors file")

        super().__init__(
            name, description, lambda: read_onnx(data, name), calibration,
            reopen=reopen, digest=sha256_of(data), classes=classes,
        )  # fmt: skip
        self._data = data

    def onnx(self, graph: str, precision: Precision) -> bytes:
        """Return the file, or a graph for the selected classes."""
        if precision == "int8" or self._classes is not None:
            return super().onnx(graph, precision)
        return self._data


def read_onnx(data: bytes, name: str) -> Model:
    """Read the model out of a float32 graph that `build_onnx` made. Raises WeightsError, which begins with `name`.

    Batch norm cannot be unfolded: the model has a batch norm that changes nothing.
    """
    proto = _parse(data, name)
    description = _description(proto, name)
    try:
        tensors = {item.name: numpy_helper.to_array(item) for item in proto.graph.initializer}
    except Exception as error:  # onnx raises many kinds
        raise _unreadable(name, error) from None
    weights: dict[str, Floats] = {}
    for layer in description.network.layers:
        weights |= _variables(layer, tensors, description.network.variables[layer.kernel_name], name)
    return Model(
        description.network, weights, description.classes, description.handle, description.score_threshold,
        description.origin,
    )  # fmt: skip


def _variables(layer: Layer, tensors: dict[str, Floats], shape: tuple[int, ...], name: str) -> dict[str, Floats]:
    kernel, bias = tensors.get(f"{layer.name}/kernel"), tensors.get(f"{layer.name}/bias")
    if kernel is None or bias is None:
        raise WeightsError(f"{name}: no {layer.name} in it; expected a float32 ONNX file that Boxable wrote")
    if isinstance(layer, Conv) and kernel.ndim == 4:
        kernel = kernel.transpose((2, 3, 0, 1) if layer.depthwise else (2, 3, 1, 0))
    if kernel.size != prod(shape):
        raise WeightsError(f"{name}: {layer.name}: expected a kernel of shape {list(shape)}, got {list(kernel.shape)}")
    return unfold(layer, kernel.reshape(shape), bias)


def _parse(data: bytes, name: str) -> onnx.ModelProto:
    try:
        return onnx.load_from_string(data)
    except Exception as error:  # protobuf raises many kinds
        raise _unreadable(name, error) from None


def _description(proto: onnx.ModelProto, name: str) -> Description:
    return Description.from_metadata({item.key: item.value for item in proto.metadata_props}, name)


def _check_shapes(proto: onnx.ModelProto, graph: Graph, name: str) -> None:
    """Refuse a file whose inputs and outputs are not those of the network that it names."""
    expected = {key: list(shape) for key, shape in graph.inputs.items()}
    expected |= {key: list(graph.shapes[tensor]) for key, tensor in graph.outputs.items()}
    infos = (*proto.graph.input, *proto.graph.output)
    found = {item.name: [axis.dim_value or None for axis in item.type.tensor_type.shape.dim][1:] for item in infos}
    if found != expected:
        raise WeightsError(f"{name}: expected inputs and outputs {expected}, got {found}")


def _unreadable(name: str, error: Exception) -> WeightsError:
    return WeightsError(f"{name}: not a readable ONNX file ({type(error).__name__})")
