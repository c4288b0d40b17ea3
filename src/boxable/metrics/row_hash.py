"""Hashes of table rows."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def row_hashes(columns: Iterable[NDArray[Any]], rows: int) -> NDArray[np.uint64]:
    """Hashes uint64 `[rows]` of numbers: the same for the same rows, and hardly ever for others (modulo 2**64)."""
    mixed = np.zeros(rows, np.uint64)
    for column in columns:
        mixed ^= column.astype(np.float64).view(np.uint64)
        mixed *= np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed
