"""The images that are trained on, with the boxes that can be used."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np

from boxable.arrays import Ints, Mask
from boxable.datasets.dataset import Dataset, Targets
from boxable.findings import Finding
from boxable.formats.openimages_reading import read_classes
from boxable.images.decode import Pixels
from boxable.metrics.input_checks import examples_of
from boxable.vocabulary import open_images

# Beyond it a side is outside the image, and not only rounded.
_ROUNDING = 1e-6
# Boxes of which examples are looked for.
_LOOKED_AT = 100


@dataclass(frozen=True, slots=True, eq=False)
class TrainingImages:
    """Images of a Dataset, by position from 0; may be pickled, and used from many threads.

    `numbers` int32 `[I]` are their numbers in the Dataset. `usable` bool `[N]` are the rows of its index that are boxes
    of these images, of a known class, and with an area inside the image.
    """

    dataset: Dataset
    numbers: Ints
    usable: Mask

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, position: int) -> tuple[Pixels, Targets]:
        """Load an image, as the Dataset does, with its `targets`. Raises ImageError for one that is unreadable."""
        pixels, _ = self.dataset[int(self.numbers[position])]
        return pixels, self.targets(position)

    def targets(self, position: int) -> Targets:
        """Return the targets of an image with the usable boxes alone, clipped to the image."""
        number = int(self.numbers[position])
        starts = self.dataset.index.box_starts
        kept = self.usable[starts[number] : starts[number + 1]]
        found = self.dataset.targets(number)
        return replace(
            found, boxes=found.boxes[kept].clip(0, 1), label_ids=found.label_ids[kept],
            mids=tuple(compress(found.mids, kept.tolist())),
            group_of=found.group_of[kept], occluded=found.occluded[kept], truncated=found.truncated[kept],
            depiction=found.depiction[kept], inside=found.inside[kept],
        )  # fmt: skip

    def class_counts(self) -> dict[str, tuple[int, int]]:
        """Count the usable boxes of each class that has any, and the images with them, by MID."""
        index = self.dataset.index
        labels = index.box_label[self.usable]
        images = np.repeat(np.arange(len(index)), np.diff(index.box_starts))[self.usable]
        pairs = np.sort(images * len(index.mids) + labels)  # np.unique takes fifty times as long
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]
        boxes = np.bincount(labels, minlength=len(index.mids))
        with_them = np.bincount(pairs % len(index.mids), minlength=len(index.mids))
        return {index.mids[code]: (int(boxes[code]), int(with_them[code])) for code in np.flatnonzero(boxes)}


def training_images(dataset: Dataset, numbers: Ints) -> tuple[TrainingImages, list[Finding]]:
    """Select images by number, and check their boxes; findings tell which boxes are dropped or clipped."""
    index = dataset.index
    chosen = np.zeros(len(index), bool)
    chosen[numbers] = True
    rows = np.repeat(chosen, np.diff(index.box_starts))
    named = known_mids(dataset)
    known = np.array([mid in named for mid in index.mids], bool)[index.box_label]
    ymin, xmin, ymax, xmax = index.box.T
    with np.errstate(invalid="ignore"):
        inside = (np.maximum(ymin, 0) < np.minimum(ymax, 1)) & (np.maximum(xmin, 0) < np.minimum(xmax, 1))
        outside = (np.minimum(ymin, xmin) < -_ROUNDING) | (np.maximum(ymax, xmax) > 1 + _ROUNDING)
    inside &= np.isfinite(index.box).all(axis=1)
    usable = rows & known & inside
    classes = (index.mids[code] for code in index.box_label[np.flatnonzero(rows & ~known)[:_LOOKED_AT]])
    notes = [
        _finding("training box|es of a class that the set does not name", "dropped", rows & ~known, classes),
        _finding("training box|es without an area in the image", "dropped", bad := rows & known & ~inside,
                 _images_of(dataset, bad)),
        _finding("training box|es reaching outside the image", "clipped", bad := usable & outside,
                 _images_of(dataset, bad)),
    ]  # fmt: skip
    return TrainingImages(dataset, numbers, usable), [note for note in notes if note.count]


def known_mids(dataset: Dataset) -> frozenset[str]:
    """Return the MIDs of Open Images and those that the table of classes names; others are no classes."""
    table = dataset.files.classes
    named = read_classes(table) if table else ()
    return frozenset(item.mid for item in (*open_images(), *named))


def _finding(subject: str, effect: str, rows: Mask, examples: Iterable[str]) -> Finding:
    return Finding(subject, effect, "warning", int(rows.sum()), examples=examples_of(list(dict.fromkeys(examples))))


def _images_of(dataset: Dataset, rows: Mask) -> Iterable[str]:
    """Name the images of the first of these boxes."""
    first = np.flatnonzero(rows)[:_LOOKED_AT]
    numbers = np.searchsorted(dataset.index.box_starts, first, side="right") - 1
    return map(dataset.image_id, numbers.tolist())
