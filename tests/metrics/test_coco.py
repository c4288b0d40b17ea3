"""The COCO protocol, by hand."""

from math import nan

import numpy as np
import pytest

from boxable.metrics.evaluate import Evaluation
from boxable.metrics.protocols import protocol_named
from tests.evaluation.made import A, B, C, Found, Truth, aps, evaluated, figures

COCO = protocol_named("coco")

HERE, THERE, NOWHERE = (0, 0, 0.5, 0.5), (0.5, 0.5, 1, 1), (0, 0.5, 0.5, 1)
FIVE_EIGHTHS_OF_THERE = (0.5, 0.5, 1, 0.8125)
# One of two found: precision 1 at the 51 recall points up to 0.50.
HALF = 51 / 101

BOXES = [Truth("i", A, HERE), Truth("i", A, THERE)]
# The second is found at IoU 0.50, 0.55 and 0.60, and at seven higher ones it is not.
FOUND = [Found("i", A, 0.9, HERE), Found("i", A, 0.8, FIVE_EIGHTHS_OF_THERE)]
SIZES = {"i": (100, 100)}


def summary(evaluation: Evaluation) -> dict[str, float | None]:
    assert evaluation.coco is not None
    return evaluation.coco.summary


def near(value: float) -> object:
    return pytest.approx(value, rel=0, abs=1e-9)


def test_ap_is_the_mean_over_ten_thresholds_at_101_points() -> None:
    evaluation = evaluated(BOXES, FOUND, COCO)
    assert evaluation.mean_ap == near((3 * 1 + 7 * HALF) / 10)
    assert aps(evaluation) == {A: near((3 + 7 * HALF) / 10), B: None, C: None}
    shown = summary(evaluation)
    assert shown["AP"] == near(evaluation.mean_ap)
    assert (shown["AP50"], shown["AP75"]) == (near(1), near(HALF))
    assert (shown["AR1"], shown["AR10"], shown["AR100"]) == (near(0.5), near(0.65), near(0.65))


def test_the_mean_is_over_classes_with_ground_truth() -> None:
    boxes = [*BOXES, Truth("j", B, HERE)]
    evaluation = evaluated(boxes, [*FOUND, Found("j", C, 0.9, HERE)], COCO)
    ap = (3 + 7 * HALF) / 10
    assert aps(evaluation) == {A: near(ap), B: near(0), C: None}
    assert evaluation.mean_ap == near(ap / 2)
    assert summary(evaluation)["AP"] == near(ap / 2)


def test_only_the_classes_asked_for_are_in_the_figures() -> None:
    boxes = [*BOXES, Truth("j", B, HERE)]
    evaluation = evaluated(boxes, FOUND, COCO, classes=A)
    assert evaluation.mean_ap == near((3 + 7 * HALF) / 10)
    assert summary(evaluation)["AP"] == near(evaluation.mean_ap)
    assert [item.mid for item in evaluation.not_counted] == [B]


def test_a_group_of_box_is_a_crowd_what_is_in_it_counts_for_nothing() -> None:
    crowd = Truth("i", A, THERE, group_of=1)
    inside = [Found("i", A, score, (0.5, 0.5, 0.75, 0.75)) for score in (0.95, 0.94, 0.93)]
    evaluation = evaluated([Truth("i", A, HERE), crowd], [Found("i", A, 0.9, HERE), *inside], COCO)
    assert aps(evaluation)[A] == near(1)
    assert aps(evaluated([crowd], inside, COCO)) == {A: None, B: None, C: None}


def test_a_box_with_an_unknown_flag_is_an_ordinary_one() -> None:
    evaluation = evaluated([Truth("i", A, HERE, group_of=-1)], [Found("i", A, 0.9, HERE)], COCO)
    assert aps(evaluation)[A] == near(1)
    (note,) = evaluation.notes
    assert "taken as ordinary boxes" in str(note)


def test_at_most_a_hundred_detections_of_an_image_and_class_count() -> None:
    before = [Found("i", A, 0.9, NOWHERE)] * 100
    last = Found("i", A, 0.1, HERE)
    assert aps(evaluated(BOXES[:1], [*before[1:], last], COCO))[A] == near(1 / 100)
    assert aps(evaluated(BOXES[:1], [*before, last], COCO))[A] == 0


def test_with_known_sizes_there_are_figures_by_size() -> None:
    # 50 x 50 pixels are a medium box.
    shown = summary(evaluated(BOXES, FOUND, COCO, sizes=SIZES))
    ap = (3 + 7 * HALF) / 10
    assert (shown["AP_small"], shown["AP_medium"], shown["AP_large"]) == (None, near(ap), None)
    assert (shown["AR_small"], shown["AR_medium"], shown["AR_large"]) == (None, near(0.65), None)


@pytest.mark.parametrize(
    ("area", "size"), [(2500, "medium"), (1000, "small"), (0, "small"), (20000, "large"), (nan, "medium")]
)
def test_the_area_of_the_object_decides_about_its_size(area: float, size: str) -> None:
    # The box alone, of 50 x 50 pixels, is medium.
    shown = summary(evaluated([Truth("i", A, HERE, area=area)], FOUND[:1], COCO, sizes=SIZES))
    by_size = {name: shown[f"AP_{name}"] for name in ("small", "medium", "large")}
    assert by_size == {name: near(1) if name == size else None for name in by_size}
    assert shown["AP"] == near(1)


@pytest.mark.parametrize("sizes", [{}, SIZES, SIZES | {"j": (0, 0)}], ids=["none", "one of two", "zero"])
def test_without_the_size_of_every_image_there_are_none(sizes: dict[str, tuple[int, int]]) -> None:
    boxes = [*BOXES, Truth("j", A, HERE)]
    known = summary(evaluated(boxes, FOUND, COCO, sizes=SIZES | {"j": (100, 100)}))
    unknown = summary(evaluated(boxes, FOUND, COCO, sizes=sizes))
    assert known["AP_medium"] is not None
    by_size = {name for name in known if name.endswith(("small", "medium", "large"))}
    assert {name for name, value in unknown.items() if value is None} == by_size
    assert {n: v for n, v in unknown.items() if n not in by_size} == {
        n: v for n, v in known.items() if n not in by_size
    }


def test_width_and_height_do_not_change_what_overlaps() -> None:
    wide = evaluated(BOXES, FOUND, COCO, sizes={"i": (1000, 10)})
    assert wide.mean_ap == near((3 + 7 * HALF) / 10)


@pytest.mark.parametrize("boxes", [[], BOXES], ids=["no boxes", "no predictions"])
def test_nothing_to_find_or_nothing_found_is_no_error(boxes: list[Truth]) -> None:
    evaluation = evaluated(boxes, [], COCO)
    assert np.nan_to_num(figures(evaluation)[A]) == 0
    assert evaluation.to_dict()["mAP"] == (0 if boxes else None)


def test_there_is_no_interval() -> None:
    evaluation = evaluated(BOXES, FOUND, COCO, resamples=10)
    assert evaluation.interval is None
    assert [result.interval for result in evaluation.results] == [None] * 3
    assert evaluation.to_dict()["bootstrap"]["resamples"] == 0


def test_width_and_height_are_not_exchanged() -> None:
    # A wide flat box moved down by half its height: IoU 1/3; exchanged it would be 7/9.
    boxes, found = [Truth("i", A, (0, 0, 0.2, 0.8))], [Found("i", A, 0.9, (0.1, 0, 0.3, 0.8))]
    assert summary(evaluated(boxes, found, COCO, sizes=SIZES))["AP50"] == 0
