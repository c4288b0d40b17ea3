"""The TFLite file of a network in int8."""

from dataclasses import dataclass

import numpy as np
import pytest
import tflite
from numpy.testing import assert_allclose

from boxable.networks.calibration import Calibration
from boxable.networks.equalize import equalize, linear_groups
from boxable.networks.int8_backend import quantized_tensors, stays_float
from boxable.networks.network import Graph
from boxable.networks.ops import Add, Concat, Conv, Dense, Pool, Predict, SpatialMean, Window
from boxable.networks.quantization import Steps
from boxable.networks.tflite_backend import kernel_and_bias
from boxable.networks.tflite_graph import build_tflite
from tests.networks.conftest import Built

INT8, FLOAT32, INT32 = tflite.TensorType.INT8, tflite.TensorType.FLOAT32, tflite.TensorType.INT32
LAYERS = (tflite.BuiltinOperator.CONV_2D, tflite.BuiltinOperator.DEPTHWISE_CONV_2D)


def calibration_for(small: Built) -> Calibration:
    names = quantized_tensors(small.graph)
    ranges = {name: (-1.0 - number / 100, 5.0) for number, name in enumerate(names)}
    channels = {name: small.graph.shapes[name][-1] or 0 for name in small.graph.shapes}
    factors = {group.name: np.ones(channels[group.name], np.float32) for group in linear_groups(small.graph)}
    return Calibration(factors, ranges, {name: np.zeros(channels[name], np.float32) for name in names})


@dataclass(frozen=True)
class Operator:
    """An operator of the file, with the tensors that it reads and its result."""

    kind: int
    inputs: list[tflite.Tensor]
    output: tflite.Tensor


@pytest.fixture(scope="module")
def file(small: Built) -> tflite.Model:
    return tflite.Model.GetRootAsModel(build_tflite(small.graph, small.weights, calibration=calibration_for(small)), 0)


@pytest.fixture(scope="module")
def operators(file: tflite.Model) -> list[Operator]:
    return operators_of(file)


def operators_of(file: tflite.Model) -> list[Operator]:
    graph = file.Subgraphs(0)
    found = []
    for number in range(graph.OperatorsLength()):
        operator = graph.Operators(number)
        inputs = [graph.Tensors(operator.Inputs(place)) for place in range(operator.InputsLength())]
        kind = file.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()
        found.append(Operator(kind, inputs, graph.Tensors(operator.Outputs(0))))
    return found


def values(file: tflite.Model, tensor: tflite.Tensor, dtype: type) -> np.ndarray:
    data = file.Buffers(tensor.Buffer()).DataAsNumpy()
    return data.view(dtype).reshape(tensor.ShapeAsNumpy())


def test_layers_compute_in_int8_but_for_those_on_the_largest_maps(small: Built, operators: list[Operator]) -> None:
    layers = [operator for operator in operators if operator.kind in LAYERS]
    ops = [op for op in small.graph.ops if isinstance(op, Conv | Predict)]
    for op, layer in zip(ops, layers, strict=True):
        types = [tensor.Type() for tensor in (*layer.inputs, layer.output)]
        assert types == [FLOAT32] * 4 if stays_float(op, small.graph) else [INT8, INT8, INT32, INT8], op.name


def test_sums_compute_in_int8_too(small: Built, operators: list[Operator]) -> None:
    sums = [operator for operator in operators if operator.kind == tflite.BuiltinOperator.ADD]
    assert len(sums) == sum(isinstance(op, Add) for op in small.graph.ops)
    assert {tensor.Type() for operator in sums for tensor in (*operator.inputs, operator.output)} == {INT8}


def test_each_tensor_is_converted_once(operators: list[Operator]) -> None:
    kinds = [operator.kind for operator in operators]
    assert kinds.count(tflite.BuiltinOperator.QUANTIZE) == 1  # behind the last float32 layer
    assert kinds.count(tflite.BuiltinOperator.DEQUANTIZE) == 12  # two prediction layers on each of six maps


def test_activations_have_the_signed_steps_of_their_ranges(small: Built, operators: list[Operator]) -> None:
    ranges = calibration_for(small).ranges
    layers = [operator for operator in operators if operator.kind in LAYERS]
    ops = [op for op in small.graph.ops if isinstance(op, Conv | Predict)]
    for op, layer in zip(ops, layers, strict=True):
        if stays_float(op, small.graph):
            continue
        for name, tensor in ((op.source, layer.inputs[0]), (op.name, layer.output)):
            steps = Steps.of_range(*ranges[name])
            found = tensor.Quantization()
            assert found.ScaleAsNumpy().tolist() == [steps.scale]
            assert found.ZeroPointAsNumpy().tolist() == [steps.zero - 128]


def test_kernels_are_those_of_the_layers_rounded_per_output(
    small: Built, file: tflite.Model, operators: list[Operator]
) -> None:
    weights = equalize(small.graph, small.weights, calibration_for(small).factors)
    layers = [operator for operator in operators if operator.kind in LAYERS]
    ops = [op for op in small.graph.ops if isinstance(op, Conv | Predict)]
    for op, layer in zip(ops, layers, strict=True):
        if stays_float(op, small.graph):
            continue
        expected, bias = kernel_and_bias(op, weights)
        quantization = layer.inputs[1].Quantization()
        axis, scale = quantization.QuantizedDimension(), quantization.ScaleAsNumpy()
        assert axis == (3 if isinstance(op, Conv) and op.depthwise else 0)
        shape = [-1 if place == axis else 1 for place in range(4)]
        found = values(file, layer.inputs[1], np.int8) * scale.reshape(shape)
        assert_allclose(found, expected, rtol=0, atol=float(scale.max()) * 0.51)
        bias_scale = layer.inputs[2].Quantization().ScaleAsNumpy()
        assert_allclose(bias_scale, scale * layer.inputs[0].Quantization().ScaleAsNumpy(), rtol=1e-6)
        assert_allclose(
            values(file, layer.inputs[2], np.int32) * bias_scale, bias, rtol=0, atol=float(bias_scale.max())
        )


