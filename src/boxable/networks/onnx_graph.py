"""A network and its weights as an ONNX graph; batch norm is folded here."""

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from boxable.errors import WeightsError
from boxable.networks.calibration import Calibration
from boxable.networks.equalize import equalized
from boxable.networks.graph_parts import Float, Parts
from boxable.networks.int8 import Int8
from boxable.networks.layers import BATCH_NORM_EPSILON, FeatureMap, Layer, Network, Weights, unfolded
from boxable.networks.ssd_mobilenet_v2 import ssd_mobilenet_v2, with_class_outputs

OPSET = 17
IR_VERSION = 8  # what runtimes of 2022 read already


def build_onnx(
    network: Network,
    weights: Weights,
    metadata: Mapping[str, str],
    *,
    calibration: Calibration | None = None,
    watched: Sequence[str] = (),
) -> bytes:
    """The network as a serialised ONNX model.

    Input `images`: float32 `[batch, size, size, 3]`, already resized and normalised to -1..1. Outputs
    `box_encodings` float32 `[batch, anchors, 4]` and `class_logits` float32 `[batch, anchors, classes + 1]`
    (SEMANTICS §5), and the `watched` tensors. `metadata` is stored in the file as it is. With a
    `calibration` most of it computes in int8 (see `networks.int8`).
    """
    parts = Parts()
    numbers: Float | Int8 = Float(parts)
    if calibration is not None:
        numbers = Int8(parts, calibration)
        weights = equalized(network, weights, calibration.factors)
    parts.node("Transpose", ["images"], "image", perm=[0, 3, 1, 2])
    for layer in network.backbone:
        _add_convolution(layer, weights, parts, numbers)
    for item in network.feature_maps:
        _add_heads(item, weights, parts, numbers)
    for output, kind in (("box_encodings", "box_head"), ("class_logits", "class_head")):
        heads = [f"{getattr(item, kind).name}/anchors" for item in network.feature_maps]
        parts.node("Concat", heads, output, axis=1)

    anchors, size = network.num_anchors, network.input_size
    shapes: dict[str, list[str | int]] = {
        "box_encodings": ["batch", anchors, 4], "class_logits": ["batch", anchors, network.num_classes + 1],
    }  # fmt: skip
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    outputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in watched]
    inputs = [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", size, size, 3])]
    graph = helper.make_graph(parts.nodes, network.name, inputs, outputs, parts.tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
                              producer_name="boxable")  # fmt: skip
    helper.set_model_props(model, dict(metadata))
    return bytes(model.SerializeToString())


def open_onnx(data: bytes, name: str) -> onnx.ModelProto:
    """The model in these bytes. Raises WeightsError, which begins with `name`, where there is none."""
    try:
        return onnx.load_from_string(data)
    except Exception as error:  # protobuf raises many kinds
        raise _unreadable(name, error) from None


def read_onnx(data: bytes, name: str) -> tuple[dict[str, str], dict[str, NDArray[np.float32]]]:
    """Metadata and weights (TF variable names) of a graph that `build_onnx` made. Raises WeightsError, which
    begins with `name`, for another.

    Batch norm cannot be unfolded; it comes as the one that changes nothing.
    """
    model = open_onnx(data, name)
    try:
        tensors = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    except Exception as error:  # onnx raises many kinds
        raise _unreadable(name, error) from None
    network = ssd_mobilenet_v2(1)
    outputs = tensors.get(f"{network.feature_maps[0].class_head.name}/bias")
    if outputs is not None:
        network = with_class_outputs(outputs.size) or network
    weights: dict[str, NDArray[np.float32]] = {}
    for layer in network.layers:
        kernel, bias = tensors.get(f"{layer.name}/kernel"), tensors.get(f"{layer.name}/bias")
        if kernel is None or bias is None:
            raise WeightsError(f"{name}: no {layer.name} in it; expected an ONNX file that Boxable wrote")
        if kernel.ndim == 4:
            kernel = kernel.transpose(2, 3, 0, 1) if layer.depthwise else kernel.transpose(2, 3, 1, 0)
        if kernel.size != prod(layer.kernel_shape):
            raise WeightsError(f"{name}: {layer.name} has a kernel of shape {list(kernel.shape)}")
        weights |= unfolded(layer, kernel.reshape(layer.kernel_shape), bias)
    return {item.key: item.value for item in model.metadata_props}, weights


def _unreadable(name: str, error: Exception) -> WeightsError:
    return WeightsError(f"{name}: not a readable ONNX file ({type(error).__name__})")


def fold(layer: Layer, weights: Weights) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Kernel (HWIO, as the variables hold it) and bias of a layer, with its batch norm multiplied in."""
    kernel = weights[layer.kernel_name]
    if not layer.batch_norm:
        return kernel, weights[f"{layer.name}/biases"]
    gamma, beta, mean, variance = (
        weights[f"{layer.name}/BatchNorm/{name}"].astype(np.float64)
        for name in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    scale = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
    # Depthwise kernels have their channels on the third axis, the others their outputs on the fourth.
    folded = kernel * (scale[:, None] if layer.depthwise else scale)
    return folded.astype(np.float32), (beta - mean * scale).astype(np.float32)


def _add_convolution(layer: Layer, weights: Weights, parts: Parts, numbers: Float | Int8) -> None:
    kernel, bias = fold(layer, weights)
    kernel = kernel.transpose((2, 3, 0, 1) if layer.depthwise else (3, 2, 0, 1))
    before, after = layer.padding
    source = numbers.read(layer.source, layer)
    convolved = f"{layer.name}/convolved" if layer.relu6 or layer.shortcut else layer.name
    parts.node(
        "Conv", [source, *numbers.weights(layer, kernel, bias, source, axis=0)], convolved,
        kernel_shape=[layer.kernel] * 2, strides=[layer.stride] * 2, pads=[before, before, after, after],
        group=layer.inputs if layer.depthwise else 1,
    )  # fmt: skip
    if layer.relu6:
        bounds = [parts.tensor(f"{layer.name}/{name}", np.float32(value)) for name, value in (("low", 0), ("high", 6))]
        parts.node("Clip", [convolved, *bounds], layer.name)
    if layer.shortcut:
        parts.node("Add", [numbers.read(convolved, layer), numbers.read(layer.shortcut, layer)], layer.name)


def _add_heads(item: FeatureMap, weights: Weights, parts: Parts, numbers: Float | Int8) -> None:
    """1x1 convolutions as matrix products over the pixels: their results are anchor-major without a transpose."""
    pixels = f"{item.layer.name}/pixels"
    shape = parts.tensor(f"{pixels}/shape", np.array([-1, item.layer.outputs]))
    parts.node(
        "Transpose", [numbers.read(item.layer.name, item.box_head)], f"{item.layer.name}/nhwc", perm=[0, 2, 3, 1]
    )
    parts.node("Reshape", [f"{item.layer.name}/nhwc", shape], pixels)
    source = numbers.read(pixels, item.box_head, range_of=item.layer.name)
    for head in (item.box_head, item.class_head):
        kernel, bias = fold(head, weights)
        values = head.outputs // item.anchors_per_cell
        named = numbers.weights(head, kernel.reshape(head.inputs, head.outputs), bias, source, axis=1)
        shape = parts.tensor(f"{head.name}/shape", np.array([-1, head.size_out**2 * item.anchors_per_cell, values]))
        parts.node("Gemm", [source, *named], head.name)
        parts.node("Reshape", [head.name, shape], f"{head.name}/anchors")
