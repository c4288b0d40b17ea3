"""Models for other classes: shared ones keep their columns, new ones and new models start as the original's do."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import boxable
from boxable.networks.architectures import ARCHITECTURES
from boxable.networks.architectures.ssd_mobilenet_v2 import ROOT, ssd_mobilenet_v2
from boxable.networks.network import Network
from boxable.vocabulary import ClassList, open_images
from boxable.weights.compiled import compiled_from
from boxable.weights.extend_classes import initialized, truncated_normal, with_classes
from boxable.weights.model import Model
from boxable.weights.pull import open_model
from boxable.weights.select_classes import select_classes
from tests.conftest import EXAMPLES
from tests.networks.conftest import random_weights, run_onnx
from tests.networks.made_up import branches, two_stages
from tests.parity.conftest import pixels_of

OLD = ClassList.from_names(["Cat", "robot", "Dog"])
NEW = ClassList.from_names(["Car", "Dog", "drone", "Cat"])  # Dog and Cat change places, robot is dropped


@pytest.fixture(params=[branches, two_stages, ssd_mobilenet_v2], ids=lambda build: build.__name__)
def model(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Model:
    build: Callable[[int], Network] = request.param
    network = build(len(OLD))
    monkeypatch.setitem(ARCHITECTURES, network.name, build)
    return Model(network, random_weights(network, seed=3), OLD, "made/model", 0.25, "a file")


def columns_of(model: Model, name: str, mid: str | None) -> np.ndarray:
    """The numbers of a class, or of the background, in a variable of a class layer."""
    held = model.network.class_layers[name.rsplit("/", 1)[0]]
    values = model.weights[name].reshape(-1, len(model.classes) + held.background, held.values)
    if mid is None:
        return values[:, : int(held.background)]
    return values[:, [item.mid for item in model.classes].index(mid) + held.background]


def test_shared_classes_and_the_background_keep_their_columns_and_all_else_stays(model: Model) -> None:
    extended = with_classes(model, NEW, 0)
    assert extended.classes == NEW
    assert (extended.handle, extended.score_threshold, extended.origin) == ("made/model", 0.25, "a file")
    for name, values in extended.weights.items():
        if name.rsplit("/", 1)[0] not in model.network.class_layers:
            assert values is model.weights[name]
            continue
        for mid in (None, NEW[1].mid, NEW[3].mid):
            assert_array_equal(columns_of(extended, name, mid), columns_of(model, name, mid))


def test_new_classes_have_small_random_kernels_and_no_bias(model: Model) -> None:
    extended = with_classes(model, NEW, 0)
    for layer in model.network.class_layers:
        for item in (NEW[0], NEW[2]):
            assert not columns_of(extended, f"{layer}/biases", item.mid).any()
            kernel = columns_of(extended, f"{layer}/weights", item.mid)
            stddev = model.network.initial_stddevs[layer]
            assert 0.7 * stddev < kernel.std() < stddev
            assert np.abs(kernel).max() <= np.float32(2 * stddev)


def test_the_seed_alone_decides_what_new_columns_are(model: Model) -> None:
    first, again, other = (with_classes(model, NEW, seed) for seed in (1, 1, 2))
    for layer in model.network.class_layers:
        name = f"{layer}/weights"
        assert_array_equal(first.weights[name], again.weights[name])
        assert (columns_of(first, name, NEW[0].mid) != columns_of(other, name, NEW[0].mid)).all()


def test_the_same_classes_in_the_same_order_change_nothing_and_fewer_are_a_selection(model: Model) -> None:
    assert all((values == model.weights[name]).all() for name, values in with_classes(model, OLD, 0).weights.items())
    selected = select_classes(model, "Cat,Dog")
    for name, values in with_classes(model, selected.classes, 0).weights.items():
        assert_array_equal(values, selected.weights[name])


def test_a_model_may_share_no_class_with_the_new_ones(model: Model) -> None:
    extended = with_classes(model, ClassList.from_names(["Car"]), 0)
    for layer in model.network.class_layers:
        assert_array_equal(columns_of(extended, f"{layer}/biases", None), columns_of(model, f"{layer}/biases", None))


def test_untrained_variables_are_those_of_the_original(model: Model) -> None:
    fresh = initialized(model.network, OLD, "made/fresh", 0)
    assert (fresh.handle, fresh.classes) == ("made/fresh", OLD)
    values_of = {"gamma": 1, "beta": 0, "moving_mean": 0, "moving_variance": 1, "biases": 0}
    for name, values in fresh.weights.items():
        if values.ndim == 1:
            assert (values == values_of[name.rsplit("/", 1)[1]]).all()
        else:
            assert np.abs(values).max() <= np.float32(2 * model.network.initial_stddevs[name.rsplit("/", 1)[0]])
            assert values.any()
    again, other = (initialized(model.network, OLD, "made/fresh", seed).weights for seed in (0, 1))
    assert all((values == again[name]).all() for name, values in fresh.weights.items())
    assert all((values != other[name]).mean() > 0.99 for name, values in fresh.weights.items() if values.ndim > 1)


def test_the_backbone_starts_wider_than_the_extra_layers_and_the_predictions() -> None:
    weights = initialized(ssd_mobilenet_v2(3), OLD, "made/fresh", 0).weights
    narrower = 0.8796  # of a normal distribution that is truncated at two standard deviations
    for name, stddev in (
        (f"{ROOT}/expanded_conv_3/expand/weights", 0.09),
        (f"{ROOT}/Conv_1/weights", 0.09),
        (f"{ROOT}/layer_19_1_Conv2d_2_1x1_256/weights", 0.03),
        ("BoxPredictor_1/ClassPredictor/weights", 0.03),
    ):
        assert weights[name].std() == pytest.approx(narrower * stddev, rel=0.03)


def test_a_truncated_normal_distribution_has_no_bumps_at_its_ends() -> None:
    values = truncated_normal(np.random.default_rng(0), (1000, 1000), 0.5)
    assert values.dtype == np.float32
    assert np.abs(values).max() <= 1
    assert values.mean() == pytest.approx(0, abs=2e-3)
    assert values.std() == pytest.approx(0.8796 * 0.5, rel=2e-3)
    density = np.histogram(values, [-1, -0.95, 0, 0.05, 0.95, 1])[0]  # a normal density at ±2 and 0, over the inside
    assert density[[0, 4]] == pytest.approx([1e6 * 0.05 * 2 * 0.0595 / 0.9545] * 2, rel=0.1)
    assert density[2] == pytest.approx(1e6 * 0.05 * 2 * 0.3983 / 0.9545, rel=0.02)


@pytest.mark.parametrize("start", [None, "Person", "Person,Cat,Dog,Car,Coffee cup"])
def test_raw_outputs_of_old_columns_are_equal_beside_new_ones(detector: boxable.Detector, start: str | None) -> None:
    model = open_model("ssd23", start).model()
    images = np.stack([model.network.preprocess(pixels_of(EXAMPLES / f"{name}.png")) for name in ("chelsea", "coffee")])
    codes, logits = run_onnx(compiled_from(model).onnx("detector", "fp32"), images)
    others = [item for item in open_images() if item not in model.classes]
    for added in (1, 2, 3, 5, 8, 13, 40):
        extended = with_classes(model, ClassList([*model.classes, *others[:added]]), 0)
        found_codes, found_logits = run_onnx(compiled_from(extended).onnx("detector", "fp32"), images)
        assert_array_equal(found_codes, codes)
        assert_array_equal(found_logits[..., : 1 + len(model.classes)], logits)
