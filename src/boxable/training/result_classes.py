"""Which classes the trained model has."""

from itertools import count

import numpy as np

from boxable.arrays import Ints
from boxable.errors import ArgumentError
from boxable.training.data import TrainingData
from boxable.vocabulary import ClassList, ObjectClass
from boxable.vocabulary.classes import FIRST_USER_LABEL_ID


def result_classes(data: TrainingData, model: ClassList, *, keep: bool) -> ClassList:
    """List the classes of the trained model, in the order of its columns.

    They are the classes with boxes to train on, in the order of the set; with `keep` those of the `model`, then the
    others of the set. Classes of Open Images have their own label ids, others one from 1001 that is free. Raises
    ArgumentError where there is nothing new to `keep` the others beside, and for a new class that is called like
    another one of the model.
    """
    counts = data.images.class_counts()
    trained = [item for item in data.classes if item.mid in counts]
    if not keep:
        return ClassList(trained)
    known = {item.mid for item in model}
    new = [item for item in trained if item.mid not in known]
    if not new:
        names = ", ".join(item.name for item in trained[:3])
        raise ArgumentError(
            f"--keep adds new classes to a model, but it has all of the set already ({names}); train without --keep"
        )
    try:
        return ClassList([*model, *_numbered_apart(new, {item.label_id for item in model})])
    except ArgumentError as error:
        raise ArgumentError(f"--keep: a class of the set and one of the model are not the same, but {error}") from None


def label_columns(known: ClassList, classes: ClassList) -> Ints:
    """Map the label ids of a set, whose classes are `known`, to columns of a model: int32, -1 for none.

    Classes are known by MID: the same label id may be of another class in the model.
    """
    columns = {item.mid: column for column, item in enumerate(classes)}
    table = np.full(1 + max((item.label_id for item in known), default=0), -1, np.int32)
    for item in known:
        table[item.label_id] = columns.get(item.mid, -1)
    return table


def _numbered_apart(classes: list[ObjectClass], taken: set[int]) -> list[ObjectClass]:
    """Give classes of other origin than Open Images a label id that is free."""
    free = (number for number in count(FIRST_USER_LABEL_ID) if number not in taken)
    return [
        ObjectClass(next(free), item.mid, item.name) if item.label_id >= FIRST_USER_LABEL_ID else item
        for item in classes
    ]
