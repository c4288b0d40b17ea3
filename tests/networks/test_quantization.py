"""Affine quantization: steps, kernels, biases."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from boxable.networks.quantization import Steps, mean_output, quantize_layer

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(("low", "high", "zero"), [(0.0, 6.0, 0), (-6.0, 0.0, 255), (-1.0, 5.0, 42), (0.0, 0.0, 0)])
def test_steps_reach_from_the_lowest_to_the_highest_value(low: float, high: float, zero: int) -> None:
    steps = Steps.of_range(low, high)
    assert steps.zero == zero
    assert steps.scale * 255 == pytest.approx(max(high - low, 1e-6), rel=1e-6)


@pytest.mark.parametrize("shape", [(8, 16, 1, 1), (8, 1, 3, 3)])
def test_each_output_has_a_scale_of_its_own(shape: tuple[int, ...]) -> None:
    kernel = (
        RANDOM.normal(0, 1, shape).astype(np.float32) * np.logspace(-3, 3, 8, dtype=np.float32)[:, None, None, None]
    )
    layer = quantize_layer(kernel, np.zeros(8, np.float32), Steps.of_range(0, 6), np.zeros(16, np.float32)[: shape[1]])
    assert layer.kernel.dtype == np.int8
    assert np.abs(layer.kernel.astype(int)).max(axis=(1, 2, 3)).tolist() == [127] * 8
    error = np.abs(layer.kernel * layer.kernel_scale[:, None, None, None] - kernel)
    assert (error.max(axis=(1, 2, 3)) <= layer.kernel_scale / 2 * 1.001).all()


def test_a_bias_has_the_scale_of_its_products() -> None:
    kernel, bias = RANDOM.normal(0, 1, (4, 8, 1, 1)).astype(np.float32), np.array([1, -2, 0, 1e9], np.float32)
    steps = Steps.of_range(-1, 5)
    layer = quantize_layer(kernel, bias, steps, np.zeros(8, np.float32))
    assert_array_equal(layer.bias_scale, layer.kernel_scale * steps.scale)
    assert_allclose(layer.bias * layer.bias_scale.astype(np.float64), bias, atol=float(layer.bias_scale.max()))


def test_a_kernel_of_zeros_keeps_its_bias() -> None:
    layer = quantize_layer(
        np.zeros((1, 3, 1, 1), np.float32), np.array([5], np.float32), Steps.of_range(0, 6), np.zeros(3, np.float32)
    )
    assert not layer.kernel.any()
    assert layer.bias * layer.bias_scale == pytest.approx(5, rel=1e-3)


def test_a_bias_makes_up_for_the_mean_error_of_its_kernel() -> None:
    kernel, means = RANDOM.normal(0, 1, (4, 8, 1, 1)).astype(np.float32), RANDOM.uniform(50, 100, 8).astype(np.float32)
    layer = quantize_layer(kernel, np.zeros(4, np.float32), Steps.of_range(0, 100), means)
    dequantized = layer.kernel * layer.kernel_scale[:, None, None, None]
    found = mean_output(dequantized, means) + layer.bias * layer.bias_scale
    assert_allclose(found, mean_output(kernel, means), atol=float(layer.bias_scale.max()))
    assert np.abs(mean_output(dequantized - kernel, means)).max() > 10 * layer.bias_scale.max()


def test_the_mean_output_of_a_depthwise_kernel_is_that_of_each_channel() -> None:
    kernel = np.arange(18, dtype=np.float32).reshape(2, 1, 3, 3)
    assert mean_output(kernel, np.array([1, 10], np.float32)).tolist() == [36, 1170]
