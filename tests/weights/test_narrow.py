"""A model for some of its classes finds what the whole one finds of them."""

from pathlib import Path

import numpy as np
import pytest

import boxable
from boxable.errors import UnknownClassError, WeightsError
from boxable.runtimes.onnx_runtime import OnnxRuntime
from boxable.weights.narrow import narrowed
from boxable.weights.pull import graph_of
from tests.conftest import EXAMPLES

PHOTOS = [str(EXAMPLES / name) for name in ("astronaut.png", "chelsea.png", "coffee.png")]


@pytest.mark.parametrize("classes", ["Person", "Animal,Mug", "-Person", "Person,Cat,Dog,Car,Coffee cup"])
def test_the_detections_are_those_of_the_whole_network(detector: boxable.Detector, classes: str) -> None:
    part = boxable.load("ssd23", classes=classes)
    assert len(part.classes) < len(detector.classes)
    for photo in PHOTOS:
        found, expected = part(photo), detector(photo, classes=classes)
        np.testing.assert_array_equal(found.mids, expected.mids)
        np.testing.assert_array_equal(found.label_ids, expected.label_ids)
        np.testing.assert_allclose(found.scores, expected.scores, rtol=0, atol=1e-6)
        np.testing.assert_allclose(found.boxes, expected.boxes, rtol=0, atol=1e-6)


def test_int8_too(detector: boxable.Detector) -> None:
    part, whole = boxable.load("ssd23", precision="int8", classes="Cat"), boxable.load("ssd23", precision="int8")
    for photo in PHOTOS:
        np.testing.assert_allclose(part(photo).scores, whole(photo, classes="Cat").scores, rtol=0, atol=1e-6)


def test_what_is_not_asked_for_is_not_computed(detector: boxable.Detector) -> None:
    graph = graph_of("ssd23")
    part = narrowed(graph, "Person", "ssd23")
    assert OnnxRuntime(part, "part", 1).shapes["class_logits"][1:] == [1917, 2]
    assert len(graph) - len(part) == pytest.approx(4 * 22 * (3 * 576 + 6 * (1280 + 512 + 256 + 256 + 128)), rel=0.01)


def test_all_classes_leave_the_graph_as_it_is(detector: boxable.Detector) -> None:
    graph = graph_of("ssd23")
    assert narrowed(graph, [item.mid for item in detector.classes], "ssd23") is graph


def test_what_the_model_cannot_name_is_an_error(detector: boxable.Detector) -> None:
    with pytest.raises(UnknownClassError, match="cannot name 'Zebra'"):
        boxable.load("ssd23", classes="Zebra")
    with pytest.raises(UnknownClassError, match="cannot name 'Car'"):
        boxable.load("ssd23", classes="Person")(PHOTOS[0], classes="Car")


@pytest.mark.parametrize("content", [b"", b"no graph", b"\x08\x08"])
def test_what_is_no_graph_is_an_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"bad\.onnx"):
        boxable.load(path, classes="Person")
