"""Folding of batch norm, and its inverse."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from boxable.networks.architectures.ssd_mobilenet_v2 import ROOT
from boxable.networks.ops import Conv, Window
from boxable.networks.walk import fold, has_statistics, unfold
from tests.networks.conftest import Built


@pytest.mark.parametrize(
    "name",
    ["Conv", "expanded_conv/depthwise", "expanded_conv_3/project", "Conv_1", "layer_19_2_Conv2d_3_3x3_s2_256"],
)
def test_folding_multiplies_batch_norm_into_kernel_and_bias(small: Built, name: str) -> None:
    layer = next(layer for layer in small.graph.layers if layer.name == f"{ROOT}/{name}")
    kernel, bias = fold(layer, small.weights)
    unfolded = small.weights[layer.kernel_name]
    patch = np.random.default_rng(2).uniform(-1, 1, unfolded.shape[:3])
    gamma, beta, mean, variance = (
        small.weights[f"{layer.name}/BatchNorm/{vector}"].astype(np.float64)
        for vector in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    depthwise = isinstance(layer, Conv) and layer.depthwise
    expected = gamma * (_convolve(patch, unfolded, depthwise) - mean) / np.sqrt(variance + 0.001) + beta
    assert kernel.dtype == bias.dtype == np.float32
    assert_allclose(_convolve(patch, kernel, depthwise) + bias, expected, rtol=0, atol=1e-5)


def test_a_batch_norm_without_gamma_has_gamma_1() -> None:
    layer = Conv("conv", "images", 4, Window((3, 3)), norm="batch_without_gamma")
    random = np.random.default_rng(0)
    weights = {
        name: random.uniform(0.5, 1.5, shape).astype(np.float32) for name, shape in layer.variables([(8, 8, 3)]).items()
    }
    assert len(weights) == 4
    with_gamma = Conv("conv", "images", 4, Window((3, 3)))
    ones = {"conv/BatchNorm/gamma": np.ones(4, np.float32)}
    for found, expected in zip(fold(layer, weights), fold(with_gamma, weights | ones), strict=True):
        assert_array_equal(found, expected)


def test_unfolding_gives_a_batch_norm_that_folding_undoes_bit_for_bit(small: Built) -> None:
    for layer in small.graph.layers:
        kernel, bias = fold(layer, small.weights)
        weights = unfold(layer, kernel, bias)
        assert {name: values.shape for name, values in weights.items()} == {
            name: shape for name, shape in small.network.variables.items() if name in weights
        }
        for found, expected in zip(fold(layer, weights), (kernel, bias), strict=True):
            assert_array_equal(found, expected)


def test_a_network_whose_batch_norm_was_folded_has_no_statistics(small: Built) -> None:
    folded: dict[str, np.ndarray] = {}
    for layer in small.graph.layers:
        folded |= unfold(layer, *fold(layer, small.weights))
    assert has_statistics(small.network, small.weights)
    assert not has_statistics(small.network, folded)
    assert not has_statistics(small.graph, folded)
    norm = f"{ROOT}/Conv_1/BatchNorm"
    for change in ({f"{norm}/moving_mean": 1e-7}, {f"{norm}/moving_variance": 1.0}):
        changed = {name: np.full_like(folded[name], value) for name, value in change.items()}
        assert has_statistics(small.network, folded | changed)


def _convolve(patch: np.ndarray, kernel: np.ndarray, depthwise: bool) -> np.ndarray:
    """One output pixel `[outputs]` in float64."""
    if depthwise:
        return np.einsum("hwc,hwc->c", patch, kernel[..., 0].astype(np.float64))
    return np.einsum("hwi,hwio->o", patch, kernel.astype(np.float64))
