"""The images and targets of one rank."""

import logging
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, TypeVar

from boxable.datasets.sampler import Sampler
from boxable.errors import ImageError

logger = logging.getLogger("boxable")

Sample = TypeVar("Sample")

# Unreadable images that are named in the log; further ones are only counted.
_NAMED = 20
# Replacements that are tried for an unreadable image.
_REPLACEMENTS = 100


class Shard(Iterator[Sample]):
    """The samples of one rank, loaded one after the other.

    An unreadable image is logged, counted in `failed`, and replaced by the next readable one of the epoch's order: the
    shards of an epoch keep their lengths, so that no rank waits for another. With `replace=False` it is skipped.
    `numbers` int32 `[S]` are the positions of its images in the dataset.
    """

    def __init__(self, sampler: Sampler, load: Callable[[int], Sample], *, replace: bool = True) -> None:
        self.numbers = sampler.numbers
        self.failed = 0
        self._sampler, self._load, self._replace = sampler, load, replace

    @property
    def state(self) -> dict[str, Any]:
        """The state of the sampler: `dataset.shards(count, **state)` resumes, with any number of shards."""
        return self._sampler.state

    def __len__(self) -> int:
        return len(self._sampler)

    def __next__(self) -> Sample:
        """Load the next sample. Raises ImageError where no replacement is readable either."""
        for number in self._sampler:
            try:
                return self._load(number)
            except ImageError as error:
                self._report(error)
                if self._replace:
                    return self._replacement(error)
        raise StopIteration

    def _replacement(self, cause: ImageError) -> Sample:
        for number in islice(self._sampler.following(), _REPLACEMENTS):
            try:
                return self._load(number)
            except ImageError:
                continue  # reported by the shard that has it
        raise ImageError(f"{cause}; the next {_REPLACEMENTS} images are unreadable too") from cause

    def _report(self, error: ImageError) -> None:
        self.failed += 1
        if self.failed <= _NAMED:
            logger.warning("%s", error)
        if self.failed == _NAMED:
            logger.warning("further unreadable images are not logged")
