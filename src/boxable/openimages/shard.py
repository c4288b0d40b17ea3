"""A part of a data set, in an order that can be had again."""

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from boxable.errors import ArgumentError, ImageError
from boxable.images.decode import Pixels

if TYPE_CHECKING:
    from boxable.openimages.dataset import Dataset, Targets

logger = logging.getLogger("boxable")

# Photos that cannot be read and are named in the log; the rest are counted.
_NAMED = 20
_STATE = ("images", "shard", "shards", "seed", "epoch", "position")


class Shard(Iterator[tuple[Pixels, "Targets"]]):
    """The images of one shard, one after the other; a photo that is missing or damaged is reported and passed over.

    `numbers` int32 `[S]` are the images, in order, `position` how many of them are behind, `failed` how many of these
    could not be read.
    """

    def __init__(
        self, dataset: "Dataset", order: NDArray[np.int32], shard: int, shards: int, seed: int | None, epoch: int
    ) -> None:
        """Take one's part of the `order` int32 `[I]` of all images, which `order_of` gives for this seed and epoch."""
        self._dataset = dataset
        self._about = {"images": len(dataset), "shard": shard, "shards": shards, "seed": seed, "epoch": epoch}
        self.numbers = _part(order, shard, shards, seed)
        self.position = 0
        self.failed = 0

    @classmethod
    def resumed(cls, dataset: "Dataset", state: dict[str, Any]) -> "Shard":
        """The shard with this state; raises ArgumentError where it is none, or one of another set."""
        if set(state) != set(_STATE):
            raise ArgumentError(f"a shard's state has {', '.join(_STATE)}; this has {', '.join(map(str, state))}")
        if state["images"] != len(dataset):
            raise ArgumentError(f"{dataset.path}: {len(dataset)} images, and the state is of {state['images']}")
        numbers = [value for name, value in state.items() if not (name == "seed" and value is None)]
        if not all(isinstance(value, int) and value >= 0 for value in numbers):
            raise ArgumentError(f"a shard's state has numbers from 0; this is {state}")
        order = order_of(len(dataset), state["seed"], state["epoch"])
        shard = cls(dataset, order, state["shard"], state["shards"], state["seed"], state["epoch"])
        shard.position = state["position"]
        return shard

    @property
    def state(self) -> dict[str, Any]:
        """What `Dataset.resume` takes to go on from here, for JSON."""
        return {**self._about, "position": self.position}

    def __len__(self) -> int:
        return len(self.numbers)

    def __next__(self) -> tuple[Pixels, "Targets"]:
        while self.position < len(self.numbers):
            number = int(self.numbers[self.position])
            self.position += 1
            try:
                return self._dataset[number]
            except ImageError as error:
                self._report(error)
        raise StopIteration

    def _report(self, error: ImageError) -> None:
        self.failed += 1
        if self.failed <= _NAMED:
            logger.warning("%s", error)
        if self.failed == _NAMED:
            logger.warning("further photos that cannot be read are passed over without a word")


def order_of(count: int, seed: int | None, epoch: int) -> NDArray[np.int32]:
    """All images int32 `[count]`, in the order of this seed and epoch; without a seed as they are."""
    order = np.arange(count, dtype=np.int32)
    return order if seed is None else np.random.default_rng([seed, epoch]).permutation(order)


def _part(order: NDArray[np.int32], shard: int, shards: int, seed: int | None) -> NDArray[np.int32]:
    if not 0 <= shard < shards:
        raise ArgumentError(f"shard {shard} of {shards}; expected one from 0 to {shards - 1}")
    if seed is None:
        return order[shard * len(order) // shards : (shard + 1) * len(order) // shards].copy()
    return order[shard::shards].copy()
