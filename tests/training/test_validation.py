"""The mean AP of a model while it is trained."""

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

import boxable
from boxable.datasets.ground_truth import open_ground_truth
from boxable.errors import ArgumentError, BoxableError
from boxable.formats.annotations import Annotations
from boxable.training.data import LabelPolicy
from boxable.training.validation import Validation
from boxable.vocabulary import ClassList
from boxable.weights.model import Model
from boxable.weights.select_classes import select_classes
from tests.conftest import EXAMPLES


@pytest.fixture(scope="module")
def model(ssd23_weights: Path) -> Model:
    return Model.from_bytes(ssd23_weights.read_bytes(), "ssd23")


def annotations_of(path: Path) -> Annotations:
    with open_ground_truth(path) as found:
        return found


@pytest.mark.parametrize(("policy", "protocol"), [("exhaustive", "pascal"), ("verified", "challenge")])
def test_the_number_is_that_of_evaluate(model: Model, policy: LabelPolicy, protocol: str) -> None:
    evaluation, predictions = Validation(annotations_of(EXAMPLES), policy).measure(model, resamples=50)
    expected = boxable.evaluate(EXAMPLES, boxable.load(model), protocol, resamples=50)
    assert evaluation.to_dict() == expected.to_dict()
    assert evaluation.mean_ap > 0
    assert len(predictions) == len(expected.data.score) + sum(
        not item for item in np.isin(predictions.image.strings(), expected.data.images)
    )


def test_protocols_differ_where_classes_are_not_verified(model: Model) -> None:
    exhaustive, verified = (
        Validation(annotations_of(EXAMPLES), policy).measure(model)[0] for policy in ("exhaustive", "verified")
    )
    assert (exhaustive.ignored, exhaustive.interval) == (0, None)
    assert verified.ignored > 0


def test_the_mean_is_over_the_classes_of_the_model(model: Model) -> None:
    validation = Validation(annotations_of(EXAMPLES), "exhaustive")
    assert [result.item.name for result in validation.measure(model)[0].scored] != ["Cat"]
    evaluation, _ = validation.measure(select_classes(model, "Cat"))
    assert [result.item.name for result in evaluation.scored] == ["Cat"]


def test_what_cannot_be_read_is_dropped_once(model: Model, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "set")
    (tmp_path / "set" / "coffee.png").write_bytes(b"no image")
    validation = Validation(annotations_of(tmp_path / "set"), "exhaustive")
    caplog.set_level(logging.WARNING)
    first, _ = validation.measure(model)
    assert validation.unreadable == ["coffee"]
    assert [message.endswith("; dropped from validation") for message in caplog.messages] == [True]
    assert "coffee.png" in caplog.text
    assert first.data.images == ["astronaut", "chelsea"]
    (tmp_path / "set" / "coffee.png").unlink()
    assert validation.measure(model)[0].to_dict() == first.to_dict()
    assert len(caplog.messages) == 1
    (tmp_path / "set" / "astronaut.png").write_bytes(b"no image")
    (tmp_path / "set" / "chelsea.png").write_bytes(b"no image")
    with pytest.raises(BoxableError, match=r"none of the validation images can be read: .*astronaut.png"):
        validation.measure(model)


def test_detections_of_chosen_images_are_in_their_order(model: Model) -> None:
    validation = Validation(annotations_of(EXAMPLES), "exhaustive")
    found = list(validation.detect(model, ["coffee", "chelsea"], min_score=0.3))
    assert [one.image_id for one in found] == ["coffee", "chelsea"]
    assert [item.name for item in found[1]] == ["Cat"]
    assert found[1].draw().size == (451, 300)


def test_some_box_must_be_of_a_class_that_is_trained() -> None:
    validation = Validation(annotations_of(EXAMPLES), "exhaustive")
    validation.require_boxes(ClassList.from_names(["Cat", "Car"]))
    with pytest.raises(ArgumentError, match=r"no validation box is of a class that is trained \(Car, yeti\)"):
        validation.require_boxes(ClassList.from_names(["Car", "yeti"]))
