"""Affine quantization: activations per tensor to 256 steps, kernels per output channel to signed 8 bits.

Biases are corrected for the mean error of quantized kernels (bias correction; Nagel et al. 2019, "Data-Free
Quantization", https://arxiv.org/abs/1906.04721).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from boxable.arrays import Floats

# Biases are int32 at the product of two scales; the scale of a channel is never so small that its bias would overflow.
_BIAS_STEPS = 2.0**30


@dataclass(frozen=True, slots=True)
class Steps:
    """The 256 values that an activation is rounded to: `scale * (step - zero)` for the steps 0 to 255."""

    scale: np.float32
    zero: int

    @classmethod
    def of_range(cls, low: float, high: float) -> "Steps":
        """Return the steps between a lowest value, at most 0, and a highest one, at least 0."""
        scale = np.float32(max(high - low, 1e-6) / 255)
        return cls(scale, int(np.clip(round(-low / float(scale)), 0, 255)))


@dataclass(frozen=True, slots=True, eq=False)
class QuantizedLayer:
    """Kernel int8 `[outputs, inputs, ...]` and bias int32 `[outputs]`, with a float32 scale per output for each."""

    kernel: NDArray[np.int8]
    kernel_scale: Floats
    bias: NDArray[np.int32]
    bias_scale: Floats


def quantize_layer(kernel: Floats, bias: Floats, steps: Steps, means: Floats) -> QuantizedLayer:
    """Quantize kernel `[outputs, inputs, ...]` and bias `[outputs]` of a layer that reads an activation of these steps.

    `means` float32 `[channels]` are the means of what it reads. A depthwise kernel is `[channels, 1, ...]`.
    """
    others = tuple(range(1, kernel.ndim))
    shape = [-1] + [1] * len(others)
    scale = np.maximum(np.abs(kernel).max(axis=others) / 127, np.abs(bias) / (steps.scale * _BIAS_STEPS))
    scale = np.maximum(scale, np.finfo(np.float32).tiny).astype(np.float32)
    rounded = np.clip(np.round(kernel / scale.reshape(shape)), -127, 127).astype(np.int8)
    bias = bias - mean_output(rounded * scale.reshape(shape) - kernel, means)
    bias_scale = np.maximum((scale * steps.scale).astype(np.float32), np.finfo(np.float32).tiny)
    bias_steps = np.round(bias.astype(np.float64) / bias_scale).clip(-(2**31), 2**31 - 1).astype(np.int32)
    return QuantizedLayer(rounded, scale, bias_steps, bias_scale)


def mean_output(kernel: Floats, means: Floats) -> Floats:
    """Return the mean output of a kernel `[outputs, inputs, ...]`, padding apart, for channels with these means.

    A depthwise kernel is `[channels, 1, ...]`.
    """
    per_input = kernel.reshape(*kernel.shape[:2], -1).sum(axis=2)
    if kernel.shape[1] != len(means):
        return np.asarray(per_input[:, 0] * means, np.float32)
    return np.asarray(per_input @ means, np.float32)
