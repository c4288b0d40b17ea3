"""What a network's layers have to do: multiply-adds and bytes, by block and by kind; and graphs with random weights."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np
from layer_times import Times

from boxable.networks.calibration import Calibration
from boxable.networks.equalize import streams
from boxable.networks.int8 import is_float, measured_tensors
from boxable.networks.layers import Layer, Network
from boxable.networks.onnx_graph import build_onnx


@dataclass(frozen=True)
class Work:
    """Layers that are told together: multiply-adds, and bytes read and written, of one picture."""

    layers: tuple[Layer, ...]

    @property
    def macs(self) -> int:
        """Multiply-adds."""
        return sum(layer.macs for layer in self.layers)

    def moved(self, precision: str) -> int:
        """Bytes read and written, if every layer reads its inputs and writes its result once."""
        return sum(moved(layer, precision) for layer in self.layers)

    def milliseconds(self, times: Times) -> float:
        """What they take together."""
        return sum(times.get(layer.name, 0.0) for layer in self.layers)


def moved(layer: Layer, precision: str) -> int:
    """Bytes that a layer reads and writes: its map or maps, its weights and its result; heads write float32."""
    small = precision == "int8" and not is_float(layer)
    value = 1 if small else 4
    result = layer.size_out**2 * layer.outputs
    read = layer.size_in**2 * layer.inputs + prod(layer.kernel_shape) + (result if layer.shortcut else 0)
    return read * value + result * (value if layer.batch_norm else 4)


def block_of(layer: Layer) -> str:
    """What the tables call the part of the network that a layer belongs to."""
    parent, _, last = layer.name.rpartition("/")
    block = parent.rpartition("/")[2]
    if block.startswith("expanded_conv"):
        return f"block {block.removeprefix('expanded_conv').lstrip('_') or 0}"
    if last == "BoxEncodingPredictor":
        return "box heads"
    if last == "ClassPredictor":
        return f"class head, {layer.size_out}x{layer.size_out}" if layer.size_out >= 10 else "other class heads"
    return {"Conv": "first convolution", "Conv_1": "last convolution"}.get(last, "extra layers")


def name_of(layer: Layer) -> str:
    """What the plot calls a layer."""
    block, last = block_of(layer), layer.name.rpartition("/")[2]
    if block.startswith("block"):
        return f"{block}, {last}"
    return block if block.startswith("class head") else f"{block}, {layer.size_out}x{layer.size_out}"


def kind_of(layer: Layer) -> str:
    if not layer.batch_norm:
        return "heads"
    return "depthwise 3x3" if layer.depthwise else f"convolution {layer.kernel}x{layer.kernel}"


def grouped(network: Network, group_of: Callable[[Layer], str]) -> dict[str, Work]:
    groups: dict[str, list[Layer]] = defaultdict(list)
    for layer in network.layers:
        groups[group_of(layer)].append(layer)
    return {name: Work(tuple(layers)) for name, layers in groups.items()}


def random_graph(network: Network, precision: str) -> bytes:
    """The network with random weights that keep values of activations in the range of usual ones."""
    generator = np.random.default_rng(0)
    weights = {}
    for layer in network.layers:
        for name, shape in layer.variables.items():
            values = np.ones(shape) if name.endswith(("gamma", "variance")) else generator.normal(0, 0.1, shape)
            weights[name] = values.astype(np.float32)
        spread = np.sqrt(2 / (layer.kernel**2 * (1 if layer.depthwise else layer.inputs)))
        weights[layer.kernel_name] = generator.normal(0, spread, layer.kernel_shape).astype(np.float32)
    return build_onnx(network, weights, {}, calibration=wide_calibration(network) if precision == "int8" else None)


def wide_calibration(network: Network) -> Calibration:
    bounded = {layer.name for layer in network.backbone if layer.relu6}
    ranges = {name: (0.0, 6.0) if name in bounded else (-8.0, 8.0) for name in measured_tensors(network)}
    factors = {stream.name: np.ones(stream.writers[0].outputs, np.float32) for stream in streams(network)}
    means = {layer.source: np.zeros(layer.inputs, np.float32) for layer in network.layers}
    return Calibration(factors, ranges, means)
