"""The int8 network: what it computes, what it needs, and how near it comes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import boxable
from boxable.detection.calibrate import calibrate
from boxable.errors import ArgumentError, WeightsError
from boxable.images.resize import network_input
from boxable.images.sources import source_of
from boxable.networks.calibration import Calibration
from boxable.networks.equalize import streams
from boxable.networks.int8 import is_float, measured_tensors
from boxable.networks.onnx_graph import build_onnx
from boxable.networks.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.runtimes.onnx_runtime import OnnxRuntime
from boxable.weights.calibrations import calibration_of, weights_hash
from boxable.weights.cards import find_card
from boxable.weights.model import Model
from boxable.weights.store import installed, read_file
from tests.conftest import EXAMPLES

PHOTOS = [str(EXAMPLES / name) for name in ("astronaut.png", "chelsea.png", "coffee.png")]


@pytest.fixture(scope="module")
def model(detector: boxable.Detector) -> Model:
    path = installed(find_card("ssd23").handle)
    assert path is not None
    return Model.from_bytes(read_file(path), "ssd23")


@pytest.fixture(scope="module")
def images() -> NDArray[np.float32]:
    return np.stack([network_input(source_of(photo).pixels(), 300) for photo in PHOTOS])


def shipped_calibration() -> Calibration:
    path = installed(find_card("ssd23").handle)
    assert path is not None
    return calibration_of(weights_hash(read_file(path)), "ssd23")


def heads(graph: bytes, images: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return OnnxRuntime(graph, "test", 1).run(images)


def test_all_but_the_layers_on_the_largest_maps_are_rounded() -> None:
    network = ssd_mobilenet_v2(23)
    kept = [layer for layer in network.layers if is_float(layer)]
    assert len(kept) == 5
    assert sum(layer.macs for layer in kept) < 0.12 * network.macs


def test_the_shipped_ranges_are_those_that_the_network_needs(detector: boxable.Detector) -> None:
    shipped, network = shipped_calibration(), ssd_mobilenet_v2(23)
    assert set(shipped.ranges) == set(measured_tensors(network))
    assert all(low <= 0 < high for low, high in shipped.ranges.values())
    assert {layer.source: layer.inputs for layer in network.layers if not is_float(layer)} == {
        name: len(values) for name, values in shipped.means.items()
    }
    assert {stream.name for stream in streams(network)} == set(shipped.factors)


def test_the_same_weights_under_another_name_are_calibrated_too(model: Model, tmp_path: Path) -> None:
    replace(model, handle="mine", origin="elsewhere", score_threshold=1e-4).save(tmp_path / "mine.safetensors")
    assert boxable.load(tmp_path / "mine.safetensors", precision="int8")(PHOTOS[1])[0].name == "Cat"


def test_the_rounded_heads_are_near_those_of_float32(model: Model, images: NDArray[np.float32]) -> None:
    metadata = model.description.to_metadata()
    codes, logits = heads(build_onnx(model.network, model.weights, metadata), images)
    graph = build_onnx(model.network, model.weights, metadata, calibration=shipped_calibration())
    rounded_codes, rounded_logits = heads(graph, images)
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
    graph = build_onnx(model.network, weights, metadata, calibration=shipped_calibration())
    _, logits = heads(graph, images[:1])
    assert logits[0, 0, 5] == pytest.approx(weights[f"{name}/biases"][5], rel=1e-3)


def test_calibrating_gives_each_tensor_a_range_around_zero(model: Model) -> None:
    found, count = calibrate(model, PHOTOS)
    ranges = found.ranges
    assert count == 3
    assert list(ranges) == measured_tensors(model.network)
    relu6 = {layer.name for layer in model.network.backbone if layer.relu6}
    assert all(low <= 0 < high for low, high in ranges.values())
    assert all(ranges[name][0] == 0 and ranges[name][1] <= 6 for name in relu6 & set(ranges))


def test_calibrating_without_a_picture_is_an_error(model: Model) -> None:
    with pytest.raises(ArgumentError, match="no picture"):
        calibrate(model, ["nowhere.jpg"])


def test_what_nobody_calibrated_says_so(model: Model) -> None:
    with pytest.raises(WeightsError, match=r"not calibrated for int8; .* run: boxable quantize mine --calibration DIR"):
        calibration_of("0" * 64, "mine")
    with pytest.raises(ArgumentError, match="calibrated"):
        boxable.load(model, precision="int8")
