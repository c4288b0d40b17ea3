"""The int8 network: what it computes, what it needs, and how near it comes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

import boxable
from boxable.detection.calibrate import calibrate
from boxable.errors import ArgumentError, WeightsError
from boxable.images.sources import source_of
from boxable.networks.architectures.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.networks.calibration import Calibration
from boxable.networks.equalize import linear_groups
from boxable.networks.int8_backend import quantized_tensors, stays_float
from boxable.networks.network import Graph
from boxable.networks.onnx_graph import build_onnx
from boxable.networks.ops import Conv, Op, Pool, Predict, SpatialMean, Window
from boxable.networks.quantization import mean_output
from boxable.runtimes.onnx_runtime import CPU, open_session, session_options
from boxable.runtimes.telemetry import import_onnxruntime
from boxable.weights.calibrations import CalibrationKey, calibration_of, key_of
from boxable.weights.cards import find_card
from boxable.weights.model import Model
from boxable.weights.store import installed, read_file
from tests.conftest import EXAMPLES
from tests.networks.conftest import run_onnx

NETWORK = ssd_mobilenet_v2(23)
(GRAPH,) = NETWORK.graphs.values()
PHOTOS = [str(EXAMPLES / name) for name in ("astronaut.png", "chelsea.png", "coffee.png")]


@pytest.fixture(scope="module")
def model(detector: boxable.Detector) -> Model:
    path = installed(find_card("ssd23").handle)
    assert path is not None
    return Model.from_bytes(read_file(path), "ssd23")


@pytest.fixture(scope="module")
def images() -> NDArray[np.float32]:
    return np.stack([NETWORK.preprocess(source_of(photo).pixels()) for photo in PHOTOS])


def shipped_calibration() -> Calibration:
    path = installed(find_card("ssd23").handle)
    assert path is not None
    return calibration_of(key_of(path, read_file(path)), "ssd23")


def test_all_but_the_layers_on_the_largest_maps_are_rounded() -> None:
    kept = [layer for layer in GRAPH.layers if stays_float(layer, GRAPH)]
    assert len(kept) == 5
    assert sum(layer.macs(GRAPH.input_shapes(layer)) for layer in kept) < 0.12 * (NETWORK.macs or 0)


def test_the_shipped_ranges_are_those_that_the_network_needs(detector: boxable.Detector) -> None:
    shipped = shipped_calibration()
    assert set(shipped.ranges) == set(quantized_tensors(GRAPH))
    assert all(low <= 0 < high for low, high in shipped.ranges.values())
    read = {layer.source for layer in GRAPH.layers if not stays_float(layer, GRAPH)}
    assert {name: GRAPH.shapes[name][2] for name in read} == {
        name: len(values) for name, values in shipped.means.items() if name in read
    }
    assert {group.name for group in linear_groups(GRAPH)} == set(shipped.factors)


def test_the_same_weights_under_another_name_are_calibrated_too(model: Model, tmp_path: Path) -> None:
    replace(model, handle="mine", origin="elsewhere", score_threshold=1e-4).save(tmp_path / "mine.safetensors")
    assert boxable.load(tmp_path / "mine.safetensors", precision="int8")(PHOTOS[1])[0].name == "Cat"


def test_the_rounded_heads_are_near_those_of_float32(model: Model, images: NDArray[np.float32]) -> None:
    metadata = model.description.to_metadata()
    codes, logits = run_onnx(build_onnx(GRAPH, model.weights, metadata), images)
    graph = build_onnx(GRAPH, model.weights, metadata, calibration=shipped_calibration())
    rounded_codes, rounded_logits = run_onnx(graph, images)
    assert 0 < np.abs(rounded_logits - logits).mean() < 0.08
    assert 0 < np.abs(rounded_codes - codes).mean() < 0.1
    assert len(graph) < 7_000_000


def test_int8_finds_what_float32_finds_in_the_examples(detector: boxable.Detector) -> None:
    rounded = boxable.load("ssd23", precision="int8")
    for photo, name in zip(PHOTOS, ("Person", "Cat", "Coffee cup"), strict=True):
        best, other = rounded(photo)[0], detector(photo)[0]
        assert best.name == other.name == name
        assert best.score == pytest.approx(other.score, abs=0.1)


def test_a_channel_without_weights_keeps_its_bias(model: Model, images: NDArray[np.float32]) -> None:
    name = "BoxPredictor_0/ClassPredictor"
    weights = dict(model.weights)
    kernel = weights[f"{name}/weights"].copy()
    kernel[..., 5] = 0
    weights[f"{name}/weights"] = kernel
    metadata = model.description.to_metadata()
    graph = build_onnx(GRAPH, weights, metadata, calibration=shipped_calibration())
    _, logits = run_onnx(graph, images[:1])
    assert logits[0, 0, 5] == pytest.approx(weights[f"{name}/biases"][5], rel=1e-3)


def test_calibrating_gives_each_tensor_a_range_around_zero(model: Model) -> None:
    found, count = calibrate(model, PHOTOS)
    ranges = found.ranges
    assert count == 3
    assert list(ranges) == quantized_tensors(GRAPH)
    relu6 = {layer.name for layer in GRAPH.layers if isinstance(layer, Conv) and layer.activation == "relu6"}
    assert all(low <= 0 < high for low, high in ranges.values())
    assert all(ranges[name][0] == 0 and ranges[name][1] <= 6 for name in relu6 & set(ranges))


def test_calibrating_without_a_picture_is_an_error(model: Model) -> None:
    with pytest.raises(ArgumentError, match="expected an image to calibrate with"):
        calibrate(model, ["nowhere.jpg"])


def test_quantized_kernels_are_corrected_for_their_mean_error() -> None:
    """Bias correction: for inputs at their means, quantized and float layers give the same."""
    ops = (Predict("classes", "images", 1, 8),)
    graph = Graph(ops, {"images": (4, 4, 16)}, {"out": "classes"})
    random = np.random.default_rng(0)
    weights = {
        "classes/weights": random.normal(0, 1, (1, 1, 16, 8)).astype(np.float32),
        "classes/biases": np.zeros(8, np.float32),
    }
    means = random.uniform(50, 100, 16).astype(np.float32)
    inputs = np.tile(np.round(means * 255 / 100) * np.float32(100 / 255), (1, 4, 4, 1)).astype(np.float32)
    calibration = Calibration({}, {"images": (0.0, 100.0)}, {"images": inputs[0, 0, 0]})
    expected, found = (
        open_session(build_onnx(graph, weights, {}, calibration=item), "test", 1).run(["out"], {"images": inputs})[0]
        for item in (None, calibration)
    )
    kernel = weights["classes/weights"][0, 0].T[:, :, None, None]
    steps = np.abs(kernel).max(axis=(1, 2, 3)) / 127
    uncorrected = np.round(kernel / steps[:, None, None, None]) * steps[:, None, None, None] - kernel
    error = np.abs(mean_output(uncorrected.astype(np.float32), inputs[0, 0, 0])).max()
    assert np.abs(found - expected).max() < 0.05 * error


@pytest.mark.parametrize("reader", [None, SpatialMean("last", "conv"), Pool("last", "conv", "max", Window((2, 2)))])
def test_onnx_runtime_computes_a_convolution_in_int8_whatever_reads_it(reader: Op | None, tmp_path: Path) -> None:
    ops: tuple[Op, ...] = (Conv("conv", "images", 8, norm=None), *([reader] if reader else []))
    graph = Graph(ops, {"images": (4, 4, 16)}, {"out": ops[-1].name})
    weights = {"conv/weights": np.ones((1, 1, 16, 8), np.float32), "conv/biases": np.zeros(8, np.float32)}
    ranges = {"images": (0.0, 1.0), "conv": (0.0, 16.0)}
    calibration = Calibration({}, ranges, {"images": np.ones(16, np.float32)})
    options = session_options(1)
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    import_onnxruntime().InferenceSession(build_onnx(graph, weights, {}, calibration=calibration), options, [CPU])
    found = {node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node}
    assert "QLinearConv" in found
    assert not found & {"Conv", "FusedConv"}


def test_what_nobody_calibrated_says_so(model: Model) -> None:
    with pytest.raises(WeightsError, match=r"not calibrated for int8; .* run: boxable quantize mine --calibration DIR"):
        calibration_of(CalibrationKey("0" * 64, "mine"), "mine")
    with pytest.raises(WeightsError, match="no calibration for int8"):
        boxable.load(model, precision="int8")
