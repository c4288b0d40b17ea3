"""The torch module: in eval mode what NumPy computes, its variables, its batch norm, its gradients."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from boxable.networks.architectures.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.networks.network import Graph, Network
from boxable.networks.ops import Conv, Window
from boxable.networks.partition import partition
from boxable.networks.walk import walk
from tests.networks.conftest import random_weights
from tests.networks.made_up import NumpyBackend, branches, two_stages

if TYPE_CHECKING:
    from boxable.networks.torch_backend import TorchGraph

pytestmark = pytest.mark.optional

BUILDERS = [branches, two_stages]


def opened(network: Network, *, folded: bool = False, seed: int = 3) -> "dict[str, TorchGraph]":
    from boxable.networks.torch_backend import TorchGraph

    weights = random_weights(network, seed)
    return {name: TorchGraph(graph, weights, folded=folded) for name, graph in network.graphs.items()}


def tensors_for(graph: Graph, batch: int) -> dict[str, Any]:
    import torch

    rng = np.random.default_rng(batch)
    shapes = {name: [size or 41 for size in shape] for name, shape in graph.inputs.items()}
    return {
        name: torch.tensor(rng.uniform(-1, 1, (batch, *shape)), dtype=torch.float32) for name, shape in shapes.items()
    }


@pytest.mark.parametrize("build", BUILDERS)
def test_in_eval_mode_it_computes_what_plain_numpy_computes(build: Callable[[int], Network]) -> None:
    network = build(4)
    for name, module in opened(network).items():
        inputs = tensors_for(module.graph, 3)
        found = module.eval()(inputs)
        arrays = {key: values.numpy() for key, values in inputs.items()}
        expected = walk(network.graphs[name], NumpyBackend(random_weights(network, 3)), arrays)
        assert list(found) == list(expected)
        for key, values in expected.items():
            np.testing.assert_allclose(found[key].detach(), values, rtol=0, atol=2e-5)


@pytest.mark.parametrize("build", [*BUILDERS, ssd_mobilenet_v2])
def test_variables_have_their_tf_names_and_return_bit_by_bit(build: Callable[[int], Network]) -> None:
    network = build(2)
    weights = random_weights(network, 3)
    found = {name: values for module in opened(network).values() for name, values in module.weights().items()}
    assert found.keys() == network.variables.keys()
    for name, values in found.items():
        assert values.dtype == np.float32
        assert values.flags.c_contiguous
        np.testing.assert_array_equal(values, weights[name])


def test_the_copied_variables_do_not_change_with_the_module() -> None:
    module = opened(branches(4))["one"]
    before = module.weights()
    for values in module.variables().values():
        values.data.zero_()
    assert all(values.any() for values in before.values())


@pytest.mark.parametrize("build", BUILDERS)
def test_a_state_dict_has_the_variables_and_loads_into_another_module(build: Callable[[int], Network]) -> None:
    network = build(4)
    pairs = zip(opened(network, seed=3).values(), opened(network, seed=4).values(), strict=True)
    for module, other in pairs:
        state = module.state_dict()
        assert state.keys() == module.variables().keys()
        other.load_state_dict(dict(state))  # as read from a file: without torch's metadata
        for name, values in other.weights().items():
            np.testing.assert_array_equal(values, random_weights(network, 3)[name])


def test_state_dicts_work_inside_another_module_and_refuse_what_does_not_fit() -> None:
    import torch

    network = branches(4)
    wrapped = torch.nn.ModuleDict({"inner": opened(network)["one"]})
    state = wrapped.state_dict()
    assert state.keys() == {f"inner.{name}" for name in network.variables}
    wrapped.load_state_dict(state)
    module = opened(network)["one"]
    state = module.state_dict()
    with pytest.raises(RuntimeError, match=r"Unexpected key.*Other/weights"):
        module.load_state_dict({**state, "Other/weights": torch.zeros(1)})
    with pytest.raises(RuntimeError, match="Missing key"):
        module.load_state_dict({name: values for name, values in state.items() if name != "Stem/BatchNorm/moving_mean"})


def test_gamma_beta_and_kernels_are_parameters_and_the_moving_statistics_are_not() -> None:
    module = opened(branches(4))["one"]
    parameters = {id(parameter) for parameter in module.parameters()}
    moving = {name for name, values in module.variables().items() if id(values) not in parameters}
    assert moving == {name for name in module.variables() if "/moving_" in name}
    assert len(parameters) + len(moving) == len(module.variables())
    assert "Left/1x7/BatchNorm/gamma" not in module.variables()


def test_folded_it_computes_the_same_with_kernels_and_biases_alone() -> None:
    network = branches(4)
    folded, unfolded = opened(network, folded=True)["one"], opened(network)["one"].eval()
    assert all(name.endswith(("weights", "/biases")) for name in folded.variables())
    folded.load_state_dict(folded.state_dict())
    inputs = tensors_for(folded.graph, 2)
    found, expected = folded(inputs), unfolded(inputs)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name].detach(), values.detach(), rtol=0, atol=2e-5)


@pytest.mark.parametrize("build", BUILDERS)
def test_the_parts_of_a_partition_compute_what_the_whole_computes(build: Callable[[int], Network]) -> None:
    from boxable.networks.torch_backend import TorchGraph

    network = build(4)
    weights = random_weights(network, 3)
    for module in opened(network).values():
        inputs = tensors_for(module.graph, 2)
        expected = module.eval()(inputs)
        for scope in network.scopes.values():
            frozen, trained = (TorchGraph(part, weights).eval() for part in partition(module.graph, scope))
            assert {**frozen.variables(), **trained.variables()}.keys() == module.variables().keys()
            for name, values in trained(frozen(inputs)).items():
                np.testing.assert_array_equal(values.detach(), expected[name].detach())


@pytest.mark.parametrize("norm", ["batch", "batch_without_gamma"])
def test_training_normalizes_by_the_batch_and_moves_the_statistics_by_3_in_10000(norm: Any) -> None:
    import torch

    from boxable.networks.torch_backend import TorchGraph

    layer = Conv("conv", "images", 4, Window((1, 1)), norm)
    graph = Graph((layer,), {"images": (3, 2, 3)}, {"maps": "conv"})
    rng = np.random.default_rng(0)
    weights = {
        name: rng.uniform(0.5, 1.5, shape).astype(np.float32) for name, shape in layer.variables([(3, 2, 3)]).items()
    }
    module = TorchGraph(graph, weights).train()
    images = rng.uniform(-1, 1, (2, 3, 2, 3)).astype(np.float32)
    found = module({"images": torch.tensor(images)})["maps"].detach().numpy()
    maps = images.astype(np.float64) @ weights["conv/weights"][0, 0]
    mean, variance = maps.mean((0, 1, 2)), maps.var((0, 1, 2))
    gamma = weights.get("conv/BatchNorm/gamma", 1.0)
    expected = gamma * (maps - mean) / np.sqrt(variance + 0.001) + weights["conv/BatchNorm/beta"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    moved = module.weights()
    for name, batch in (("moving_mean", mean), ("moving_variance", variance * 12 / 11)):  # unbiased, of 12 pixels
        old = weights[f"conv/BatchNorm/{name}"].astype(np.float64)
        step = moved[f"conv/BatchNorm/{name}"] - old
        np.testing.assert_allclose(step, 0.0003 * (batch - old), rtol=0, atol=2e-7)


def test_synchronized_batch_norm_keeps_the_variables() -> None:
    import torch

    network = branches(4)
    module = torch.nn.SyncBatchNorm.convert_sync_batchnorm(opened(network)["one"])
    assert any(isinstance(norm, torch.nn.SyncBatchNorm) for norm in module.modules())
    assert module.state_dict().keys() == network.variables.keys()
    for name, values in module.weights().items():
        np.testing.assert_array_equal(values, random_weights(network, 3)[name])
    inputs = tensors_for(module.graph, 2)
    expected = opened(network)["one"].eval()(inputs)
    for name, values in module.eval()(inputs).items():
        np.testing.assert_array_equal(values.detach(), expected[name].detach())


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("folded", [False, True])
def test_gradients_are_those_of_finite_differences(
    build: Callable[[int], Network], training: bool, folded: bool
) -> None:
    for module in opened(build(4), folded=folded).values():
        slope, difference = slopes(module.double().train(training))
        assert abs(slope) > 1
        assert difference == pytest.approx(slope, rel=1e-4)


def slopes(module: "TorchGraph") -> tuple[float, float]:
    """The slope of a random sum of all outputs in a random direction of all parameters, by autograd and measured."""
    import torch

    torch.manual_seed(0)
    inputs = {name: values.double() for name, values in tensors_for(module.graph, 3).items()}
    directions = [torch.randn_like(parameter) for parameter in module.parameters()]
    factors = {name: torch.randn_like(values) for name, values in module(inputs).items()}

    def after(step: float) -> Any:
        with torch.no_grad():
            for parameter, direction in zip(module.parameters(), directions, strict=True):
                parameter += step * direction
        return sum((values * factors[name]).sum() for name, values in module(inputs).items())

    gradients = torch.autograd.grad(after(0), list(module.parameters()))
    slope = sum((gradient * direction).sum() for gradient, direction in zip(gradients, directions, strict=True))
    return float(slope), float((after(1e-7) - after(-2e-7)).detach() / 2e-7)
