"""Made-up architectures detect on every runtime: nothing in the package knows the one that it ships."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import boxable
from boxable.arrays import Floats
from boxable.detection.calibrate import calibrate
from boxable.errors import ArgumentError, UnknownClassError
from boxable.networks.architectures import ARCHITECTURES, recognize
from boxable.networks.heads import Runner
from boxable.networks.heads.rules import NmsResult, PostprocessRules
from boxable.networks.heads.ssd import SsdHead
from boxable.networks.network import Network
from boxable.networks.walk import walk
from boxable.runtimes import Concurrency, open_runtime
from boxable.vocabulary import ClassList
from boxable.weights.compiled import compiled_from
from boxable.weights.model import Model
from boxable.weights.select_classes import select_classes
from tests.networks.conftest import random_weights
from tests.networks.made_up import NumpyBackend, branches, two_stages

CLASSES = ClassList.from_names(["Cat", "Dog", "Car", "robot"])
BUILDERS = [branches, two_stages]
RUNTIMES = [
    "onnxruntime", *(pytest.param(name, marks=pytest.mark.optional) for name in ("openvino", "litert", "torch")),
]  # fmt: skip
IMAGES = [np.random.default_rng(seed).integers(0, 256, size, np.uint8) for seed, size in enumerate(
    [(120, 90, 3), (40, 200, 3), (120, 90, 3), (31, 17, 3)])]  # fmt: skip


@pytest.fixture(params=BUILDERS, ids=lambda build: build.__name__)
def model(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Model:
    build: Callable[[int], Network] = request.param
    network = build(len(CLASSES))
    monkeypatch.setitem(ARCHITECTURES, network.name, build)
    return Model(network, random_weights(network, seed=3), CLASSES, f"made/{network.name}")


def plain_run(model: Model) -> Callable[[str, Mapping[str, Any]], dict[str, np.ndarray]]:
    def run(graph: str, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        outputs = walk(model.network.graphs[graph], NumpyBackend(model.weights), inputs)
        return {name: values.astype(np.float32) for name, values in outputs.items()}

    return run


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("batch", [1, 3])
def test_every_graph_computes_what_plain_numpy_computes(model: Model, runtime: Any, batch: int) -> None:
    opened = open_runtime(runtime, compiled_from(model), "fp32", Concurrency(2, 1, batch))
    for name, graph in model.network.graphs.items():
        shapes = {key: [size or 41 for size in shape] for key, shape in graph.inputs.items()}
        for count in (1, 5):
            inputs = {
                key: np.random.default_rng(count).uniform(-1, 1, (count, *shape)).astype(np.float32)
                for key, shape in shapes.items()
            }
            expected = plain_run(model)(name, inputs)
            found = opened.run(name, inputs)
            assert list(found) == list(expected) == list(graph.outputs)
            for key in expected:
                np.testing.assert_allclose(found[key], expected[key], rtol=0, atol=2e-5)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_detections_are_those_of_plain_numpy(model: Model, runtime: Any, tmp_path: Path) -> None:
    path = tmp_path / "made.safetensors"
    model.save(path)
    detector = boxable.load(path, runtime=runtime, threads=2)
    assert detector.network.name == model.network.name
    alone = [detector(image, min_score=0.3) for image in IMAGES]
    for found, image in zip(alone, IMAGES, strict=True):
        prepared = model.network.preprocess(image)[None]
        (expected,) = model.network.head.detect(plain_run(model), prepared, PostprocessRules(min_score=0.3))
        assert len(expected.scores) > 0
        assert found.names.tolist() == [CLASSES[column].name for column in expected.columns]
        np.testing.assert_allclose(found.scores, expected.scores, rtol=0, atol=1e-5)
        np.testing.assert_allclose(found.boxes, expected.boxes, rtol=0, atol=1e-4)
    for found, expected_detections in zip(detector.stream(IMAGES * 3, min_score=0.3), alone * 3, strict=True):
        assert found.names.tolist() == expected_detections.names.tolist()
        np.testing.assert_allclose(found.scores, expected_detections.scores, rtol=0, atol=1e-5)


def test_some_classes_give_what_the_whole_model_gives_of_them(model: Model) -> None:
    whole, part = boxable.load(model), boxable.load(model, classes="Dog,robot")
    assert [item.name for item in select_classes(model, "Dog,robot").classes] == ["Dog", "robot"]
    for image in IMAGES:
        found, expected = part(image), whole(image, classes="Dog,robot")
        assert found.names.tolist() == expected.names.tolist()
        np.testing.assert_array_equal(found.scores, expected.scores)
        np.testing.assert_array_equal(found.boxes, expected.boxes)


def test_foreign_variables_are_recognized(model: Model) -> None:
    found = recognize({name: values.shape for name, values in model.weights.items()})
    assert found is not None
    assert (found.name, found.num_classes) == (model.network.name, len(CLASSES))


@pytest.mark.parametrize("runtime", ["onnxruntime", pytest.param("litert", marks=pytest.mark.optional)])
def test_every_graph_computes_in_int8_about_what_it_computes_in_float32(model: Model, runtime: Any) -> None:
    calibration, count = calibrate(model, IMAGES)
    assert count == len(IMAGES)
    compiled = compiled_from(model, calibration)
    float32, int8 = (open_runtime(runtime, compiled, precision, Concurrency(1, 1, 2)) for precision in ("fp32", "int8"))
    errors = []
    for name, graph in model.network.graphs.items():
        inputs = {
            key: np.random.default_rng(0).uniform(0, 1, (2, *(size or 41 for size in shape))).astype(np.float32)
            for key, shape in graph.inputs.items()
        }
        expected, found = float32.run(name, inputs), int8.run(name, inputs)
        assert list(found) == list(graph.outputs)
        for key, values in expected.items():
            assert found[key].shape == values.shape
            errors.append(np.abs(found[key] - values).max() / np.abs(values).max())
    assert 0 < max(errors) < 0.15


def test_classes_that_compete_are_selected_after_all_columns_are_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    def competing(num_classes: int) -> Network:
        return replace(two_stages(num_classes), name="competing", classes_compete=True)

    monkeypatch.setitem(ARCHITECTURES, "competing", competing)
    network = competing(len(CLASSES))
    model = Model(network, random_weights(network, seed=3), CLASSES, "made/competing")
    whole, selected = boxable.load(model), boxable.load(model, classes="Dog,Car")
    assert [item.name for item in selected.classes] == ["Dog", "Car"]
    assert selected.network == whole.network
    for image in IMAGES:
        expected, found = whole(image, classes="Dog,Car", min_score=0), selected(image, min_score=0)
        assert found.names.tolist() == expected.names.tolist()
        assert found.scores.tolist() == expected.scores.tolist()
        assert set(selected(image, classes="Car", min_score=0).names) == {"Car"}
    with pytest.raises(UnknownClassError):
        selected(IMAGES[0], classes="Cat")
    assert selected.fingerprint != whole.fingerprint


def test_a_single_stage_has_no_proposals() -> None:
    network = branches(len(CLASSES))
    model = Model(network, random_weights(network, seed=3), CLASSES, "made/branches")
    with pytest.raises(ArgumentError, match="proposals: made/branches has a single stage"):
        boxable.load(model, proposals=100)


def test_images_of_a_large_network_run_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most = 0, 0

    class Counting(SsdHead):
        def detect(self, run: Runner, images: Floats, rules: PostprocessRules) -> list[NmsResult]:
            nonlocal running, most
            assert len(images) == 1
            running += 1
            most = max(most, running)
            time.sleep(0.01)
            found = super().detect(run, images, rules)
            running -= 1
            return found

    def large(num_classes: int) -> Network:
        network = branches(num_classes)
        head = Counting("one", network.head.anchors)  # type: ignore[attr-defined]
        return replace(network, name="large", head=head, is_large=True)

    monkeypatch.setitem(ARCHITECTURES, "large", large)
    network = large(len(CLASSES))
    model = Model(network, random_weights(network, seed=3), CLASSES, "made/large")
    detector = boxable.load(model, threads=2, batch_size=4)
    assert len(detector(IMAGES * 3)) == len(list(detector.stream(IMAGES * 3))) == 12
    assert most == 1
