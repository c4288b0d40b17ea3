"""A model for some of its classes: columns of other classes are not computed."""

from collections.abc import Mapping
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
    for layer, held in network.class_layers.items():
        for name in (name for name in kept if name.startswith(f"{layer}/")):
            kept[name] = _keep_columns(kept[name], columns, held, network.num_classes)
    return kept


def _keep_columns(values: Floats, columns: np.ndarray, held: ClassColumns, count: int) -> Floats:
    """Keep these columns, and the background's, of a tensor with the outputs of a class layer on its last axis."""
    background = int(held.background)
    kept = np.concatenate([np.arange(background), columns + background])
    grouped = values.reshape(*values.shape[:-1], -1, count + background, held.values)[..., kept, :]
    return np.ascontiguousarray(grouped.reshape(*values.shape[:-1], -1))
