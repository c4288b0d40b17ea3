"""How sure a mean AP is: the same measurement on resampled images."""

import numpy as np
from numpy.typing import NDArray

from boxable.evaluation.average_precision import Ranking

Floats = NDArray[np.float64]

# Percentiles of a 95 % interval.
_BOUNDS = (2.5, 97.5)


def resampled(ranking: Ranking, images: int, resamples: int, seed: int) -> Floats:
    """APs float64 `[resamples, C]` on as many images drawn with replacement.

    Two rankings of the same images and the same seed see the same draws: their differences are paired.
    """
    random = np.random.default_rng(seed)
    samples = np.empty((resamples, ranking.classes))
    for sample in samples:
        weights = np.bincount(random.integers(images, size=images), minlength=images).astype(np.float64)
        sample[:] = ranking.average_precisions(weights)
    return samples


def interval(samples: Floats) -> tuple[float, float] | None:
    """The 95 % percentile interval of values `[resamples]`; None where there is none."""
    known = samples[~np.isnan(samples)]
    if not len(known):
        return None
    low, high = np.percentile(known, _BOUNDS)
    return float(low), float(high)


def mean_of_known(values: Floats) -> Floats:
    """Mean over the last axis without NaN; NaN where all are."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0).sum(axis=-1) / known.sum(axis=-1))
