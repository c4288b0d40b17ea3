"""Equalising changes the weights, and not what the network computes."""

import numpy as np
import pytest
from numpy.typing import NDArray

from boxable.networks.equalize import equalized, equalizing_factors, streams
from boxable.networks.onnx_graph import build_onnx
from boxable.networks.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.runtimes.onnx_runtime import OnnxRuntime

NETWORK = ssd_mobilenet_v2(2)


@pytest.fixture(scope="module")
def weights() -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(0)
    made = {}
    for name, shape in NETWORK.variables.items():
        fan_in = np.prod(shape[:2] if "depthwise" in name else shape[:3])
        values = random.normal(0, np.sqrt(2 / fan_in), shape) if len(shape) == 4 else random.uniform(0.5, 1.5, shape)
        made[name] = values.astype(np.float32)
    return made


def heads(weights: dict[str, NDArray[np.float32]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    image = np.random.default_rng(1).uniform(-1, 1, (1, 300, 300, 3)).astype(np.float32)
    return OnnxRuntime(build_onnx(NETWORK, weights, {}), "test", 1).run(image)


def test_the_streams_are_the_linear_layers_and_all_that_read_them() -> None:
    found = streams(NETWORK)
    assert [len(stream.writers) for stream in found] == [2, 3, 4, 3, 3, 1]
    assert [len(stream.readers) for stream in found] == [2, 3, 4, 3, 3, 1]
    assert all(not layer.relu6 for stream in found for layer in stream.writers)
    for stream in found:
        names = {layer.name for layer in stream.writers}
        assert {layer.name for layer in NETWORK.layers if layer.source in names} == {r.name for r in stream.readers}


def test_the_network_computes_the_same(weights: dict[str, NDArray[np.float32]]) -> None:
    random = np.random.default_rng(2)
    factors = {
        stream.name: random.uniform(0.25, 4, stream.writers[0].outputs).astype(np.float32)
        for stream in streams(NETWORK)
    }
    before = {name: values.copy() for name, values in weights.items()}
    changed = equalized(NETWORK, weights, factors)
    assert any(not np.array_equal(changed[name], weights[name]) for name in weights)
    assert all(np.array_equal(weights[name], before[name]) for name in weights)
    for one, other in zip(heads(weights), heads(changed), strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-4 * np.abs(one).max())


def test_factors_bring_peaks_nearer_to_each_other_and_bear_channels_that_never_speak() -> None:
    peaks = np.array([0, 0.1, 1, 10], np.float32)
    factors = equalizing_factors(peaks)
    assert np.prod(factors.astype(np.float64)) == pytest.approx(1, rel=1e-5)
    evened = peaks[1:] / factors[1:]
    assert evened.max() / evened.min() < 0.1 * peaks.max() / peaks[1]
    np.testing.assert_array_equal(equalizing_factors(np.zeros(3, np.float32)), np.ones(3, np.float32))
