"""Which classes count, and what metrics.json says."""

import json
from typing import Any

import numpy as np
import pytest

from boxable.errors import UnknownClassError
from boxable.metrics.protocols import PROTOCOLS
from boxable.vocabulary import ClassList
from tests.evaluation.made import CAR, CAT, DOG, A, B, C, Found, Seen, Truth, aps, evaluated
from tests.evaluation.scenes import detector, scene

HERE, THERE = (0, 0, 0.5, 0.5), (0.5, 0.5, 1, 1)

KINDS = [Truth("i", DOG, HERE), Truth("i", CAT, THERE), Truth("i", A, HERE)]
KINDS_FOUND = [Found("i", DOG, 0.9, HERE), Found("i", A, 0.9, THERE)]


@pytest.mark.parametrize(
    ("options", "mean", "counted", "not_counted"),
    [
        ({}, 1 / 3, [CAT, DOG, A], []),
        ({"classes": "Dog"}, 1, [DOG], [CAT, A]),
        ({"classes": "Animal"}, 1 / 2, [CAT, DOG], [A]),
        ({"classes": "Animal,-Dog"}, 0, [CAT], [DOG, A]),
        ({"classes": ["-Dog"]}, 0, [CAT, A], [DOG]),
        ({"nameable": ClassList.from_names(["Dog", "Car"])}, 1, [DOG], [CAT, A]),
        ({"nameable": ClassList.from_names(["Dog", "Cat"]), "classes": "-Dog"}, 0, [CAT], [DOG, A]),
        ({"nameable": ClassList.from_names(["Car"])}, None, [], [CAT, DOG, A]),
    ],
)  # fmt: skip
def test_the_mean_is_over_the_classes_asked_for_that_the_model_can_name(
    options: dict[str, object], mean: float | None, counted: list[str], not_counted: list[str]
) -> None:
    evaluation = evaluated(KINDS, KINDS_FOUND, **options)
    assert evaluation.to_dict()["mAP"] == (mean if mean is None else pytest.approx(mean))
    assert [mid for mid, ap in aps(evaluation).items() if ap is not None] == counted
    assert list(evaluation.to_dict()["not_counted"]) == not_counted


def test_a_selection_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(UnknownClassError, match="Gnome"):
        evaluated(KINDS, KINDS_FOUND, classes="Gnome")


def test_the_models_other_classes_may_be_unknown_here() -> None:
    own = ClassList.from_names(["Dog", "Gnome"])
    assert evaluated(KINDS, KINDS_FOUND, nameable=own).mean_ap == 1.0


def test_classes_are_listed_that_the_data_set_names_or_that_somebody_annotated_or_predicted() -> None:
    labels = [Seen("i", CAR, 0)]
    evaluation = evaluated(KINDS, [*KINDS_FOUND, Found("i", CAR, 0.5, HERE)], labels=labels)
    assert aps(evaluation) == {CAT: 0.0, DOG: 1.0, CAR: None, A: 0.0, B: None, C: None}


def test_a_data_set_that_names_no_classes_has_all_601() -> None:
    boxes = [row for row in KINDS if row.label != A]
    evaluation = evaluated(boxes, KINDS_FOUND, own=ClassList(()))
    assert len(evaluation.results) == 601
    assert [result.item.mid for result in evaluation.scored] == [DOG, CAT]


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_the_metrics_are_plain_json_and_add_up(protocol: Any) -> None:
    truth = scene()
    evaluation = evaluated(truth, detector(truth, {A: 0.8, B: 0.3}), protocol, resamples=5)
    metrics = evaluation.to_dict()
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
    known = [row["AP"] for row in metrics["classes"].values() if row["AP"] is not None]
    assert len(known) == metrics["classes_scored"] == 2
    assert metrics["mAP"] == pytest.approx(sum(known) / 2, rel=0, abs=1e-12)
    assert metrics["classes"][C]["AP"] is None
    assert (metrics["protocol"], metrics["switches"]) == (protocol.name, evaluation.protocol.switches())
    assert evaluation.protocol == protocol.for_flags(np.array([0]))
    assert metrics["images"] == 40


def test_the_metrics_of_a_class_say_what_is_behind_its_ap() -> None:
    boxes = [Truth("i", A, HERE), Truth("i", A, THERE), Truth("i", B, HERE), Truth("j", B, HERE)]
    found = [Found("i", A, 0.9, HERE), Found("i", A, 0.8, HERE), Found("i", A, 0.7, THERE)]
    metrics = evaluated(boxes, found, resamples=3).to_dict()
    assert metrics["classes"] == {
        A: {
            "name": "a", "AP": pytest.approx(5 / 6), "interval": None,
            "ground_truth": 2.0, "detections": 3, "found": 2.0,
        },
        B: {"name": "b", "AP": 0.0, "interval": [0.0, 0.0], "ground_truth": 2.0, "detections": 0, "found": 0.0},
        C: {"name": "c", "AP": None, "interval": None, "ground_truth": 0.0, "detections": 0, "found": 0.0},
    }  # fmt: skip
    assert metrics["left_out"] == 0
    assert metrics["bootstrap"] == {"resamples": 3, "seed": 0, "over": "images"}


@pytest.mark.parametrize(("images", "resamples", "warned"), [(29, 5, True), (30, 5, False), (29, 0, False)])
def test_an_interval_from_few_images_with_boxes_comes_with_a_warning(images: int, resamples: int, warned: bool) -> None:
    boxes = [Truth(f"i{number}", A, HERE) for number in range(images)]
    found = [Found(row.image, A, 0.9, HERE) for row in boxes]
    evaluation = evaluated(boxes, found, labels=[Seen("empty", A)], resamples=resamples)
    few = [note.count for note in evaluation.notes if "too narrow below 30" in str(note)]
    assert few == [29] * warned
    assert evaluation.interval_warning.startswith("29 images with boxes" if warned else "")
    assert bool(evaluation.interval_warning) == warned
