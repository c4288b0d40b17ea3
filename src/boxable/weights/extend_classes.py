"""Models to train: with untrained variables, or with those of a model and new columns for the classes it lacks."""

import math
from collections.abc import Collection
from dataclasses import replace
from math import prod

import numpy as np

from boxable.arrays import Floats
from boxable.networks.architectures import ARCHITECTURES
from boxable.networks.network import Network
from boxable.vocabulary import ClassList
from boxable.weights.model import Model
from boxable.weights.select_classes import class_variables


def with_classes(model: Model, classes: ClassList, seed: int, prior: float | None = None) -> Model:
    """Give a model other classes in another order.

    Classes that it has, by MID, keep their columns of the class layers bit by bit, as does the background. Columns of
    new classes are initialized as in `initialized`; columns of classes that are not in `classes` are dropped.
    """
    network = ARCHITECTURES[model.network.name](len(classes))
    weights = dict(model.weights) | _initial(network, network.class_layers, seed, prior)
    return with_columns_of(replace(model, network=network, weights=weights, classes=classes), model)


def with_columns_of(model: Model, source: Model) -> Model:
    """Give a model the columns of another one for the classes that both have, by MID, and for the background."""
    columns = {item.mid: column for column, item in enumerate(source.classes)}
    pairs = [(columns[item.mid], new) for new, item in enumerate(model.classes) if item.mid in columns]
    old, new = np.array(pairs, np.intp).reshape(-1, 2).T
    weights = dict(model.weights)
    for name, held in class_variables(model.network, weights).items():
        first = int(held.background)
        weights[name] = weights[name].copy()
        ours = held.grouped(weights[name], len(model.classes))  # a view
        theirs = held.grouped(source.weights[name], len(source.classes))
        ours[..., :first, :] = theirs[..., :first, :]
        ours[..., first + new, :] = theirs[..., first + old, :]
    return replace(model, weights=weights)


def initialized(network: Network, classes: ClassList, handle: str, seed: int, prior: float | None = None) -> Model:
    """Make a model whose variables are not trained (SEMANTICS §3.5), the same for the same seed.

    Kernels are normally distributed, truncated at two standard deviations, which the architecture knows; biases, betas
    and moving means are 0, gammas and moving variances 1. With a `prior`, biases of class layers give this probability
    (RetinaNet, arXiv:1708.02002, section 4.1).
    """
    return Model(network, _initial(network, [layer.name for layer in network.layers], seed, prior), classes, handle)


def _initial(network: Network, layers: Collection[str], seed: int, prior: float | None) -> dict[str, Floats]:
    """Initialize the variables of these layers, in the order of the network."""
    bias = 0.0 if prior is None else math.log(prior / (1 - prior))
    random = np.random.Generator(np.random.PCG64(seed))
    variables: dict[str, Floats] = {}
    for graph in network.graphs.values():
        for layer in (layer for layer in graph.layers if layer.name in layers):
            for name, shape in layer.variables(graph.input_shapes(layer)).items():
                if name == layer.kernel_name:
                    variables[name] = truncated_normal(random, shape, network.initial_stddevs[layer.name])
                elif layer.name in network.class_layers:
                    variables[name] = np.full(shape, bias, np.float32)
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
