"""Equalizing changes the weights, and not what the network computes."""

import numpy as np
import pytest
from numpy.typing import NDArray

from boxable.networks.architectures.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.networks.equalize import equalize, equalizing_factors, linear_groups
from boxable.networks.network import Graph
from boxable.networks.onnx_graph import build_onnx
from boxable.networks.ops import Conv, Pool, Window
from tests.networks.conftest import run_onnx

NETWORK = ssd_mobilenet_v2(2)
(GRAPH,) = NETWORK.graphs.values()


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
    return run_onnx(build_onnx(GRAPH, weights, {}), image)


def test_groups_are_the_linear_layers_their_sums_and_all_that_read_them() -> None:
    found = linear_groups(GRAPH)
    assert [len(group.writers) for group in found] == [2, 3, 4, 3, 3, 1]
    assert [len(group.sums) for group in found] == [1, 2, 3, 2, 2, 0]
    assert [len(group.readers) for group in found] == [2, 3, 4, 3, 3, 1]
    assert all(layer.activation is None for group in found for layer in group.writers)
    for group in found:
        assert {layer.name for layer in GRAPH.layers if layer.source in group.tensors} == {
            layer.name for layer in group.readers
        }


def test_what_is_read_by_anything_but_a_convolution_is_no_group() -> None:
    ops = (Conv("first", "images", 4), Conv("second", "first", 4), Pool("pooled", "first", "max", Window((2, 2), 2)))
    assert [group.name for group in linear_groups(Graph(ops[:2], {"images": (8, 8, 3)}, {"out": "second"}))] == [
        "first"
    ]
    assert linear_groups(Graph(ops, {"images": (8, 8, 3)}, {"out": "second", "pooled": "pooled"})) == []
    assert linear_groups(Graph(ops[:2], {"images": (8, 8, 3)}, {"out": "second", "first": "first"})) == []


def test_the_network_computes_the_same(weights: dict[str, NDArray[np.float32]]) -> None:
    random = np.random.default_rng(2)
    factors = {
        group.name: random.uniform(0.25, 4, group.writers[0].filters).astype(np.float32)
        for group in linear_groups(GRAPH)
    }
    before = {name: values.copy() for name, values in weights.items()}
    changed = equalize(GRAPH, weights, factors)
    assert any(not np.array_equal(changed[name], weights[name]) for name in weights)
    assert all(np.array_equal(weights[name], before[name]) for name in weights)
    for one, other in zip(heads(weights), heads(changed), strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-4 * np.abs(one).max())


def test_factors_bring_peaks_nearer_to_each_other_and_bear_channels_of_zeros() -> None:
    peaks = np.array([0, 0.1, 1, 10], np.float32)
    factors = equalizing_factors(peaks)
    assert np.prod(factors.astype(np.float64)) == pytest.approx(1, rel=1e-5)
    evened = peaks[1:] / factors[1:]
    assert evened.max() / evened.min() < 0.1 * peaks.max() / peaks[1]
    np.testing.assert_array_equal(equalizing_factors(np.zeros(3, np.float32)), np.ones(3, np.float32))
