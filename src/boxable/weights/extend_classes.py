"""Models to train: with untrained variables, or with those of a model and new columns for the classes it lacks."""

from collections.abc import Collection
from math import prod

import numpy as np

from boxable.arrays import Floats
from boxable.networks.architectures import ARCHITECTURES
from boxable.networks.network import Network
from boxable.vocabulary import ClassList
from boxable.weights.model import Model
from boxable.weights.select_classes import class_variables


def with_classes(model: Model, classes: ClassList, seed: int) -> Model:
    """Give a model other classes in another order.

    Classes that it has, by MID, keep their columns of the class layers bit by bit, as does the background. Columns of
    new classes are initialized as in `initialized`; columns of classes that are not in `classes` are dropped.
    """
    network = ARCHITECTURES[model.network.name](len(classes))
    columns = {item.mid: column for column, item in enumerate(model.classes)}
    pairs = [(columns[item.mid], new) for new, item in enumerate(classes) if item.mid in columns]
    old, new = np.array(pairs, np.intp).reshape(-1, 2).T
    weights = dict(model.weights) | _initial(network, network.class_layers, seed)
    for name, held in class_variables(network, weights).items():
        first = int(held.background)
        ours = held.grouped(weights[name], len(classes))  # a view
        theirs = held.grouped(model.weights[name], len(model.classes))
        ours[..., :first, :] = theirs[..., :first, :]
        ours[..., first + new, :] = theirs[..., first + old, :]
    return Model(network, weights, classes, model.handle, model.score_threshold, model.origin)


def initialized(network: Network, classes: ClassList, handle: str, seed: int) -> Model:
    """Make a model whose variables are not trained (SEMANTICS §3.5), the same for the same seed.

    Kernels are normally distributed, truncated at two standard deviations, which the architecture knows; biases, betas
    and moving means are 0, gammas and moving variances 1.
    """
    return Model(network, _initial(network, [layer.name for layer in network.layers], seed), classes, handle)


def _initial(network: Network, layers: Collection[str], seed: int) -> dict[str, Floats]:
    """Initialize the variables of these layers, in the order of the network."""
    random = np.random.Generator(np.random.PCG64(seed))
    variables: dict[str, Floats] = {}
    for graph in network.graphs.values():
        for layer in (layer for layer in graph.layers if layer.name in layers):
            for name, shape in layer.variables(graph.input_shapes(layer)).items():
                if name == layer.kernel_name:
                    variables[name] = truncated_normal(random, shape, network.initial_stddevs[layer.name])
                else:
                    ones = name.endswith(("/gamma", "/moving_variance"))
                    variables[name] = np.full(shape, float(ones), np.float32)
    return variables


def truncated_normal(random: np.random.Generator, shape: tuple[int, ...], stddev: float) -> Floats:
    """Draw float32 numbers of this shape from a normal distribution around 0, again where beyond two `stddev`."""
    values = random.standard_normal(prod(shape), np.float32)
    while len(beyond := np.flatnonzero(np.abs(values) > 2)):
        values[beyond] = random.standard_normal(len(beyond), np.float32)
    return (values * np.float32(stddev)).reshape(shape)
