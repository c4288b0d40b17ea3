"""L2 regularization (SEMANTICS §7.4)."""

from collections.abc import Iterable

import torch
from torch import Tensor

from boxable.networks.ops import Conv, Layer

L2_WEIGHT = 0.00004


def regularized_variables(layers: Iterable[Layer]) -> list[str]:
    """List the variables that are regularized: kernels, but not those of depthwise convolutions."""
    return [layer.kernel_name for layer in layers if not (isinstance(layer, Conv) and layer.depthwise)]


def l2_loss(kernels: Iterable[Tensor]) -> Tensor:
    """Compute 0.00004 times half the sum of the squares of at least one kernel: a scalar with gradient."""
    return L2_WEIGHT / 2 * torch.stack([kernel.square().sum() for kernel in kernels]).sum()
