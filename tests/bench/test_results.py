"""From samples to figures."""

import pytest

from boxable.bench.results import result_of
from boxable.bench.rounds import Samples


def test_percentiles_and_the_median_rate() -> None:
    samples = Samples()
    samples.times["network"] = [float(value) for value in range(101)]
    samples.rates = [10.0, 50.0, 12.0]
    result = result_of("A", samples)
    assert result is not None
    latency = result.latency["network"]
    assert (latency.p50, latency.p90, latency.p99, latency.calls) == (50.0, pytest.approx(90), pytest.approx(99), 101)
    assert result.images_per_second == 12.0
    assert "decode" not in result.latency


def test_of_fewer_than_100_calls_no_p99_is_told() -> None:
    samples = Samples()
    samples.times["network"] = [1.0] * 99
    result = result_of("A", samples)
    assert result is not None
    assert (result.latency["network"].p99, result.images_per_second) == (None, None)


def test_without_samples_there_is_no_result() -> None:
    assert result_of("A", Samples()) is None
