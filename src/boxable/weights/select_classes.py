"""A model for some of its classes: columns of other classes are not computed."""

from dataclasses import replace

import numpy as np

from boxable.arrays import Floats
from boxable.networks.architectures import ARCHITECTURES
from boxable.networks.network import ClassColumns
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
    weights = dict(model.weights)
    for layer, held in model.network.class_layers.items():
        for name in (name for name in weights if name.startswith(f"{layer}/")):
            weights[name] = _keep_columns(weights[name], columns, held, len(model.classes))
    return Model(selected.network, weights, selected.classes, model.handle, model.score_threshold, model.origin)


def _keep_columns(values: Floats, columns: np.ndarray, held: ClassColumns, count: int) -> Floats:
    """Keep these columns, and the background's, of a tensor with the outputs of a class layer on its last axis."""
    background = int(held.background)
    kept = np.concatenate([np.arange(background), columns + background])
    grouped = values.reshape(*values.shape[:-1], -1, count + background, held.values)[..., kept, :]
    return np.ascontiguousarray(grouped.reshape(*values.shape[:-1], -1))
