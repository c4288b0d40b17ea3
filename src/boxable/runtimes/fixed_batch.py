"""Any number of images through a graph that takes so many at a time."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def in_batches(images: Floats, batch: int, run: Callable[[Floats], tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """What `run` gives for images `[N, ...]`: two arrays `[N, ...]`.

    It gets exactly `batch` images at a time, the last ones filled up with zeros, and may lend its results until it is
    called again; those of at most one batch are passed on as they are.
    """
    if len(images) <= batch:
        return _filled_up(images, batch, run)
    starts = range(0, len(images), batch)
    parts = [[part.copy() for part in _filled_up(images[start : start + batch], batch, run)] for start in starts]
    codes, logits = (np.concatenate(part) for part in zip(*parts, strict=True))
    return codes, logits


def _filled_up(images: Floats, batch: int, run: Callable[[Floats], tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    count = len(images)
    if count < batch:
        images = np.concatenate([images, np.zeros((batch - count, *images.shape[1:]), np.float32)])
    codes, logits = run(images)
    return codes[:count], logits[:count]
