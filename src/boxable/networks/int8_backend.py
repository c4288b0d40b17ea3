"""Most of an ONNX graph in int8 (QDQ): weights per channel and signed, activations per tensor and unsigned.

ONNX Runtime and OpenVINO run a layer in int8 where its inputs are quantized and dequantized. Layers on the largest maps
stay in float32: they are few multiply-adds and most of what int8 costs in accuracy. Activations of ReLU6 have the range
0 to 6 at most, so quantizing them costs little. Biases are corrected for the mean error of quantized kernels (bias
correction; Nagel et al. 2019, "Data-Free Quantization", https://arxiv.org/abs/1906.04721).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from boxable.arrays import Floats
from boxable.networks.calibration import Calibration
from boxable.networks.network import Graph
from boxable.networks.onnx_backend import OnnxBackend
from boxable.networks.ops import Add, Concat, Conv, Dense, Op, Pool, Predict, SpatialMean

# Operations that read a map with sides of at least so many pixels stay in float32.
FLOAT_MAP = 150
# Biases are int32 at the product of two scales; the scale of a channel is never so small that its bias would overflow.
_BIAS_STEPS = 2.0**30


def stays_float(op: Op, graph: Graph) -> bool:
    """Whether an operation computes in float32."""
    height, width = graph.shapes[op.sources[0]][:2]
    return not isinstance(op, Conv | Predict | Add) or min(height or FLOAT_MAP, width or FLOAT_MAP) >= FLOAT_MAP


def quantized_tensors(graph: Graph) -> list[str]:
    """Name the tensors whose ranges `Int8Backend` needs."""
    quantized = [op for op in graph.ops if not stays_float(op, graph)]
    read = [op.source for op in quantized if isinstance(op, Conv | Predict)]
    added = [source for op in quantized if isinstance(op, Add) for source in op.sources]
    return list(dict.fromkeys(read + added))


class Int8Backend:
    """As the ONNX backend that it wraps, in int8 where it pays. Raises KeyError for a tensor without a range."""

    def __init__(self, float_backend: OnnxBackend, calibration: Calibration) -> None:
        self._float = float_backend
        self._calibration = calibration
        self._scales: dict[str, np.float32] = {}
        self._quantized: dict[str, str] = {}

    def conv(self, op: Conv, source: str) -> str:
        if stays_float(op, self._float.graph):
            return self._float.conv(op, source)
        source = self._quantize(source, op.source)
        return self._float.convolve(op, source, *self._quantize_layer(op, source, axis=0))

    def predict(self, op: Predict, source: str) -> str:
        pixels = self._float.pixels(self._quantize(source, op.source), op.source)
        pixels = self._quantize(pixels, op.source)
        return self._float.table(op, pixels, *self._quantize_layer(op, pixels, axis=1))

    def add(self, op: Add, first: str, second: str) -> str:
        if not stays_float(op, self._float.graph):
            first, second = self._quantize(first, op.sources[0]), self._quantize(second, op.sources[1])
        return self._float.add(op, first, second)

    def dense(self, op: Dense, source: str) -> str:
        return self._float.dense(op, source)

    def concat(self, op: Concat, sources: Sequence[str]) -> str:
        return self._float.concat(op, sources)

    def pool(self, op: Pool, source: str) -> str:
        return self._float.pool(op, source)

    def spatial_mean(self, op: SpatialMean, source: str) -> str:
        return self._float.spatial_mean(op, source)

    def _quantize(self, tensor: str, calibrated: str) -> str:
        """Return the tensor quantized to 256 steps of the range of `calibrated`, and dequantized."""
        if tensor not in self._quantized:
            low, high = self._calibration.ranges[calibrated]
            scale = np.float32(max(high - low, 1e-6) / 255)
            steps = [
                self._float.constant(f"{tensor}/scale", scale),
                self._float.constant(f"{tensor}/zero", np.uint8(np.clip(round(-low / float(scale)), 0, 255))),
            ]
            quantized = self._float.node("QuantizeLinear", [tensor, *steps], f"{tensor}/uint8")
            result = self._float.node("DequantizeLinear", [quantized, *steps], f"{tensor}/dequantized")
            self._quantized[tensor] = result
            self._scales[result] = scale
        return self._quantized[tensor]

    def _quantize_layer(self, op: Conv | Predict, source: str, *, axis: int) -> tuple[str, str]:
        """Quantize kernel and bias of a layer that reads `source`; the kernel has its outputs on `axis`."""
        kernel, bias = self._float.kernel_and_bias(op)
        others = tuple(place for place in range(kernel.ndim) if place != axis)
        shape = [-1 if place == axis else 1 for place in range(kernel.ndim)]
        scale = np.maximum(np.abs(kernel).max(axis=others) / 127, np.abs(bias) / (self._scales[source] * _BIAS_STEPS))
        scale = np.maximum(scale, np.finfo(np.float32).tiny).astype(np.float32)
        steps = np.clip(np.round(kernel / scale.reshape(shape)), -127, 127).astype(np.int8)
        error = np.moveaxis(steps * scale.reshape(shape) - kernel, axis, 0)
        bias = bias - mean_output(error, self._calibration.means[op.source])
        bias_scale = (scale * self._scales[source]).astype(np.float32)
        bias_scale = np.maximum(bias_scale, np.finfo(np.float32).tiny)
        bias_steps = np.round(bias.astype(np.float64) / bias_scale).clip(-(2**31), 2**31 - 1).astype(np.int32)
        return (
            self._dequantize(f"{op.name}/kernel", steps, scale, axis),
            self._dequantize(f"{op.name}/bias", bias_steps, bias_scale, 0),
        )

    def _dequantize(self, name: str, steps: NDArray[np.signedinteger], scale: Floats, axis: int) -> str:
        inputs = [
            self._float.constant(f"{name}/steps", steps),
            self._float.constant(f"{name}/scale", scale),
            self._float.constant(f"{name}/zero", np.zeros(len(scale), steps.dtype)),
        ]
        return self._float.node("DequantizeLinear", inputs, name, axis=axis)


def mean_output(kernel: Floats, means: Floats) -> Floats:
    """Return the mean output of a kernel `[outputs, inputs, ...]`, padding apart, for channels with these means.

    A depthwise kernel is `[channels, 1, ...]`.
    """
    per_input = kernel.reshape(*kernel.shape[:2], -1).sum(axis=2)
    if kernel.shape[1] != len(means):
        return np.asarray(per_input[:, 0] * means, np.float32)
    return np.asarray(per_input @ means, np.float32)
