"""Give the channels of a tensor like ranges, without changing what the network computes.

One range stands for a whole tensor in int8, so a channel that is large takes the steps of those that are small. What
linear layers write can be divided by a factor for each channel, if every layer that reads it multiplies by the same.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from boxable.networks.int8 import is_float
from boxable.networks.layers import Layer, Network, Weights

# 1 would give all channels the same peak. The kernels that read them become unlike instead, and are rounded too; 0.75
# left the least error in the logits of photos that were not calibrated with (0.5 and 1: 3 and 6 % more).
_STRENGTH = 0.75
# A channel that hardly speaks counts as having at least so much of the largest peak.
_LEAST_PEAK = 1e-3


@dataclass(frozen=True, slots=True)
class Stream:
    """Linear layers whose outputs are added to each other, and the layers that read the sums."""

    writers: tuple[Layer, ...]
    readers: tuple[Layer, ...]

    @property
    def name(self) -> str:
        """That of the first layer."""
        return self.writers[0].name

    @property
    def tensors(self) -> list[str]:
        """Every tensor with these channels, by the names that they have in the float graph."""
        convolved = [f"{layer.name}/convolved" for layer in self.writers if layer.shortcut]
        return [*(layer.name for layer in self.writers), *convolved]


def streams(network: Network) -> list[Stream]:
    """All that are read in int8, in order."""
    groups: list[list[Layer]] = []
    for layer in network.backbone:
        if not layer.relu6 and layer.shortcut:
            groups[-1].append(layer)
        elif not layer.relu6:
            groups.append([layer])
    found = []
    for writers in groups:
        names = {layer.name for layer in writers}
        readers = tuple(layer for layer in network.backbone if layer.source in names)
        if not all(is_float(layer) for layer in readers):
            found.append(Stream(tuple(writers), readers))
    return found


def equalizing_factors(peaks: NDArray[np.float32]) -> NDArray[np.float32]:
    """What to divide each channel by, from the largest absolute value that it had: float32 `[channels]`."""
    bounded = np.maximum(peaks, max(float(peaks.max()) * _LEAST_PEAK, 1e-6)).astype(np.float64)
    factors = bounded**_STRENGTH
    return np.asarray(factors / np.exp(np.log(factors).mean()), np.float32)


def equalized(network: Network, weights: Weights, factors: Weights) -> dict[str, NDArray[np.float32]]:
    """The weights with each stream's channels divided by its factors. Raises KeyError if those of one are missing."""
    changed = dict(weights)
    for stream in streams(network):
        by = factors[stream.name]
        for layer in stream.writers:
            for variable in (f"{layer.name}/BatchNorm/{name}" for name in ("gamma", "beta")):
                changed[variable] = changed[variable] / by
        for layer in stream.readers:
            changed[layer.kernel_name] = changed[layer.kernel_name] * by[:, None]
    return changed
