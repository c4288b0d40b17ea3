"""How often one thing is asked for, and how long to wait in between."""

import random
from collections.abc import Iterator

TRIES = 6
FIRST_DELAY_S = 0.25  # before the second attempt; doubled before each further one


def delays() -> Iterator[float]:
    """Seconds to wait before each attempt after the first, spread so that not all come back at once."""
    for tries in range(TRIES - 1):
        yield FIRST_DELAY_S * 2**tries * random.uniform(0.5, 1.5)
