"""Most of a network in int8: weights per output channel and signed, activations per tensor and unsigned.

Quantised and dequantised values stand where ONNX Runtime and OpenVINO look for them to run the layer between in int8.
The layers on the largest maps stay in float32: they are few multiply-adds, and most of what int8 costs in accuracy.
Activations of a ReLU6 have the range 0 to 6 at most, so that it costs nothing. What rounding a kernel adds to the
mean of an output is taken off its bias.
"""

import numpy as np
from numpy.typing import NDArray

from boxable.networks.calibration import Calibration
from boxable.networks.graph_parts import Float, Parts
from boxable.networks.layers import Layer, Network

# Layers that read a map with sides of at least so many pixels stay in float32.
FLOAT_MAP = 150
# Biases are int32 at the product of two scales; the scale of a channel is never so small that its bias would overflow.
_BIAS_STEPS = 2.0**30


def is_float(layer: Layer) -> bool:
    """Whether a layer stays in float32."""
    return layer.size_in >= FLOAT_MAP


def measured_tensors(network: Network) -> list[str]:
    """The tensors whose ranges `Int8` needs, by the names that they have in the float graph."""
    heads = [item.box_head for item in network.feature_maps]
    readers = [layer for layer in (*network.backbone, *heads) if not is_float(layer)]
    tensors = [layer.source for layer in readers]
    for layer in readers:
        if layer.shortcut:
            tensors += [f"{layer.name}/convolved", layer.shortcut]
    return list(dict.fromkeys(tensors))


class Int8:
    """As `Float`, in int8 where it pays. Raises KeyError for a tensor that was not calibrated."""

    def __init__(self, parts: Parts, calibration: Calibration) -> None:
        self._parts = parts
        self._float = Float(parts)
        self._calibration = calibration
        self._scales: dict[str, np.float32] = {}
        self._made: dict[str, str] = {}

    def read(self, tensor: str, layer: Layer, *, range_of: str | None = None) -> str:
        """The tensor that `layer` reads in place of this one: rounded to 256 steps of its range."""
        if is_float(layer):
            return self._float.read(tensor, layer, range_of=range_of)
        if tensor not in self._made:
            low, high = self._calibration.ranges[range_of or tensor]
            scale = np.float32(max(high - low, 1e-6) / 255)
            steps = [
                self._parts.tensor(f"{tensor}/scale", scale),
                self._parts.tensor(f"{tensor}/zero", np.uint8(np.clip(round(-low / float(scale)), 0, 255))),
            ]
            rounded = self._parts.node("QuantizeLinear", [tensor, *steps], f"{tensor}/uint8")
            self._made[tensor] = self._parts.node("DequantizeLinear", [rounded, *steps], f"{tensor}/rounded")
            self._scales[self._made[tensor]] = scale
        return self._made[tensor]

    def weights(
        self, layer: Layer, kernel: NDArray[np.float32], bias: NDArray[np.float32], source: str, *, axis: int
    ) -> list[str]:
        """Names of kernel and bias of a layer that reads `source`; the kernel has its outputs on `axis`."""
        name = layer.name
        if is_float(layer):
            return self._float.weights(layer, kernel, bias, source, axis=axis)
        others = tuple(place for place in range(kernel.ndim) if place != axis)
        shape = [-1 if place == axis else 1 for place in range(kernel.ndim)]
        scale = np.maximum(np.abs(kernel).max(axis=others) / 127, np.abs(bias) / (self._scales[source] * _BIAS_STEPS))
        scale = np.maximum(scale, np.finfo(np.float32).tiny).astype(np.float32)
        steps = np.clip(np.round(kernel / scale.reshape(shape)), -127, 127).astype(np.int8)
        error = steps * scale.reshape(shape) - kernel
        bias = bias - _mean_output(layer, np.moveaxis(error, axis, 0), self._calibration.means[layer.source])
        bias_scale = (scale * self._scales[source]).astype(np.float32)
        bias_scale = np.maximum(bias_scale, np.finfo(np.float32).tiny)
        bias_steps = np.round(bias.astype(np.float64) / bias_scale).clip(-(2**31), 2**31 - 1).astype(np.int32)
        return [
            self._rounded(f"{name}/kernel", steps, scale, axis),
            self._rounded(f"{name}/bias", bias_steps, bias_scale, 0),
        ]

    def _rounded(self, name: str, steps: NDArray[np.signedinteger], scale: NDArray[np.float32], axis: int) -> str:
        inputs = [
            self._parts.tensor(f"{name}/steps", steps),
            self._parts.tensor(f"{name}/scale", scale),
            self._parts.tensor(f"{name}/zero", np.zeros(len(scale), steps.dtype)),
        ]
        return self._parts.node("DequantizeLinear", inputs, name, axis=axis)


def _mean_output(layer: Layer, kernel: NDArray[np.float32], means: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a kernel `[outputs, ...]` gives in the mean for inputs whose channels have these means (padding apart)."""
    per_input = kernel.reshape(len(kernel), 1 if layer.depthwise else layer.inputs, -1).sum(axis=2)
    return np.asarray(per_input[:, 0] * means if layer.depthwise else per_input @ means, np.float32)
