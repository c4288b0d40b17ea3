"""A model for some of its classes finds what the whole one finds of them."""

from pathlib import Path

import numpy as np
import pytest

import boxable
from boxable.errors import UnknownClassError, WeightsError
from boxable.weights.pull import open_model, read_weights
from boxable.weights.select_classes import select_classes
from tests.conftest import EXAMPLES

PHOTOS = [str(EXAMPLES / name) for name in ("astronaut.png", "chelsea.png", "coffee.png")]


@pytest.mark.parametrize("classes", ["Person", "Animal,Mug", "-Person", "Person,Cat,Dog,Car,Coffee cup"])
def test_the_detections_are_those_of_the_whole_network(detector: boxable.Detector, classes: str) -> None:
    part = boxable.load("ssd23", classes=classes)
    assert len(part.classes) < len(detector.classes)
    for photo in PHOTOS:
        found, expected = part(photo, min_score=0), detector(photo, classes=classes, min_score=0)
        np.testing.assert_array_equal(found.mids, expected.mids)
        np.testing.assert_array_equal(found.label_ids, expected.label_ids)
        np.testing.assert_array_equal(found.scores, expected.scores)
        np.testing.assert_array_equal(found.boxes, expected.boxes)


def test_int8_too(detector: boxable.Detector) -> None:
    part, whole = boxable.load("ssd23", precision="int8", classes="Cat"), boxable.load("ssd23", precision="int8")
    for photo in PHOTOS:
        np.testing.assert_array_equal(part(photo, min_score=0).scores, whole(photo, classes="Cat", min_score=0).scores)


def test_what_is_not_asked_for_is_not_computed(detector: boxable.Detector) -> None:
    whole, part = (open_model("ssd23", classes).onnx("detector", "fp32") for classes in (None, "Person"))
    assert len(whole) - len(part) == pytest.approx(4 * 22 * (3 * 576 + 6 * (1280 + 512 + 256 + 256 + 128)), rel=0.01)


def test_the_columns_are_those_of_the_classes_and_of_the_background(detector: boxable.Detector) -> None:
    model, _ = read_weights("ssd23")
    part = select_classes(model, "Cat,Person")
    assert [item.name for item in part.classes] == ["Person", "Cat"]
    columns = [0, *(1 + model.classes.column(item) for item in part.classes)]
    name = "BoxPredictor_1/ClassPredictor/weights"
    by_anchor = model.weights[name].reshape(1, 1, 1280, 6, 24)[..., columns]
    np.testing.assert_array_equal(part.weights[name], by_anchor.reshape(1, 1, 1280, 18))
    untouched = "BoxPredictor_1/BoxEncodingPredictor/weights"
    assert part.weights[untouched] is model.weights[untouched]


def test_what_the_model_cannot_name_is_an_error(detector: boxable.Detector) -> None:
    zebra = "^ssd23 has no class 'Zebra'; ssd601 has it: boxable models pull ssd601$"
    with pytest.raises(UnknownClassError, match=zebra):
        boxable.load("ssd23", classes="Zebra")
    with pytest.raises(UnknownClassError, match=zebra):
        detector(PHOTOS[0], classes="Zebra")
    with pytest.raises(UnknownClassError, match=zebra):
        detector(PHOTOS[0]).filter("Zebra")
    part = "^ssd23, opened for 1 of its 23 classes, has no class 'Car'; `boxable classes --model ssd23` lists"
    with pytest.raises(UnknownClassError, match=part):
        boxable.load("ssd23", classes="Person")(PHOTOS[0], classes="Car")


@pytest.mark.parametrize("content", [b"", b"no graph", b"\x08\x08"])
def test_what_is_no_graph_is_an_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"bad\.onnx"):
        boxable.load(path, classes="Person")
