"""The sampling order: a pure function of seed and epoch, partitioned among ranks, resumable on any world size."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.errors import ArgumentError


class Sampler(Iterator[int]):
    """The samples of one rank in one epoch, as positions in the dataset.

    Of the epoch's order, the first `consumed` samples are skipped; the others are dealt in turn to the ranks, rank 0
    first. So all ranks together have each sample once, and their lengths differ by one at most. With `drop_last` the
    last samples are dropped that would make lengths differ.

    `order` int32 `[I]` is the order of the whole epoch, `numbers` int32 `[S]` the samples of this rank.
    """

    def __init__(
        self, count: int, rank: int = 0, world_size: int = 1, *, seed: int | None = None, epoch: int = 0,
        consumed: int = 0, drop_last: bool = False,
    ) -> None:  # fmt: skip
        """Order `count` samples; raises ArgumentError for an argument out of range."""
        if not 0 <= rank < world_size:
            raise ArgumentError(f"expected a rank from 0 to {world_size - 1}, got {rank}")
        if not _is_count(consumed) or consumed > count:
            raise ArgumentError(f"consumed: expected an integer from 0 to {count}, got {consumed!r}")
        self.order = epoch_order(count, seed, epoch)
        end = count - (count - consumed) % world_size * drop_last
        self.numbers = self.order[consumed + rank : end : world_size]
        self.position = 0
        self._consumed, self._first, self._world_size = consumed, consumed + rank, world_size
        self._about = {"seed": seed, "epoch": epoch}

    def __len__(self) -> int:
        return len(self.numbers)

    def __next__(self) -> int:
        if self.position == len(self.numbers):
            raise StopIteration
        self.position += 1
        return int(self.numbers[self.position - 1])

    def following(self) -> Iterator[int]:
        """Iterate over the epoch's order from the sample after the current one, around to the one before it."""
        current = self._first + (self.position - 1) * self._world_size
        return map(int, chain(self.order[current + 1 :], self.order[: max(current, 0)]))

    @property
    def state(self) -> dict[str, Any]:
        """`{"seed", "epoch", "consumed"}`, for JSON.

        `consumed` is what all ranks together have used once each took as many samples as this one. At the end of the
        epoch, where the others may be one short, rank 0 tells it.
        """
        consumed = self._consumed + self.position * self._world_size
        return {**self._about, "consumed": min(consumed, len(self.order))}


def epoch_order(count: int, seed: int | None, epoch: int) -> NDArray[np.int32]:
    """Permute `count` samples by seed and epoch: int32 `[count]`; without a seed they stay in order.

    NumPy's PCG64, seeded with `[seed, epoch]`: the same on every machine. Raises ArgumentError for a seed or epoch that
    is not an integer from 0.
    """
    if not _is_count(epoch) or not (seed is None or _is_count(seed)):
        raise ArgumentError(f"expected a seed and an epoch that are integers from 0, got {seed!r} and {epoch!r}")
    return _permutation(count, seed, epoch)


@lru_cache(1)
def _permutation(count: int, seed: int | None, epoch: int) -> NDArray[np.int32]:
    """Permute once for all ranks of a process, which share the array."""
    order = np.arange(count, dtype=np.int32)
    order = order if seed is None else np.random.default_rng([seed, epoch]).permutation(order)
    order.flags.writeable = False
    return order


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
