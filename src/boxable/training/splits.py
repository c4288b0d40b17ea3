"""Which images of a set are trained on, and which are validated on."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from boxable.arrays import Ints, Mask
from boxable.datasets.arrow_tables import batches
from boxable.datasets.dataset import Dataset
from boxable.datasets.hash_split import is_validation
from boxable.findings import Finding
from boxable.formats.columns import SUBSETS
from boxable.formats.tables import column_names

TRAIN, VALIDATION, TEST = range(len(SUBSETS))
UNKNOWN = -1
# Where the split comes from: a validation set of its own, the splits of the format, the hash of the image ids.
Origin = Literal["given", "format", "hash"]


class Split(NamedTuple):
    """Numbers of the images in the Dataset, int32, and where the split comes from."""

    train: Ints
    validation: Ints
    origin: Origin
    notes: list[Finding]


def split_images(dataset: Dataset, *, validation_elsewhere: bool) -> Split:
    """Divide the images of a set among training and validation.

    With `validation_elsewhere` none is for validation. Else the split of the format counts where it has both; where it
    does not, the hash of the id decides (`datasets.hash_split`). Images of the test split are used for neither, unless
    the set has no others: a folder that is one split of Open Images can be trained on.
    """
    subset = _subsets(dataset)
    candidates = _candidates(subset)
    validation = np.zeros(len(dataset), bool)
    origin: Origin = "given"
    if not validation_elsewhere:
        origin = "format" if {TRAIN, VALIDATION} <= set(subset.tolist()) else "hash"
        validation = subset == VALIDATION if origin == "format" else candidates & _hashed(dataset)
    train = candidates & ~validation
    unused = int((~train & ~validation).sum())
    notes = [Finding("image|s of other splits", "not used", "note", unused)] if unused else []
    return Split(_numbers(train), _numbers(validation), origin, notes)


def _candidates(subset: NDArray[np.int8]) -> Mask:
    """Select the images of the training split, else those of any but the test split, else all."""
    masks = (subset == TRAIN, subset != TEST, np.ones(len(subset), bool))
    return next(mask for mask in masks if mask.any() or not len(subset))


def _hashed(dataset: Dataset) -> Mask:
    return np.fromiter(map(is_validation, dataset.index.image_ids()), bool, len(dataset))


def _numbers(mask: Mask) -> Ints:
    return np.flatnonzero(mask).astype(np.int32)


def _subsets(dataset: Dataset) -> NDArray[np.int8]:
    """Read the split of each image, int8 `[I]`: its place in `SUBSETS`, or `UNKNOWN`."""
    import pyarrow.compute as pc

    subset = np.full(len(dataset), UNKNOWN, np.int8)
    table = dataset.files.images
    if table is None or "Subset" not in column_names(table):
        return subset
    for batch in batches(table, {"ImageID": "string", "Subset": "string"}):
        rows = pc.index_in(batch.column("ImageID"), value_set=dataset.index.ids)
        places = {name: place for place, name in enumerate(SUBSETS)}
        subset[np.asarray(rows)] = [places.get(name, UNKNOWN) for name in batch.column("Subset").to_pylist()]
    return subset
