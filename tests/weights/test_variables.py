"""Which variables are the network's, and which network it is."""

import logging

import numpy as np
import pytest

from boxable.errors import WeightsError
from boxable.vocabulary import ClassList
from boxable.weights.model import Model
from boxable.weights.variables import canonical_name, detector_weights
from tests.weights.tensorflow_writer import same_arrays, zeros

HEAD = "BoxPredictor_0/ClassPredictor/biases"
KERNEL = "FeatureExtractor/MobilenetV2/Conv/weights"
CLASSES = ClassList.from_names(["Cat", "robot"])


def refused(weights: dict[str, np.ndarray]) -> str:
    """As an import goes: the weights are picked, then must fit."""
    with pytest.raises(WeightsError) as error:
        Model(*detector_weights(weights, "file"), CLASSES, "file")
    assert str(error.value).startswith("file: ")
    return str(error.value)


@pytest.mark.parametrize("prefix", ["", "module/", "import/", "save/", "hub_input/", "import/hub_input/"])
def test_prefixes_are_taken_off(prefix: str) -> None:
    weights = zeros(2)
    network, found = detector_weights({prefix + name: values for name, values in weights.items()}, "file")
    same_arrays(found, weights)
    assert network.num_classes == 2


@pytest.mark.parametrize("num_classes", [1, 23, 601])
def test_the_number_of_classes_is_that_of_the_first_head(num_classes: int) -> None:
    biases = {HEAD: np.zeros(3 * (num_classes + 1), np.float32)}
    assert detector_weights(biases, "file")[0].num_classes == num_classes


def test_variables_of_training_are_ignored_and_counted_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    weights = zeros(2)
    slots = ("RMSProp", "RMSProp_1", "ExponentialMovingAverage", "Momentum", "Adam", "Adam_1", "Adagrad")
    training = {f"{name}/{slot}": np.ones_like(values) for name, values in weights.items() for slot in slots}
    steps = {name: np.array(7, np.int64) for name in ("global_step", "save/global_step")}
    powers = {name: np.array(0.5, np.float32) for name in ("beta1_power", "beta2_power")}
    with caplog.at_level(logging.INFO, "boxable"):
        _, found = detector_weights(training | weights | steps | powers, "file")
    same_arrays(found, weights)
    count = len(training) + len(steps) + len(powers)
    expected = f"ignored {count:,} variables of training (optimizer slots, moving averages, step)"
    assert [record.getMessage() for record in caplog.records] == [expected]


def test_a_clean_checkpoint_is_taken_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "boxable"):
        detector_weights(zeros(2), "file")
    assert caplog.records == []


def test_a_variable_may_be_there_twice_if_it_is_the_same() -> None:
    weights = zeros(2)
    found = detector_weights(weights | {f"import/{KERNEL}": weights[KERNEL].copy()}, "file")[1]
    same_arrays(found, weights)
    for other in (weights[KERNEL] + 1, weights[KERNEL][:1]):
        assert f"{KERNEL} is there twice, with different values" in refused(weights | {f"import/{KERNEL}": other})


def test_a_missing_a_surplus_and_a_misshapen_variable_are_listed_by_name() -> None:
    weights = zeros(2)
    del weights[KERNEL]
    weights["BoxPredictor_6/ClassPredictor/biases"] = np.zeros(9, np.float32)
    weights["BoxPredictor_1/ClassPredictor/biases"] = np.zeros(9, np.float32)
    message = refused(weights)
    assert f"missing {KERNEL}" in message
    assert "unknown BoxPredictor_6/ClassPredictor/biases" in message
    assert "BoxPredictor_1/ClassPredictor/biases is float32 [9], expected float32 [18]" in message


def test_a_variable_of_another_network_is_surplus() -> None:
    assert "unknown SecondStage/weights" in refused(zeros(2) | {"SecondStage/weights": np.zeros(3, np.float32)})


def test_another_type_is_refused() -> None:
    weights = zeros(2)
    assert "is float64 [" in refused(weights | {KERNEL: weights[KERNEL].astype(np.float64)})


@pytest.mark.parametrize(
    "weights",
    [
        {},
        {"resnet/conv1/weights": np.zeros((7, 7, 3, 64), np.float32)},
        {HEAD: np.zeros((3, 3), np.float32)},
        {HEAD: np.float32(1)},
        {HEAD: np.zeros(0, np.float32)},
        {HEAD: np.zeros(3, np.float32)},  # the background alone
        {HEAD: np.zeros(10, np.float32)},  # no multiple of three anchors
    ],
)
def test_another_architecture_is_refused(weights: dict[str, np.ndarray]) -> None:
    message = refused(weights)
    assert "expected the variables of ssd_mobilenet_v2 or faster_rcnn_inception_resnet_v2" in message
    assert f"got {len(weights)} that do not fit" in message


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (KERNEL, KERNEL),
        (f"hub_input/{KERNEL}", KERNEL),
        (f"import/module/{HEAD}", HEAD),
        (f"{KERNEL}/read", None),
        (f"{KERNEL}/RMSProp", None),
        ("XBoxPredictor_0/ClassPredictor/biases", None),
        ("FeatureExtractor/MobilenetV2/Conv/BatchNorm/gamma", "FeatureExtractor/MobilenetV2/Conv/BatchNorm/gamma"),
        ("hub_input/Conv/weights", "Conv/weights"),
        ("Conv/biases", "Conv/biases"),
        ("MobilenetV2/Conv/biases", None),
        ("hub_input/FirstStageBoxPredictor/ClassPredictor/biases", "FirstStageBoxPredictor/ClassPredictor/biases"),
        (
            "SecondStageFeatureExtractor/InceptionResnetV2/Block8/Conv2d_1x1/weights",
            "SecondStageFeatureExtractor/InceptionResnetV2/Block8/Conv2d_1x1/weights",
        ),
        ("FeatureExtractor/", None),
        ("", None),
    ],
)
def test_canonical_names(name: str, expected: str | None) -> None:
    assert canonical_name(name) == expected
