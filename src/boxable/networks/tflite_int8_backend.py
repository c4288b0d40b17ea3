"""Most of a TFLite graph in int8: weights per channel, static ranges of activations per tensor.

The layers that compute in int8 are those of `networks.int8_backend`, with the same kernels and ranges. In TFLite the
result of such a layer is int8 too, and operators stand where a float32 layer follows an int8 one or the other way.
"""

from collections.abc import Sequence

import numpy as np
import tflite

from boxable.networks.calibration import Calibration
from boxable.networks.int8_backend import stays_float
from boxable.networks.ops import Add, Bias, Concat, Conv, Dense, Op, Pool, Predict, Shape, SpatialMean
from boxable.networks.quantization import Steps, quantize_layer
from boxable.networks.tflite_backend import TfliteBackend, kernel_and_bias

_KINDS = tflite.BuiltinOperator
# TFLite's steps are signed.
_SIGNED = 128


class TfliteInt8Backend:
    """As the backend that it wraps, in int8 where it pays. Raises KeyError for a tensor without a range."""

    def __init__(self, float_backend: TfliteBackend, calibration: Calibration) -> None:
        self._float = float_backend
        self._calibration = calibration
        self._steps: dict[int, Steps] = {}  # of int8 tensors
        self._converted: dict[int, int] = {}  # float32 tensor -> the same in int8, and the other way

    def conv(self, op: Conv, source: int) -> int:
        if stays_float(op, self._float.graph):
            return self._float.conv(op, self._as_float(source, op.source))
        source = self._as_int8(source, op.source)
        return self._finished(op, self._float.convolve(op, source, self._constants(op, source), self._result(op)))

    def predict(self, op: Predict, source: int) -> int:
        if stays_float(op, self._float.graph):
            return self._float.predict(op, self._as_float(source, op.source))
        source = self._as_int8(source, op.source)
        shape = self._float.shape_of_cells(op)
        cells = self._float.convolve_cells(source, self._constants(op, source), self._tensor(shape, op.name))
        return self._float.table(op, self._dequantize(cells, self._float.tensor(shape)))

    def add(self, op: Add, first: int, second: int) -> int:
        if stays_float(op, self._float.graph):
            return self._float.add(op, *self._all_float(op, [first, second]))
        first, second = self._as_int8(first, op.sources[0]), self._as_int8(second, op.sources[1])
        return self._finished(op, self._float.sum(op, first, second, self._result(op)))

    def bias(self, op: Bias, source: int) -> int:
        return self._float.bias(op, self._as_float(source, op.source))

    def dense(self, op: Dense, source: int) -> int:
        return self._float.dense(op, self._as_float(source, op.source))

    def concat(self, op: Concat, sources: Sequence[int]) -> int:
        return self._float.concat(op, self._all_float(op, sources))

    def pool(self, op: Pool, source: int) -> int:
        return self._float.pool(op, self._as_float(source, op.source))

    def spatial_mean(self, op: SpatialMean, source: int) -> int:
        return self._float.spatial_mean(op, self._as_float(source, op.source))

    def _all_float(self, op: Op, sources: Sequence[int]) -> list[int]:
        return [self._as_float(source, name) for source, name in zip(sources, op.sources, strict=True)]

    def _as_int8(self, source: int, name: str) -> int:
        """Return the tensor in int8; `name` is that of the graph."""
        if source in self._steps:
            return source
        if source not in self._converted:
            result = self._tensor(self._float.graph.shapes[name], name)
            self._converted[source] = self._float.file.operator(_KINDS.QUANTIZE, [source], result)
        return self._converted[source]

    def _as_float(self, source: int, name: str) -> int:
        """Return the tensor in float32; `name` is that of the graph."""
        if source not in self._steps:
            return source
        if source not in self._converted:
            self._converted[source] = self._dequantize(source, self._float.tensor(self._float.graph.shapes[name]))
        return self._converted[source]

    def _dequantize(self, source: int, result: int) -> int:
        return self._float.file.operator(_KINDS.DEQUANTIZE, [source], result)

    def _finished(self, op: Op, computed: int) -> int:
        """Return the int8 result of an operation; an output of the graph is float32 and has its name."""
        if op.name not in self._float.graph.outputs.values():
            return computed
        result = self._dequantize(computed, self._float.result(op))
        self._converted[result] = computed
        return result

    def _result(self, op: Op) -> int:
        return self._tensor(self._float.graph.shapes[op.name], op.name)

    def _tensor(self, shape: Shape, name: str) -> int:
        """Add an int8 tensor with the range that the tensor of this name has in the graph; returns its index."""
        steps = Steps.of_range(*self._calibration.ranges[name])
        scale = np.array([steps.scale])
        tensor = self._float.file.int8_tensor(self._float.batched(shape), scale, steps.zero - _SIGNED)
        self._steps[tensor] = steps
        return tensor

    def _constants(self, op: Conv | Predict, source: int) -> list[int]:
        """Quantize kernel and bias of a layer that reads `source`; returns their indices."""
        depthwise = isinstance(op, Conv) and op.depthwise
        to, back = ((3, 0, 1, 2), (1, 2, 3, 0)) if depthwise else ((0, 3, 1, 2), (0, 2, 3, 1))
        kernel, bias = kernel_and_bias(op, self._float.weights)
        means = self._calibration.means[op.source]
        layer = quantize_layer(kernel.transpose(to), bias, self._steps[source], means)
        file, axis = self._float.file, 3 if depthwise else 0
        return [
            file.constant(layer.kernel.transpose(back), layer.kernel_scale, axis),
            file.constant(layer.bias, layer.bias_scale),
        ]
