"""RMSProp as TensorFlow 1 has it (SEMANTICS §7.6)."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.optim import Optimizer

DECAY = MOMENTUM = 0.9
EPSILON = 1.0


class RmsProp(Optimizer):
    """RMSProp with momentum; epsilon is inside the root, and the mean square starts at 1.

    `torch.optim.RMSprop` has epsilon outside the root and starts at 0. The state of a parameter is `mean_square` and
    `momentum`, both of its shape: `<variable>/RMSProp` and `<variable>/RMSProp_1` in checkpoints of TensorFlow.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float) -> None:
        super().__init__(parameters, {"lr": lr})

    def step(self, closure: None = None) -> None:
        """Update all parameters that have a gradient."""
        with torch.no_grad():
            for group in self.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        self._update(parameter, parameter.grad, group["lr"])

    def _update(self, parameter: Tensor, gradient: Tensor, lr: float) -> None:
        state = self.state[parameter]
        if not state:
            state["mean_square"], state["momentum"] = torch.ones_like(parameter), torch.zeros_like(parameter)
        mean_square, momentum = state["mean_square"], state["momentum"]
        mean_square.mul_(DECAY).addcmul_(gradient, gradient, value=1 - DECAY)
        momentum.mul_(MOMENTUM).addcdiv_(gradient, (mean_square + EPSILON).sqrt_(), value=lr)
        parameter.sub_(momentum)