def test_a_tensor_without_a_range_is_an_error(small: Built) -> None:
    calibration = calibration_for(small)
    ranges = {name: bounds for name, bounds in calibration.ranges.items() if "BoxPredictor_3" not in name}
    with pytest.raises(KeyError, match="BoxPredictor_3"):
        build_tflite(
            small.graph, small.weights, calibration=Calibration(calibration.factors, ranges, calibration.means)
        )


def test_an_output_is_float32_with_its_name_and_its_readers_read_int8() -> None:
    ops = (
        Conv("first", "images", 4, norm=None),
        Add("sum", ("first", "first")),
        Conv("second", "sum", 4, norm=None),
        Conv("third", "sum", 4, norm=None),
    )
    graph = Graph(ops, {"images": (4, 4, 3)}, {"a": "first", "b": "sum", "c": "third"})
    channels = {"first": 3, "second": 4, "third": 4}
    weights = {f"{name}/weights": np.ones((1, 1, count, 4), np.float32) for name, count in channels.items()}
    weights |= {f"{name}/biases": np.zeros(4, np.float32) for name in channels}
    means = {"images": np.zeros(3, np.float32), "sum": np.zeros(4, np.float32)}
    calibration = Calibration({}, dict.fromkeys(quantized_tensors(graph), (-1.0, 5.0)), means)
    file = tflite.Model.GetRootAsModel(build_tflite(graph, weights, calibration=calibration), 0)
    found = file.Subgraphs(0)
    outputs = [found.Tensors(found.Outputs(number)) for number in range(found.OutputsLength())]
    assert [(tensor.Name().decode(), tensor.Type()) for tensor in outputs] == [(name, FLOAT32) for name in "abc"]
    kinds = [operator.kind for operator in operators_of(file)]
    assert kinds.count(tflite.BuiltinOperator.QUANTIZE) == 1  # of the image, which is read once
    assert kinds.count(tflite.BuiltinOperator.DEQUANTIZE) == 3
    for operator in operators_of(file):
        if operator.kind in (*LAYERS, tflite.BuiltinOperator.ADD):
            assert {tensor.Type() for tensor in (operator.inputs[0], operator.output)} == {INT8}


def test_float_layers_read_a_tensor_that_was_converted_once() -> None:
    ops = (
        Conv("conv", "images", 4, norm=None),
        SpatialMean("mean", "conv"),
        Dense("one", "mean", 2),
        Concat("both", ("conv", "conv")),
        Pool("pooled", "conv", "max", Window((3, 3))),
    )
    graph = Graph(ops, {"images": (4, 4, 3)}, {"one": "one", "both": "both", "pooled": "pooled"})
    weights = {
        "conv/weights": np.ones((1, 1, 3, 4), np.float32), "conv/biases": np.zeros(4, np.float32),
        "one/weights": np.ones((4, 2), np.float32), "one/biases": np.zeros(2, np.float32),
    }  # fmt: skip
    ranges = dict.fromkeys(quantized_tensors(graph), (-1.0, 5.0))
    calibration = Calibration({}, ranges, {"images": np.zeros(3, np.float32)})
    found = operators_of(tflite.Model.GetRootAsModel(build_tflite(graph, weights, 2, calibration=calibration), 0))
    assert [operator.kind for operator in found].count(tflite.BuiltinOperator.DEQUANTIZE) == 1
    for operator in found:
        assert operator.output.Shape(0) == 2
        if operator.kind not in (*LAYERS, tflite.BuiltinOperator.QUANTIZE, tflite.BuiltinOperator.DEQUANTIZE):
            assert operator.inputs[0].Type() == operator.output.Type() == FLOAT32


def test_tensors_of_a_sum_keep_their_own_ranges() -> None:
    graph = Graph((Add("sum", ("a", "b")),), {"a": (4, 4, 3), "b": (4, 4, 3)}, {"sum": "sum"})
    ranges = {"a": (0.0, 1.0), "b": (0.0, 2.0), "sum": (0.0, 3.0)}
    file = tflite.Model.GetRootAsModel(build_tflite(graph, {}, calibration=Calibration({}, ranges, {})), 0)
    (added,) = (item for item in operators_of(file) if item.kind == tflite.BuiltinOperator.ADD)
    scales = [tensor.Quantization().ScaleAsNumpy()[0] * 255 for tensor in (*added.inputs, added.output)]
    assert scales == pytest.approx([1, 2, 3])


@pytest.mark.parametrize(("side", "kind"), [(149, INT8), (150, FLOAT32)])
def test_predictions_and_sums_on_the_largest_maps_stay_in_float32(side: int, kind: int) -> None:
    ops = (Predict("table", "images", 1, 4), Add("sum", ("images", "images")))
    graph = Graph(ops, {"images": (side, side, 3)}, {"table": "table", "sum": "sum"})
    weights = {"table/weights": np.ones((1, 1, 3, 4), np.float32), "table/biases": np.zeros(4, np.float32)}
    ranges = dict.fromkeys(("images", "table", "sum"), (0.0, 6.0))
    calibration = Calibration({}, ranges, {"images": np.zeros(3, np.float32)})
    found = operators_of(tflite.Model.GetRootAsModel(build_tflite(graph, weights, calibration=calibration), 0))
    computed = [item.output.Type() for item in found if item.kind in (*LAYERS, tflite.BuiltinOperator.ADD)]
    assert computed == [kind, kind]
