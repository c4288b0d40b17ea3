"""Results of a benchmark: percentiles, rates, accuracies."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from boxable.bench.accuracy import Accuracy
from boxable.bench.rounds import Samples

# With fewer calls there is no slowest hundredth.
_ENOUGH = 100


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles of milliseconds; `p99` is None with fewer than 100 `calls`."""

    p50: float
    p90: float
    p99: float | None
    calls: int


@dataclass(frozen=True, slots=True)
class Result:
    """Result of one candidate: latency by stage and end to end, images per second in a folder (median), accuracy."""

    name: str
    latency: dict[str, Latency]
    images_per_second: float | None
    accuracy: Accuracy | None = None


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Results of all candidates. `left_out`: reasons of what was not measured; `stopped`: interrupted early."""

    model: str
    machine: dict[str, str | int | float]
    versions: dict[str, str]
    threads: int
    min_score: float
    images: str
    results: list[Result]
    left_out: dict[str, str]
    stopped: bool

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain values; times are in milliseconds."""
        return asdict(self)


def result_of(name: str, samples: Samples, accuracy: Accuracy | None = None) -> Result | None:
    """Compute the figures of samples; None if there are none."""
    latency = {stage: _latency(times) for stage, times in samples.times.items() if times}
    if not latency:
        return None
    return Result(name, latency, float(np.median(samples.rates)) if samples.rates else None, accuracy)


def _latency(times: Sequence[float]) -> Latency:
    p50, p90, p99 = (float(value) for value in np.percentile(times, (50, 90, 99)))
    return Latency(p50, p90, p99 if len(times) >= _ENOUGH else None, len(times))
