import pytest
import torch

from boxable.training.ema import Ema


def test_averages_start_at_the_variables_and_follow_them() -> None:
    """SEMANTICS §7.6: shadow = 0.9999 shadow + 0.0001 variable after each step."""
    variable = torch.nn.Parameter(torch.tensor([1.0, -3.0]))
    ema = Ema({"weights": variable})
    assert ema.averages["weights"].tolist() == [1, -3]
    with torch.no_grad():
        variable += 1
    for step in range(2):
        ema.update({"weights": variable, "another": torch.zeros(1)}, step)
    assert list(ema.averages) == ["weights"]
    assert ema.averages["weights"].tolist() == pytest.approx([1 + 0.00019999, -3 + 0.00019999], rel=1e-7)
    assert variable.tolist() == [2, -2]
    assert not ema.averages["weights"].requires_grad


def test_with_a_warm_up_the_decay_is_small_at_first() -> None:
    ema = Ema({"weights": torch.zeros(1)}, decay=0.5, warm_up=True)
    # At the first step 1/10 of the old value stays, at the second 2/11, later never more than half.
    for step, expected in ((0, 0.9), (1, 2 / 11 * 0.9 + 9 / 11), (1000, 0.5 * (2 / 11 * 0.9 + 9 / 11) + 0.5)):
        ema.update({"weights": torch.ones(1)}, step)
        assert ema.averages["weights"].item() == pytest.approx(expected)


def test_loaded_averages_are_copies() -> None:
    ema, stored = Ema({"weights": torch.zeros(2)}), {"weights": torch.ones(2)}
    ema.load(stored)
    ema.update({"weights": torch.full((2,), 5.0)}, 0)
    assert stored["weights"].tolist() == [1, 1]
    assert ema.averages["weights"].tolist() == pytest.approx([1.0004, 1.0004])
