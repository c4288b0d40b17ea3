"""Select images with boxes of the wanted classes, within limits."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.datasets.arrow_tables import read


@dataclass(frozen=True, slots=True)
class ClassCount:
    """Of one class (a MID): its images and its boxes."""

    mid: str
    images: int
    boxes: int


class BoxedImages:
    """The images of a table of boxes and the classes in them; images and classes are numbered in order of their ids.

    `images` are the ids, an Arrow array of strings: there may be millions. `mids` are those of the classes.
    """

    def __init__(self, boxes: Path) -> None:
        table = read(boxes, {"ImageID": "text", "LabelName": "text"})
        self.images, self._image = _numbered(table.column("ImageID"))
        mids, self._label = _numbered(table.column("LabelName"))
        self.mids: list[str] = mids.to_pylist()

    def choose(self, max_images: int | None, per_class: int | None) -> NDArray[np.bool_]:
        """Choose the first `per_class` images of each class by id, of these the first `max_images`: bool `[images]`.

        None is no limit.
        """
        chosen = np.ones(len(self.images), bool)
        if per_class is not None:
            label, image = self._pairs(slice(None))
            start = np.searchsorted(label, label)
            chosen[:] = False
            chosen[image[np.arange(len(label)) - start < per_class]] = True
        if max_images is not None:
            chosen[np.flatnonzero(chosen)[max_images:]] = False
        return chosen

    def counts(self, chosen: NDArray[np.bool_]) -> list[ClassCount]:
        """Count images and boxes of each class in the chosen images; the most frequent class first."""
        rows = chosen[self._image]
        boxes = np.bincount(self._label[rows], minlength=len(self.mids))
        images = np.bincount(self._pairs(rows)[0], minlength=len(self.mids))
        found = [
            ClassCount(mid, *numbers)
            for mid, *numbers in zip(self.mids, images.tolist(), boxes.tolist(), strict=True)
            if numbers[1]
        ]
        return sorted(found, key=lambda item: (-item.images, -item.boxes, item.mid))

    def _pairs(self, rows: NDArray[np.bool_] | slice) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the distinct pairs of class and image of these rows, in order.

        A pair is one number, and sorted: numpy.unique takes twenty times as long, on pairs and on numbers.
        """
        count = max(len(self.images), 1)
        keys = self._label[rows].astype(np.int64)
        keys *= count
        keys += self._image[rows]
        keys.sort()
        return np.divmod(keys[np.diff(keys, prepend=-1) != 0], count)


def _numbered(column: Any) -> tuple[Any, NDArray[np.int32]]:
    """Encode a dictionary column: its distinct strings, in order, and their index in each row, int32 `[N]`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    merged = column.combine_chunks()
    if hasattr(merged, "chunks"):  # older versions give a chunked array
        merged = merged.chunk(0) if merged.num_chunks else None
    if merged is None or not len(merged):
        return pa.array([], pa.string()), np.zeros(0, np.int32)
    codes = merged.indices.to_numpy()
    used = np.zeros(len(merged.dictionary), bool)
    used[codes] = True
    places = np.flatnonzero(used)
    places = places[pc.sort_indices(merged.dictionary.take(pa.array(places))).to_numpy()]
    number = np.zeros(len(used), np.int32)
    number[places] = np.arange(len(places), dtype=np.int32)
    return merged.dictionary.take(pa.array(places)), number[codes]
