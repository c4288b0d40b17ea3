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
    """APs float64 `[resamples, C]` on as many images drawn with replacement.

    Two rankings of the same images and the same seed see the same draws: their differences are paired.
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


def class_interval(ranking: Ranking, figure: float, samples: Doubles, label: int) -> tuple[float, float] | None:
    """Compute the interval of one class; None if all its boxes are in one image, where resampling tells nothing."""
    return interval(figure, samples) if ranking.truth_images[label] > 1 else None


def interval(figure: float, samples: Doubles) -> tuple[float, float] | None:
    """Compute the 95 % bias-corrected interval of a point estimate from bootstrap samples `[resamples]`.

    Percentiles, moved so that the mean of the draws comes to lie on the figure: a draw has fewer different images,
    and AP is the higher the fewer there are, so draws lie too high. It says what other samples of as many images would
    give, not what endlessly many would.
    """
    known = samples[~np.isnan(samples)]
    if not len(known) or np.isnan(figure):
        return None
    low, high = np.percentile(known, _BOUNDS) + (figure - known.mean())
    return max(float(low), -1.0), min(float(high), 1.0)


def mean_of_known(values: Doubles) -> Doubles:
    """Mean over the last axis without NaN; NaN where all are."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0).sum(axis=-1) / known.sum(axis=-1))
