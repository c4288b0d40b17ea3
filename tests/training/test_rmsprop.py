from copy import deepcopy

import pytest
import torch

from boxable.training.rmsprop import RmsProp


def test_steps_are_those_of_the_original() -> None:
    """SEMANTICS §7.6."""
    weight = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    without_gradient = torch.nn.Parameter(torch.ones(1))
    optimizer = RmsProp([weight, without_gradient], lr=0.1)
    theirs = [(0.82071567, -1.9639626), (0.41878173, -1.8595939), (-0.18524823, -1.6612597)]
    for gradient, expected in zip([(3, -0.5), (6, -1), (9, -1.5)], theirs, strict=True):
        weight.grad = torch.tensor(gradient, dtype=torch.float32)
        optimizer.step()
        assert weight.tolist() == pytest.approx(expected, rel=5e-7)
    assert without_gradient == 1
    assert without_gradient not in optimizer.state


def test_a_restored_state_goes_on_alike() -> None:
    torch.manual_seed(0)
    weights = [torch.nn.Parameter(torch.ones(2, 3)) for _ in range(2)]
    first = RmsProp(weights[:1], lr=0.1)
    second = RmsProp(weights[1:], lr=0.1)
    for _ in range(3):
        weights[0].grad = torch.randn(2, 3)
        first.step()
    with torch.no_grad():
        weights[1].copy_(weights[0])
    second.load_state_dict(deepcopy(first.state_dict()))
    slots = second.state[weights[1]]
    assert {name: slot.shape for name, slot in slots.items()} == dict.fromkeys(("mean_square", "momentum"), (2, 3))
    weights[0].grad = weights[1].grad = torch.randn(2, 3)
    first.step()
    second.step()
    assert torch.equal(*weights)


def test_the_learning_rate_of_a_step_is_that_of_its_group() -> None:
    weights = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    optimizer = RmsProp(weights, lr=0.1)
    optimizer.param_groups[0]["lr"] = 0.0
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.2})
    for group in optimizer.param_groups:
        for weight in group["params"]:
            weight.grad = torch.ones(1)
    optimizer.step()
    assert [weight.item() for weight in weights] == [0, 0]
    # The mean square of a gradient of 1 stays 1.
    assert optimizer.param_groups[1]["params"][0].item() == pytest.approx(-0.2 / 2**0.5)
