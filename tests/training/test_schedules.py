import pytest

from boxable.training.schedules import cosine, staircase


@pytest.mark.parametrize(
    ("step", "rate"), [(0, 0.0008), (800_719, 0.0008), (800_720, 0.00076), (1_601_439, 0.00076), (1_601_440, 0.000722)]
)
def test_the_learning_rate_of_the_original_falls_in_steps(step: int, rate: float) -> None:
    """SEMANTICS §7.6."""
    assert staircase(step) == pytest.approx(rate, rel=1e-12)


def test_the_cosine_rises_to_its_peak_and_falls_towards_0() -> None:
    rates = [cosine(step, peak=0.4, steps=12, warmup=4) for step in range(12)]
    assert rates[:5] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4])
    assert rates[8] == pytest.approx(0.2)
    assert rates[6] == pytest.approx(0.4 * (1 + 0.5**0.5) / 2)
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert 0 < rates[-1] < 0.02


def test_the_cosine_may_start_at_its_peak() -> None:
    assert cosine(0, peak=1.0, steps=2, warmup=0) == 1.0
    assert cosine(1, peak=1.0, steps=2, warmup=0) == pytest.approx(0.5)
