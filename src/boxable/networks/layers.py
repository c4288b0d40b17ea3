"""What a layer table consists of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

# TF variable name -> float32 array.
Weights = Mapping[str, NDArray[np.float32]]

BATCH_NORM_EPSILON = 0.001  # SEMANTICS §3.1

# Part of the name under which compiled graphs are cached: raise it whenever what is built from a table changes.
GRAPH_VERSION = 4


@dataclass(frozen=True, slots=True)
class Layer:
    """One convolution with what follows it.

    `source` is the name of the layer it reads (`image` for the picture). SAME padding throughout. With
    `batch_norm` it has no bias, without it one. `shortcut` names the layer whose output is added at the end.
    `size_in` and `size_out` are the sides of the square maps before and after, in pixels.
    """

    name: str
    source: str
    inputs: int
    outputs: int
    size_in: int
    size_out: int
    kernel: int = 1
    stride: int = 1
    depthwise: bool = False
    batch_norm: bool = True
    relu6: bool = True
    shortcut: str | None = None

    @property
    def padding(self) -> tuple[int, int]:
        """Pixels before and after on each axis; the odd one goes after (SEMANTICS §3.1)."""
        total = max((self.size_out - 1) * self.stride + self.kernel - self.size_in, 0)
        return total // 2, total - total // 2

    @property
    def kernel_name(self) -> str:
        """TF variable name of the kernel."""
        return f"{self.name}/{'depthwise_weights' if self.depthwise else 'weights'}"

    @property
    def kernel_shape(self) -> tuple[int, int, int, int]:
        """Height, width, inputs, outputs; depthwise: height, width, channels, 1."""
        return self.kernel, self.kernel, self.inputs, 1 if self.depthwise else self.outputs

    @property
    def variables(self) -> dict[str, tuple[int, ...]]:
        """TF variable name -> shape."""
        vectors = ("gamma", "beta", "moving_mean", "moving_variance") if self.batch_norm else ()
        names = [f"{self.name}/BatchNorm/{vector}" for vector in vectors] or [f"{self.name}/biases"]
        return {self.kernel_name: self.kernel_shape} | dict.fromkeys(names, (self.outputs,))

    @property
    def macs(self) -> int:
        """Multiply-adds for one picture."""
        per_pixel = self.kernel**2 * self.outputs * (1 if self.depthwise else self.inputs)
        return self.size_out**2 * per_pixel


@dataclass(frozen=True, slots=True)
class FeatureMap:
    """A map on which objects are predicted: its layer, the boxes of a cell, and its two heads."""

    layer: Layer
    anchors_per_cell: int
    box_head: Layer
    class_head: Layer


@dataclass(frozen=True, slots=True)
class Network:
    """An architecture for a number of classes (the background, column 0, not counted).

    Box codes are float32 `[batch, anchors, 4]`, class logits `[batch, anchors, num_classes + 1]`.
    """

    name: Literal["ssd_mobilenet_v2"]
    num_classes: int
    input_size: int
    backbone: tuple[Layer, ...]
    feature_maps: tuple[FeatureMap, ...]

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All convolutions: the backbone in order, then box and class head of each map."""
        heads = (head for item in self.feature_maps for head in (item.box_head, item.class_head))
        return (*self.backbone, *heads)

    @property
    def class_heads(self) -> tuple[Layer, ...]:
        """The class head of each map."""
        return tuple(item.class_head for item in self.feature_maps)

    @property
    def variables(self) -> dict[str, tuple[int, ...]]:
        """TF variable name -> shape, all of them."""
        return {name: shape for layer in self.layers for name, shape in layer.variables.items()}

    @property
    def num_anchors(self) -> int:
        """Boxes that are predicted for one picture."""
        return sum(item.layer.size_out**2 * item.anchors_per_cell for item in self.feature_maps)

    @property
    def macs(self) -> int:
        """Multiply-adds for one picture."""
        return sum(layer.macs for layer in self.layers)


def unfolded(layer: Layer, kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """The variables of a layer whose batch norm was folded into kernel (as the variable holds it) and bias.

    Its batch norm is the one that changes nothing: gamma 1, the bias as beta, mean 0, variance 1 - epsilon.
    """
    kernel = np.ascontiguousarray(kernel)
    if not layer.batch_norm:
        return {layer.kernel_name: kernel, f"{layer.name}/biases": bias}
    norm = {
        "gamma": np.ones_like(bias),
        "beta": bias,
        "moving_mean": np.zeros_like(bias),
        "moving_variance": np.full_like(bias, np.float32(1) - np.float32(BATCH_NORM_EPSILON)),
    }
    return {layer.kernel_name: kernel} | {f"{layer.name}/BatchNorm/{name}": values for name, values in norm.items()}
