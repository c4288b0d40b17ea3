"""Most of an ONNX graph in int8 (QDQ): weights per channel and signed, activations per tensor and unsigned.

ONNX Runtime and OpenVINO run a layer in int8 where its inputs are quantized and dequantized. Layers on the largest maps
stay in float32: they are few multiply-adds and most of what int8 costs in accuracy. Activations of ReLU6 have the range
0 to 6 at most, so quantizing them costs little.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from boxable.arrays import Floats
from boxable.networks.calibration import Calibration
from boxable.networks.network import Graph
from boxable.networks.onnx_backend import OnnxBackend
from boxable.networks.ops import Add, Bias, Concat, Conv, Dense, Op, Pool, Predict, SpatialMean
from boxable.networks.quantization import Steps, quantize_layer

# Operations that read a map with sides of at least so many pixels stay in float32.
FLOAT_MAP = 150


def stays_float(op: Op, graph: Graph) -> bool:
    """Whether an operation computes in float32."""
    if not isinstance(op, Conv | Predict | Add):
        return True
    height, width, _ = graph.largest_shapes[op.sources[0]]
    return min(height or 0, width or 0) >= FLOAT_MAP


def quantized_by_reader(tensor: str, graph: Graph) -> bool:
    """Whether an operation that reads a tensor quantizes it."""
    return any(
        quantized_by_reader(reader.name, graph) if isinstance(reader, Concat) else not stays_float(reader, graph)
        for reader in graph.readers(tensor)
    )


def quantized_tensors(graph: Graph) -> list[str]:
    """Name the tensors whose ranges a network in int8 needs: what its quantized operations read and compute.

    ONNX graphs do not quantize the results of prediction layers; TFLite files do.
    """
    quantized = [op for op in graph.ops if not stays_float(op, graph)]
    return list(dict.fromkeys(name for op in quantized for name in (*op.sources, op.name)))


class Int8Backend:
    """Emit an ONNX graph with QDQ nodes around convolutions, predictions and additions, except on the largest maps.

    Raises KeyError for a tensor without a range.
    """

    def __init__(self, float_backend: OnnxBackend, calibration: Calibration) -> None:
        self._float = float_backend
        self._calibration = calibration
        self._steps: dict[str, Steps] = {}
        self._quantized: dict[tuple[str, str], str] = {}

    def conv(self, op: Conv, source: str) -> str:
        if stays_float(op, self._float.graph):
            return self._float.conv(op, source)
        source = self._quantize(source, op.source)
        result = self._float.convolve(op, source, *self._quantize_layer(op, source, axis=0))
        # ONNX Runtime computes a convolution in int8 only where its result is quantized.
        return result if quantized_by_reader(op.name, self._float.graph) else self._quantize(result, op.name)

    def predict(self, op: Predict, source: str) -> str:
        if stays_float(op, self._float.graph):
            return self._float.predict(op, source)
        pixels = self._float.pixels(self._quantize(source, op.source), op.source)
        pixels = self._quantize(pixels, op.source)
        return self._float.table(op, pixels, *self._quantize_layer(op, pixels, axis=1))

    def add(self, op: Add, first: str, second: str) -> str:
        if not stays_float(op, self._float.graph):
            first, second = self._quantize(first, op.sources[0]), self._quantize(second, op.sources[1])
        return self._float.add(op, first, second)

    def bias(self, op: Bias, source: str) -> str:
        return self._float.bias(op, source)

    def dense(self, op: Dense, source: str) -> str:
        return self._float.dense(op, source)

    def concat(self, op: Concat, sources: Sequence[str]) -> str:
        """Join tensors; for layers in int8 all have the range of the result, so that none is float32 in between."""
        if quantized_by_reader(op.name, self._float.graph):
            sources = [self._quantize(source, op.name) for source in sources]
        return self._float.concat(op, sources)

    def pool(self, op: Pool, source: str) -> str:
        return self._float.pool(op, source)

    def spatial_mean(self, op: SpatialMean, source: str) -> str:
        return self._float.spatial_mean(op, source)

    def _quantize(self, tensor: str, calibrated: str) -> str:
        """Return the tensor quantized to the steps of the range of `calibrated`, and dequantized."""
        key = tensor, calibrated
        if key not in self._quantized:
            steps = Steps.of_range(*self._calibration.ranges[calibrated])
            is_second = any(known == tensor for known, _ in self._quantized)
            name = f"{tensor}/for/{calibrated}" if is_second else tensor
            constants = [
                self._float.constant(f"{name}/scale", steps.scale),
                self._float.constant(f"{name}/zero", np.uint8(steps.zero)),
            ]
            quantized = self._float.node("QuantizeLinear", [tensor, *constants], f"{name}/uint8")
            result = self._float.node("DequantizeLinear", [quantized, *constants], f"{name}/dequantized")
            self._quantized[key] = result
            self._steps[result] = steps
        return self._quantized[key]

    def _quantize_layer(self, op: Conv | Predict, source: str, *, axis: int) -> tuple[str, str]:
        """Quantize kernel and bias of a layer that reads `source`; the kernel has its outputs on `axis`."""
        kernel, bias = self._float.kernel_and_bias(op)
        means = self._calibration.means[op.source]
        layer = quantize_layer(np.moveaxis(kernel, axis, 0), bias, self._steps[source], means)
        return (
            self._dequantize(f"{op.name}/kernel", np.moveaxis(layer.kernel, 0, axis), layer.kernel_scale, axis),
            self._dequantize(f"{op.name}/bias", layer.bias, layer.bias_scale, 0),
        )

    def _dequantize(self, name: str, steps: NDArray[np.signedinteger], scale: Floats, axis: int) -> str:
        inputs = [
            self._float.constant(f"{name}/steps", steps),
            self._float.constant(f"{name}/scale", scale),
            self._float.constant(f"{name}/zero", np.zeros(len(scale), steps.dtype)),
        ]
        return self._float.node("DequantizeLinear", inputs, name, axis=axis)
