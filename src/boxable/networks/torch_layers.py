"""The layers of a graph as torch modules, TensorFlow's padding, and activations. Needs torch."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from boxable.arrays import Floats
from boxable.networks.ops import BATCH_NORM_VECTORS, Activation, Conv, Dense, Layer, Norm, Shape, Window
from boxable.networks.walk import BATCH_NORM_EPSILON, Weights

# Running statistics are 0.9997 of what they were and 0.0003 of the batch's; the variance is the unbiased one, as
# torch's (SEMANTICS §7.6).
BATCH_NORM_MOMENTUM = 0.0003


def torch_layer(layer: Layer, shape: Shape, kernel: Floats, bias: Floats | None) -> nn.Module:
    """Make a convolution or a fully connected layer for inputs of this shape, without its activation.

    The kernel has TensorFlow's layout. Padding that is not the same on both sides is left to `pad`.
    """
    weight = torch.tensor(kernel.transpose(torch_axes(layer)))
    # On the meta device torch draws no initial values.
    if isinstance(layer, Dense):
        module: nn.Module = nn.Linear(*kernel.shape, device="meta")
    else:
        window = layer.window if isinstance(layer, Conv) else Window()
        groups = len(weight) if isinstance(layer, Conv) and layer.depthwise else 1
        module = nn.Conv2d(
            weight.shape[1] * groups, len(weight), window.kernel, window.stride, even_pads(window, shape) or 0,
            window.dilation, groups, device="meta",
        )  # fmt: skip
    module.weight = nn.Parameter(weight)
    module.bias = None if bias is None else nn.Parameter(torch.tensor(bias))
    return module


def torch_axes(layer: Layer) -> tuple[int, ...]:
    """Return the axes of a kernel in TensorFlow's layout, in the order of torch's."""
    if isinstance(layer, Dense):
        return 1, 0
    return (2, 3, 0, 1) if isinstance(layer, Conv) and layer.depthwise else (3, 2, 0, 1)


def batch_norm(layer: str, norm: Norm, weights: Weights) -> nn.BatchNorm2d:
    """Make the batch norm of a layer; one without gamma has no weight."""
    vectors = {name: torch.tensor(weights[f"{layer}/BatchNorm/{name}"]) for name in BATCH_NORM_VECTORS[norm]}
    module = nn.BatchNorm2d(len(vectors["beta"]), BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM)
    module.weight = nn.Parameter(vectors["gamma"]) if "gamma" in vectors else None
    module.bias = nn.Parameter(vectors["beta"])
    module.running_mean, module.running_var = vectors["moving_mean"], vectors["moving_variance"]
    return module


def even_pads(window: Window, shape: Shape) -> tuple[int, int] | None:
    """Return the padding by height and width, if both sides have the same; torch's layers can pad no other way."""
    pads = window.pads(shape)
    return pads[:2] if pads is not None and pads[:2] == pads[2:] else None


def pad(values: Tensor, window: Window, value: float = 0.0) -> Tensor:
    """Pad a map as TensorFlow does."""
    top, left, bottom, right = window.pads((*values.shape[2:], None)) or (0, 0, 0, 0)
    return functional.pad(values, [left, right, top, bottom], value=value)


def activate(activation: Activation | None, values: Tensor) -> Tensor:
    """Compute an activation in place.

    Its gradient follows from its result, and neither convolutions nor batch norm nor sums need their own results.
    """
    if activation == "relu6":
        return functional.relu6(values, inplace=True)
    return functional.relu(values, inplace=True) if activation == "relu" else values
