"""Exponential back-off with jitter."""

import random
from collections.abc import Iterator

TRIES = 6
FIRST_DELAY_S = 0.25  # before the second attempt; doubled before each further one


def delays() -> Iterator[float]:
    """Yield the delay in seconds before each retry."""
    for tries in range(TRIES - 1):
        yield FIRST_DELAY_S * 2**tries * random.uniform(0.5, 1.5)
