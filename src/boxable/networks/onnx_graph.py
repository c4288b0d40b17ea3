"""A graph and its weights as an ONNX model, in float32 or, with a calibration, in int8."""

from collections.abc import Mapping, Sequence

import onnx
from onnx import TensorProto, helper

from boxable.networks.calibration import Calibration
from boxable.networks.equalize import equalize
from boxable.networks.int8_backend import Int8Backend
from boxable.networks.network import Graph
from boxable.networks.onnx_backend import OnnxBackend
from boxable.networks.ops import Shape
from boxable.networks.walk import Backend, Weights, walk

OPSET = 17
IR_VERSION = 8  # what runtimes of 2022 read already


def build_onnx(
    graph: Graph,
    weights: Weights,
    metadata: Mapping[str, str],
    *,
    calibration: Calibration | None = None,
    extra_outputs: Sequence[str] = (),
) -> bytes:
    """Build a serialized ONNX model of a graph; batch norm is folded.

    Inputs and outputs are float32 `[batch, *shape]`, named as the graph's; maps are NHWC. `extra_outputs` are further
    tensors to return, maps as NCHW. `metadata` is stored as it is. With a `calibration` most of the graph computes in
    int8 (see `networks.int8_backend`).
    """
    if calibration is not None:
        weights = equalize(graph, weights, calibration.factors)
    onnx_backend = OnnxBackend(graph, weights)
    backend: Backend[str] = onnx_backend if calibration is None else Int8Backend(onnx_backend, calibration)
    inputs = {name: onnx_backend.input(name, shape) for name, shape in graph.inputs.items()}
    returned = walk(graph, backend, inputs)
    for name, tensor in returned.items():
        onnx_backend.output(name, tensor, graph.shapes[graph.outputs[name]])
    shapes = dict(graph.inputs) | {name: graph.shapes[tensor] for name, tensor in graph.outputs.items()}
    infos = {name: _tensor_info(name, shape) for name, shape in shapes.items()}
    infos |= {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in extra_outputs}
    outputs = [infos[name] for name in (*returned, *extra_outputs)]
    built = helper.make_graph(
        onnx_backend.nodes, "boxable", [infos[name] for name in inputs], outputs, onnx_backend.tensors
    )
    model = helper.make_model(built, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
                              producer_name="boxable")  # fmt: skip
    helper.set_model_props(model, dict(metadata))
    return bytes(model.SerializeToString())


def _tensor_info(name: str, shape: Shape) -> onnx.ValueInfoProto:
    free = [f"{name}_{axis}" if size is None else size for axis, size in enumerate(shape)]
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *free])
