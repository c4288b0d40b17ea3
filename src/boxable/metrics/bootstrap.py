"""How sure a mean AP is: the same measurement on resampled images."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from boxable.arrays import Doubles
from boxable.metrics.average_precision import Ranking
from boxable.progress import progress
from boxable.settings import available_cores

# Percentiles of a 95 % interval.
_BOUNDS = (2.5, 97.5)


def resampled(ranking: Ranking, images: int, resamples: int, seed: int) -> Doubles:
    """Compute APs float64 `[resamples, C]` on bootstrap resamples of the images.

    Two rankings of the same images with the same seed get the same resamples: their differences are paired.
    """

    def aps(number: int) -> Doubles:
        drawn = np.random.default_rng([seed, number]).integers(images, size=images)
        return ranking.average_precisions(np.bincount(drawn, minlength=images).astype(np.float64))

    samples = np.empty((resamples, ranking.classes))
    pool = ThreadPoolExecutor(available_cores(), thread_name_prefix="boxable-bootstrap")
    try:
        with progress("resampling", resamples) as advance:
            for number, sample in enumerate(pool.map(aps, range(resamples))):
                samples[number] = sample
                advance()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return samples


def class_interval(ranking: Ranking, estimate: float, samples: Doubles, label: int) -> tuple[float, float] | None:
    """Compute the interval of one class; None if all its boxes are in one image, where resampling tells nothing."""
    return interval(estimate, samples) if ranking.truth_images[label] > 1 else None


def interval(estimate: float, samples: Doubles) -> tuple[float, float] | None:
    """Compute the 95 % bias-corrected interval of a point estimate from bootstrap samples `[resamples]`.

    Percentile bootstrap, minus the bias (mean of the resamples minus the point estimate): a resample has fewer distinct
    images, and AP rises with fewer images. It covers other samples of as many images, not the limit of infinitely many.
    """
    known = samples[~np.isnan(samples)]
    if not len(known) or np.isnan(estimate):
        return None
    low, high = np.percentile(known, _BOUNDS) + (estimate - known.mean())
    return max(float(low), -1.0), min(float(high), 1.0)


def mean_of_known(values: Doubles) -> Doubles:
    """Mean over the last axis without NaN; NaN where all are."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0).sum(axis=-1) / known.sum(axis=-1))
