"""The registry of architectures: name -> function that builds the network for a number of classes.

To add one: write a module beside this one with a function of its name that returns a `Network`, and name it in
`ARCHITECTURES`. The module is imported when the architecture is first built.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module

from boxable.networks.network import Network


def _build(name: str, num_classes: int) -> Network:
    network: Network = getattr(import_module(f"{__name__}.{name}"), name)(num_classes)
    return network


ARCHITECTURES: dict[str, Callable[[int], Network]] = {
    name: partial(_build, name) for name in ("ssd_mobilenet_v2", "faster_rcnn_inception_resnet_v2")
}


def recognize(variables: Mapping[str, tuple[int, ...]]) -> Network | None:
    """Find the architecture with most of these variables (TF name -> shape), for their number of classes.

    None if no architecture has its class layer among them, with outputs for one class or more. Missing, surplus and
    misshapen variables are for `Model` to refuse.
    """
    found = []
    for build in ARCHITECTURES.values():
        layer = next(iter(build(1).class_layers))
        network = _with_outputs(build, variables.get(f"{layer}/biases", ()))
        if network is not None:
            found.append(network)
    return max(found, key=lambda network: len(network.variables.keys() & variables.keys()), default=None)


def recognize_kernels(shapes: Sequence[tuple[int, ...]]) -> Network | None:
    """Find the architecture whose layers have kernels of these shapes (height, width, inputs, outputs), in order."""
    for build in ARCHITECTURES.values():
        smallest = build(1)
        place = [layer.name for layer in smallest.layers].index(next(iter(smallest.class_layers)))
        network = _with_outputs(build, shapes[place][-1:]) if place < len(shapes) else None
        if network is not None and [network.variables[layer.kernel_name] for layer in network.layers] == list(shapes):
            return network
    return None


def _with_outputs(build: Callable[[int], Network], outputs: tuple[int, ...]) -> Network | None:
    """Build the network whose first class layer has so many outputs; None if it cannot have them."""
    smallest = build(1)
    layer, columns = next(iter(smallest.class_layers.items()))
    background = int(columns.background)
    per_column = smallest.variables[f"{layer}/biases"][0] // (1 + background)
    if len(outputs) != 1 or outputs[0] % per_column or outputs[0] // per_column - background < 1:
        return None
    return build(outputs[0] // per_column - background)
