"""Cross-layer equalization (Nagel et al. 2019, "Data-Free Quantization", https://arxiv.org/abs/1906.04721).

One range stands for a whole tensor in int8, so a channel with large values takes the steps of those with small ones.
The outputs of linear layers can be divided by a factor for each channel if every layer that reads them multiplies by
the same: the network computes what it did, with like ranges in all channels.
"""

from dataclasses import dataclass

import numpy as np

from boxable.arrays import Floats
from boxable.networks.int8_backend import stays_float
from boxable.networks.network import Graph
from boxable.networks.ops import Add, Conv
from boxable.networks.walk import Weights

# 1 would give all channels the same peak. The kernels that read them become unlike instead, and are quantized too; 0.75
# left the least error in the logits of images that were not calibrated with (0.5 and 1: 3 and 6 % more).
_STRENGTH = 0.75
# Channels count as having at least this share of the largest peak.
_LEAST_PEAK = 1e-3


@dataclass(frozen=True, slots=True)
class LinearGroup:
    """Linear convolutions whose outputs are added to each other, the sums, and the convolutions that read them."""

    writers: tuple[Conv, ...]
    sums: tuple[Add, ...]
    readers: tuple[Conv, ...]

    @property
    def name(self) -> str:
        """Name of the first convolution."""
        return self.writers[0].name

    @property
    def tensors(self) -> list[str]:
        """Every tensor with these channels."""
        return [*(op.name for op in self.writers), *(op.name for op in self.sums)]


def linear_groups(graph: Graph) -> list[LinearGroup]:
    """Find the groups that can be equalized: read in int8, and by convolutions only."""
    members: list[list[Conv | Add]] = []
    for op in graph.ops:
        if isinstance(op, Conv) and op.norm == "batch" and op.activation is None:
            members.append([op])
        elif isinstance(op, Add) and op.activation is None:
            joined = [group for group in members if any(item.name in op.sources for item in group)]
            if sum(item.name in op.sources for group in joined for item in group) == len(op.sources):
                members = [group for group in members if group not in joined]
                members.append([*(item for group in joined for item in group), op])
    groups = (_group(graph, items) for items in members)
    order = {op.name: place for place, op in enumerate(graph.ops)}
    return sorted((group for group in groups if group is not None), key=lambda group: order[group.name])


def _group(graph: Graph, items: list[Conv | Add]) -> LinearGroup | None:
    names = {item.name for item in items}
    outside = [op for op in graph.ops if names & set(op.sources) and op.name not in names]
    readers = tuple(op for op in outside if isinstance(op, Conv))
    is_output = bool(names & set(graph.outputs.values()))
    if is_output or len(readers) < len(outside) or all(stays_float(op, graph) for op in readers):
        return None
    place = {op.name: number for number, op in enumerate(graph.ops)}
    items = sorted(items, key=lambda item: place[item.name])
    writers = tuple(item for item in items if isinstance(item, Conv))
    return LinearGroup(writers, tuple(item for item in items if isinstance(item, Add)), readers)


def equalizing_factors(peaks: Floats) -> Floats:
    """Compute the divisor of each channel from its largest absolute value: float32 `[channels]`."""
    bounded = np.maximum(peaks, max(float(peaks.max()) * _LEAST_PEAK, 1e-6)).astype(np.float64)
    factors = bounded**_STRENGTH
    return np.asarray(factors / np.exp(np.log(factors).mean()), np.float32)


def equalize(graph: Graph, weights: Weights, factors: Weights) -> dict[str, Floats]:
    """Divide the channels of each group by its factors. Raises KeyError if those of one are missing."""
    changed = dict(weights)
    for group in linear_groups(graph):
        by = factors[group.name]
        for layer in group.writers:
            for variable in (f"{layer.name}/BatchNorm/{name}" for name in ("gamma", "beta")):
                changed[variable] = changed[variable] / by
        for layer in group.readers:
            changed[layer.kernel_name] = changed[layer.kernel_name] * by[:, None]
    return changed
