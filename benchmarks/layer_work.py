"""The work of a network's layers, multiply-adds and bytes, by block and by kind; networks with random weights."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from layer_times import Times
from layers import Row, rows, weights_of

from boxable.networks.calibration import Calibration
from boxable.networks.equalize import linear_groups
from boxable.networks.int8_backend import quantized_tensors
from boxable.networks.network import Graph, Network
from boxable.networks.ops import Conv
from boxable.vocabulary import ClassList
from boxable.weights.compiled import Compiled, compiled_from
from boxable.weights.model import Model


@dataclass(frozen=True)
class Work:
    """Rows that are told together: multiply-adds, and bytes read and written, of one image."""

    layers: tuple[Row, ...]

    @property
    def macs(self) -> int:
        """Multiply-adds."""
        return sum(layer.macs for layer in self.layers)

    def moved(self, precision: str) -> int:
        """Bytes read and written, if every layer reads its inputs and writes its result once."""
        return sum(moved(layer, precision) for layer in self.layers)

    def milliseconds(self, times: Times) -> float:
        """Add up their times."""
        return sum(times.get(layer.name, 0.0) for layer in self.layers)


def moved(layer: Row, precision: str) -> int:
    """Bytes that a layer reads and writes: its map or maps, its weights and its result; heads write float32."""
    value = 1 if precision == "int8" and not layer.stays_float else 4
    return (layer.read + weights_of(layer)) * value + layer.result * (4 if layer.is_head else value)


def block_of(layer: Row) -> str:
    """Return the name in the tables of the part of the network that a layer belongs to."""
    parent, _, last = layer.name.rpartition("/")
    block = parent.rpartition("/")[2]
    if block.startswith("expanded_conv"):
        return f"block {block.removeprefix('expanded_conv').lstrip('_') or 0}"
    if last == "BoxEncodingPredictor":
        return "box heads"
    if last == "ClassPredictor":
        return f"class head, {layer.size_out}x{layer.size_out}" if layer.size_out >= 10 else "other class heads"
    return {"Conv": "first convolution", "Conv_1": "last convolution"}.get(last, "extra layers")


def name_of(layer: Row) -> str:
    """Return the name of a layer in the plot."""
    block, last = block_of(layer), layer.name.rpartition("/")[2]
    if block.startswith("block"):
        return f"{block}, {last}"
    return block if block.startswith("class head") else f"{block}, {layer.size_out}x{layer.size_out}"


def kind_of(layer: Row) -> str:
    if layer.is_head:
        return "heads"
    side = layer.kernel_shape[0]
    return "depthwise 3x3" if layer.depthwise else f"convolution {side}x{side}"


def grouped(network: Network, group_of: Callable[[Row], str]) -> dict[str, Work]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for layer in rows(network):
        groups[group_of(layer)].append(layer)
    return {name: Work(tuple(layers)) for name, layers in groups.items()}


def random_network(network: Network) -> Compiled:
    """Give a network random weights that keep activations in their usual range, and a calibration."""
    generator = np.random.default_rng(0)
    weights = {}
    for name, shape in network.variables.items():
        values = np.ones(shape) if name.endswith(("gamma", "variance")) else generator.normal(0, 0.1, shape)
        weights[name] = values.astype(np.float32)
    for layer in rows(network):
        spread = np.sqrt(2 / (layer.kernel_shape[0] ** 2 * (1 if layer.depthwise else layer.inputs)))
        weights[layer.op.kernel_name] = generator.normal(0, spread, layer.kernel_shape).astype(np.float32)
    (graph,) = network.graphs.values()
    classes = ClassList.numbered((f"/own/{number}", f"class {number}") for number in range(network.num_classes))
    return compiled_from(Model(network, weights, classes, "random network"), wide_calibration(graph))


def wide_calibration(graph: Graph) -> Calibration:
    bounded = {op.name for op in graph.layers if isinstance(op, Conv) and op.activation}
    quantized = quantized_tensors(graph)
    channels = {name: graph.shapes[name][2] for name in quantized if len(graph.shapes[name]) == 3}
    return Calibration(
        {group.name: np.ones(channels[group.name], np.float32) for group in linear_groups(graph)},
        {name: (0.0, 6.0) if name in bounded else (-8.0, 8.0) for name in quantized},
        {name: np.zeros(count, np.float32) for name, count in channels.items()},
    )
