"""A model for some of its classes: columns of other classes are not computed."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from boxable.arrays import Floats, Integers
from boxable.networks.architectures import ARCHITECTURES
from boxable.networks.network import ClassColumns, Network
from boxable.vocabulary import ClassList, select
from boxable.vocabulary.selection import Selection
from boxable.weights.cards import owner_of
from boxable.weights.model import Description, Model


def select_description(description: Description, classes: Selection) -> Description:
    """Describe the model for the selected classes. Raises UnknownClassError."""
    chosen = ClassList(select(classes, description.classes, owner_of(description.handle, description.classes)))
    return replace(description, classes=chosen, network=ARCHITECTURES[description.network.name](len(chosen)))


def select_classes(model: Model, classes: Selection) -> Model:
    """Keep the selected classes: their columns of the class layers, unchanged. Raises UnknownClassError."""
    selected = select_description(model.description, classes)
    columns = np.array([model.classes.column(item) for item in selected.classes], np.intp)
    weights = keep_columns(model.network, model.weights, columns)
    return Model(selected.network, weights, selected.classes, model.handle, model.score_threshold, model.origin)


def keep_columns(network: Network, weights: Mapping[str, Floats], columns: Integers) -> dict[str, Floats]:
    """Keep these columns of the class layers of a network, ascending from 0; other classes cannot be found anymore."""
    kept = dict(weights)
    for name, held in class_variables(network, kept).items():
        first = int(held.background)
        places = np.concatenate([np.arange(first), first + columns])
        grouped = held.grouped(kept[name], network.num_classes)[..., places, :]
        kept[name] = np.ascontiguousarray(grouped.reshape(*kept[name].shape[:-1], -1))
    return kept


def class_variables(network: Network, names: Iterable[str]) -> dict[str, ClassColumns]:
    """Find the variables of class layers among these, and how their last axis, the outputs, holds the classes."""
    layers = network.class_layers
    return {name: held for name in names for layer, held in layers.items() if name.startswith(f"{layer}/")}
