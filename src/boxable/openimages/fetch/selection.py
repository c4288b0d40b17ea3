"""Which images are wanted: those with a box of the wanted classes, perhaps only so many of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from boxable.openimages.arrow_tables import read


@dataclass(frozen=True, slots=True)
class ClassCount:
    """Of one class (a MID): its images and its boxes."""

    mid: str
    images: int
    boxes: int


class BoxedImages:
    """The images of a table of boxes and the classes in them; images and classes are numbered in order of their ids."""

    def __init__(self, boxes: Path) -> None:
        table = read(boxes, {"ImageID": "text", "LabelName": "text"})
        self.images, self._image = _numbered(table.column("ImageID"))
        self.mids, self._label = _numbered(table.column("LabelName"))

    def choose(self, max_images: int | None, per_class: int | None) -> NDArray[np.bool_]:
        """Which images are wanted: bool `[images]`.

        Of each class the first `per_class` by id, then of all these the first `max_images`; None: no limit.
        """
        chosen = np.ones(len(self.images), bool)
        if per_class is not None:
            pairs = np.unique(np.stack([self._label, self._image], axis=1), axis=0)
            start = np.searchsorted(pairs[:, 0], pairs[:, 0])
            chosen[:] = False
            chosen[pairs[np.arange(len(pairs)) - start < per_class, 1]] = True
        if max_images is not None:
            chosen[np.flatnonzero(chosen)[max_images:]] = False
        return chosen

    def counts(self, chosen: NDArray[np.bool_]) -> list[ClassCount]:
        """Images and boxes of each class among the chosen images; the most frequent class first."""
        rows = chosen[self._image]
        boxes = np.bincount(self._label[rows], minlength=len(self.mids))
        pairs = np.unique(np.stack([self._label[rows], self._image[rows]], axis=1), axis=0)
        images = np.bincount(pairs[:, 0], minlength=len(self.mids))
        found = [
            ClassCount(mid, *numbers)
            for mid, *numbers in zip(self.mids, images.tolist(), boxes.tolist(), strict=True)
            if numbers[1]
        ]
        return sorted(found, key=lambda item: (-item.images, -item.boxes, item.mid))


def _numbered(column: object) -> tuple[list[str], NDArray[np.int64]]:
    """The distinct strings of a dictionary column, in order, and the number of the one in each row: int64 `[N]`."""
    merged = column.combine_chunks()  # type: ignore[attr-defined]
    if hasattr(merged, "chunks"):  # older versions give a chunked array
        merged = merged.chunk(0) if merged.num_chunks else None
    if merged is None or not len(merged):
        return [], np.zeros(0, np.int64)
    codes, values = merged.indices.to_numpy(), merged.dictionary.to_pylist()
    used = sorted(np.unique(codes).tolist(), key=values.__getitem__)
    number = np.zeros(len(values), np.int64)
    number[used] = np.arange(len(used))
    return [values[code] for code in used], number[codes]
