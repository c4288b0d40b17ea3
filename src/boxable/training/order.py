"""The order of training samples: a pure function of the seed, across epochs, for any number of ranks."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import NamedTuple

import numpy as np

from boxable.arrays import Doubles, Integers
from boxable.datasets.dataset import Dataset
from boxable.datasets.sampler import epoch_order
from boxable.errors import ArgumentError

# Images with a class that is in fewer images than this part of all are repeated (LVIS, Gupta et al. 2019).
RARE = 0.001
# Sets the random numbers of copies apart from those of the epoch's order.
_COPIES = 1


class SampleKey(NamedTuple):
    """All that makes a sample: the epoch, the number of the image, and which of its copies in this epoch, from 0."""

    epoch: int
    number: int
    copy: int = 0


class SampleOrder:
    """The order of the training images of a Dataset, in samples that are counted from 0 across all epochs.

    Each epoch has each image once or, with repeat factors, as often as its factor rounded up or down at random. All
    epochs have the same number of samples, `len()`. With `B` samples on each of `W` ranks, rank `r` takes
    `keys((step * W + r) * B, B)`; a run resumes on another number of ranks at the sample where it was.
    """

    def __init__(self, numbers: Integers, seed: int, factors: Doubles | None = None) -> None:
        """Order the images `numbers` `[I]`, repeated by `factors` `[I]`, at least 1.

        Raises ArgumentError without images, and for a seed that is not an integer from 0.
        """
        if not len(numbers):
            raise ArgumentError("expected at least one training image, got none")
        self.seed = seed
        self._numbers, self._factors = np.asarray(numbers, np.intp), factors
        self._length = len(numbers) if factors is None else round(float(factors.sum()))
        self._latest = (0, *self._epoch(0))

    def __len__(self) -> int:
        return self._length

    def keys(self, first: int, count: int) -> list[SampleKey]:
        """Return the keys of `count` samples from sample `first` on."""
        return [self._key(*divmod(sample, len(self))) for sample in range(first, first + count)]

    def following(self, key: SampleKey) -> Iterator[int]:
        """Iterate over the epoch's images from the sample after this one, around to the one before it."""
        images, copies = self._of(key.epoch)
        place = int(np.argmax((images == key.number) & (copies == key.copy)))
        return map(int, chain(images[place + 1 :], images[:place]))

    def _key(self, epoch: int, place: int) -> SampleKey:
        images, copies = self._of(epoch)
        return SampleKey(epoch, int(images[place]), int(copies[place]))

    def _of(self, epoch: int) -> tuple[Integers, Integers]:
        if self._latest[0] != epoch:
            self._latest = (epoch, *self._epoch(epoch))
        return self._latest[1:]

    def _epoch(self, epoch: int) -> tuple[Integers, Integers]:
        """Order the images of an epoch, and number the copies of each: two arrays `[len(self)]`."""
        places = epoch_order(len(self._numbers), self.seed, epoch)
        if self._factors is None:
            return self._numbers[places], np.zeros(len(places), np.intp)
        rng = np.random.default_rng([self.seed, epoch, _COPIES])
        counts = _rounded(rng, self._factors[places], len(self))
        copies = np.arange(len(self)) - np.repeat(np.cumsum(counts) - counts, counts)
        shuffled = rng.permutation(len(self))
        return self._numbers[np.repeat(places, counts)][shuffled], copies[shuffled]


def _rounded(rng: np.random.Generator, factors: Doubles, total: int) -> Integers:
    """Round factors up or down at random, scaled to this sum: intp `[I]`, with the factors as expected values.

    Systematic sampling: a count is the number of integers, shifted at random, in the factor's part of the running sum.
    """
    ends = np.cumsum(factors) * (total / factors.sum())
    ends[-1] = total  # whatever was lost in rounding
    counts: Integers = np.diff(np.floor(ends + rng.random()), prepend=0.0).astype(np.intp)
    return counts


def repeat_factors(dataset: Dataset, numbers: Integers, columns: Mapping[int, int]) -> Doubles:
    """Compute how often to repeat the images `numbers` `[I]`, by the rarest class of their boxes: float64 `[I]`.

    `columns` maps label ids to columns, and has the classes that count. A class in the part f of the images has the
    factor max(1, sqrt(0.001 / f)); an image has the largest of its classes, 1 without one (repeat factor sampling,
    LVIS, Gupta et al. 2019).
    """
    index = dataset.index
    column_of = np.array([columns.get(label_id, -1) for label_id in dataset.label_ids.tolist()], np.intp)
    place = np.full(len(index), -1)
    place[numbers] = np.arange(len(numbers))
    image = np.repeat(place, np.diff(index.box_starts))
    column = column_of[index.box_label]
    counts = (image >= 0) & (column >= 0)
    classes = max(columns.values(), default=0) + 1
    pairs = np.unique(image[counts] * classes + column[counts])
    image, column = np.divmod(pairs, classes)
    frequency = np.bincount(column, minlength=classes) / len(numbers)
    factors = np.ones(len(numbers))
    np.maximum.at(factors, image, np.sqrt(RARE / frequency[column]))
    return factors
