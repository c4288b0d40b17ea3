"""The order of training samples: a pure function of the seed, across epochs, for any number of ranks."""

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np

from boxable.arrays import Doubles, Integers
from boxable.datasets.sampler import epoch_order
from boxable.errors import ArgumentError
from boxable.training.images import TrainingImages

# Images with a class that is in fewer images than this part of all are repeated (LVIS, Gupta et al. 2019).
RARE = 0.001
# Sets the random numbers of copies apart from those of the epoch's order.
_COPIES = 1


class SampleKey(NamedTuple):
    """All that makes a sample: the epoch, the position of the image, and which of its copies in this epoch, from 0."""

    epoch: int
    position: int
    copy: int = 0


class SampleOrder:
    """The order of training images, in samples that are counted from 0 across all epochs.

    Each epoch has each image once or, with repeat factors, as often as its factor rounded up or down at random. All
    epochs have the same number of samples, `len()`. Of a step with `B` samples from sample `first` on, rank `r` of `W`
    takes `keys(first, B)[r::W]`; a run resumes on another number of ranks at the sample where it was.
    """

    def __init__(self, count: int, seed: int, factors: Doubles | None = None) -> None:
        """Order this number of images, repeated by `factors` `[count]`, at least 1.

        Raises ArgumentError without images, and for a seed that is not an integer from 0.
        """
        if count < 1:
            raise ArgumentError(f"expected at least one training image, got {count}")
        self.seed = seed
        self._count, self._factors = count, factors
        self._length = count if factors is None else round(float(factors.sum()))
        self._latest = (0, *self._epoch(0))

    def __len__(self) -> int:
        return self._length

    def keys(self, first: int, count: int) -> list[SampleKey]:
        """Return the keys of `count` samples from sample `first` on."""
        return [self._key(*divmod(sample, len(self))) for sample in range(first, first + count)]

    def following(self, key: SampleKey) -> Iterator[int]:
        """Iterate over the positions of the epoch from the sample after this one, around to the one before it."""
        images, copies = self._of(key.epoch)
        place = int(np.argmax((images == key.position) & (copies == key.copy)))
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
        images = epoch_order(self._count, self.seed, epoch).astype(np.intp)
        if self._factors is None:
            return images, np.zeros(len(images), np.intp)
        rng = np.random.default_rng([self.seed, epoch, _COPIES])
        counts = _rounded(rng, self._factors[images], len(self))
        copies = np.arange(len(self)) - np.repeat(np.cumsum(counts) - counts, counts)
        shuffled = rng.permutation(len(self))
        return np.repeat(images, counts)[shuffled], copies[shuffled]


def _rounded(rng: np.random.Generator, factors: Doubles, total: int) -> Integers:
    """Round factors up or down at random, scaled to this sum: intp `[I]`, with the factors as expected values.

    Systematic sampling: a count is the number of integers, shifted at random, in the factor's part of the running sum.
    """
    ends = np.cumsum(factors) * (total / factors.sum())
    ends[-1] = total  # whatever was lost in rounding
    counts: Integers = np.diff(np.floor(ends + rng.random()), prepend=0.0).astype(np.intp)
    return counts


def repeat_factors(images: TrainingImages) -> Doubles:
    """Compute how often to repeat each image, by the rarest class of its usable boxes: float64 `[I]`.

    A class in the part f of the images has the factor max(1, sqrt(0.001 / f)); an image has the largest of its classes,
    1 without boxes (repeat factor sampling, LVIS, Gupta et al. 2019).
    """
    index, classes = images.dataset.index, len(images.dataset.index.mids)
    position = np.empty(len(index), np.intp)
    position[images.numbers] = np.arange(len(images))
    image = position[np.repeat(np.arange(len(index)), np.diff(index.box_starts))[images.usable]]
    image, label = np.divmod(np.unique(image * classes + index.box_label[images.usable]), max(classes, 1))
    frequency = np.bincount(label, minlength=classes) / len(images)
    factors = np.ones(len(images))
    np.maximum.at(factors, image, np.sqrt(RARE / frequency[label]))
    return factors
