import pytest
import torch

from boxable.networks.architectures.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.training.regularization import l2_loss, regularized_variables


def test_kernels_are_regularized_but_not_those_of_depthwise_convolutions() -> None:
    """SEMANTICS §7.4: 35 ordinary convolutions of the backbone, 8 extra ones, 12 heads."""
    names = regularized_variables(ssd_mobilenet_v2(23).layers)
    assert len(names) == len(set(names)) == 35 + 8 + 12
    assert all(name.endswith("/weights") for name in names)
    assert sum(name.startswith("BoxPredictor_") for name in names) == 12
    assert sum("layer_19_" in name for name in names) == 8
    assert not any("depthwise" in name for name in names)


def test_the_loss_is_half_the_sum_of_squares() -> None:
    kernels = [torch.full((2, 3), 10.0, requires_grad=True), torch.full((1,), -20.0)]
    loss = l2_loss(kernels)
    assert loss.item() == pytest.approx(0.00004 * (6 * 100 + 400) / 2)
    loss.backward()
    torch.testing.assert_close(kernels[0].grad, torch.full((2, 3), 0.0004))
