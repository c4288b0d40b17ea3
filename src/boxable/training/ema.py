"""The exponential moving average (EMA) of the variables (SEMANTICS §7.6)."""

from collections.abc import Mapping

import torch
from torch import Tensor

DECAY = 0.9999


class Ema:
    """Averages of variables, by name; they start at the values of the variables.

    With `warm_up` the decay of step n, from 0, is at most (1 + n) / (10 + n), as with `num_updates` in TensorFlow. The
    average of a short run then covers about its last tenth, and not the initial values. `averages` is the whole state.
    """

    def __init__(self, variables: Mapping[str, Tensor], *, decay: float = DECAY, warm_up: bool = False) -> None:
        self.averages = {name: variable.detach().clone() for name, variable in variables.items()}
        self._decay, self._warm_up = decay, warm_up

    def update(self, variables: Mapping[str, Tensor], step: int) -> None:
        """Move the averages towards the variables after a step of the optimizer."""
        decay = min(self._decay, (1 + step) / (10 + step)) if self._warm_up else self._decay
        with torch.no_grad():
            for name, average in self.averages.items():
                average.lerp_(variables[name], 1 - decay)

    def load(self, averages: Mapping[str, Tensor]) -> None:
        """Copy the averages of a checkpoint."""
        for name, average in self.averages.items():
            average.copy_(averages[name])
