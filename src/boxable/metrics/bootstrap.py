"""Confidence intervals of AP by percentile bootstrap over images."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from boxable.metrics.average_precision import Ranking
from boxable.progress import progress
from boxable.settings import available_cores

Floats = NDArray[np.float64]

# Percentiles of a 95 % interval.
_PERCENTILES = (2.5, 97.5)


def resampled(ranking: Ranking, images: int, resamples: int, seed: int) -> Floats:
    """Compute APs float64 `[resamples, C]` on bootstrap resamples of the images.

    Two rankings of the same images with the same seed get the same resamples: their differences are paired.
    """

    def aps(number: int) -> Floats:
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


def class_interval(ranking: Ranking, estimate: float, samples: Floats, label: int) -> tuple[float, float] | None:
    """Compute the interval of one class; None where its boxes are all in one image, which has no variance."""
    return interval(estimate, samples) if ranking.truth_images[label] > 1 else None


def interval(estimate: float, samples: Floats) -> tuple[float, float] | None:
    """Compute the bias-corrected 95 % percentile bootstrap interval of a point estimate from its resamples.

    The bias is the mean of the resamples minus the point estimate. It is subtracted: a resample has fewer distinct
    images, and AP rises with fewer images. The interval covers samples of as many images, not the limit of infinitely
    many. None where no resample has a value.
    """
    known = samples[~np.isnan(samples)]
    if not len(known) or np.isnan(estimate):
        return None
    low, high = np.percentile(known, _PERCENTILES) + (estimate - known.mean())
    return max(float(low), -1.0), min(float(high), 1.0)


def mean_of_known(values: Floats) -> Floats:
    """Compute the mean over the last axis without NaN; NaN where all are."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0).sum(axis=-1) / known.sum(axis=-1))
