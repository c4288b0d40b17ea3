"""Exponential back-off."""

from boxable.openimages.fetch.back_off import FIRST_DELAY_S, TRIES, delays


def test_delays_double_with_jitter() -> None:
    for _ in range(20):
        found = list(delays())
        assert len(found) == TRIES - 1
        for number, delay in enumerate(found):
            assert 0.5 <= delay / (FIRST_DELAY_S * 2**number) <= 1.5
    assert list(delays()) != list(delays())
