"""Runs on disk, and what two of them differ in."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from boxable.errors import ArgumentError
from boxable.metrics.compare import Comparison, compare
from boxable.metrics.evaluate import Evaluation
from boxable.metrics.protocols import protocol_named
from boxable.metrics.run import RecordedRun, read_run, write_run
from boxable.vocabulary import ClassList
from tests.evaluation.made import ABC, PLAIN, A, B, C, Seen, evaluated
from tests.evaluation.scenes import detector, scene

TRUTH = scene()
WEAK = detector(TRUTH, {A: 0.5, B: 0.7})
STRONG = detector(TRUTH, {A: 0.9, B: 0.7})
BOX = (0, 0, 0.5, 0.5)


def written(folder: Path, evaluation: Evaluation) -> RecordedRun:
    write_run(evaluation, folder)
    return read_run(folder)


def compared(folder: Path, first: Evaluation, second: Evaluation, **options: int) -> Comparison:
    return compare(written(folder / "first", first), written(folder / "second", second), **options)


def test_a_class_that_became_better_stands_out_from_chance(tmp_path: Path) -> None:
    first, second = evaluated(TRUTH, WEAK), evaluated(TRUTH, STRONG)
    comparison = compared(tmp_path, first, second, resamples=200)
    assert [difference.mid for difference in comparison.classes] == [B, A]
    same, better = comparison.classes
    assert (better.name, better.first, better.second) == ("a", first.results[0].ap, second.results[0].ap)
    assert better.change == better.second - better.first > 0.2
    assert better.interval is not None
    assert 0 < better.interval[0] < better.change < better.interval[1]
    assert (same.change, same.interval) == (0, (0, 0))
    mean = comparison.mean
    assert (mean.first, mean.second) == pytest.approx((first.mean_ap, second.mean_ap))
    assert mean.change == pytest.approx(better.change / 2)
    assert mean.interval is not None
    assert 0 < mean.interval[0] < mean.change < mean.interval[1]


def test_the_greatest_loss_comes_first(tmp_path: Path) -> None:
    comparison = compared(tmp_path, evaluated(TRUTH, STRONG), evaluated(TRUTH, WEAK), resamples=20)
    assert [difference.mid for difference in comparison.classes] == [A, B]
    changes = [difference.change for difference in comparison.classes]
    assert changes == sorted(changes)
    assert comparison.mean.interval is not None
    assert comparison.mean.interval[1] < 0


def test_a_run_does_not_differ_from_itself(tmp_path: Path) -> None:
    run = written(tmp_path, evaluated(TRUTH, WEAK))
    comparison = compare(run, run, resamples=20)
    for difference in (comparison.mean, *comparison.classes):
        assert (difference.change, difference.interval) == (0, (0, 0))


def test_a_difference_that_may_be_chance_has_an_interval_around_0(tmp_path: Path) -> None:
    lucky, unlucky = (evaluated(TRUTH, detector(TRUTH, {A: 0.6, B: 0.6}, seed)) for seed in (11, 12))
    mean = compared(tmp_path, lucky, unlucky, resamples=200).mean
    assert mean.change != 0
    assert mean.interval is not None
    assert mean.interval[0] < 0 < mean.interval[1]


def test_the_same_seed_gives_the_same_comparison(tmp_path: Path) -> None:
    first, second = written(tmp_path / "a", evaluated(TRUTH, WEAK)), written(tmp_path / "b", evaluated(TRUTH, STRONG))
    one, again, other = (compare(first, second, resamples=50, seed=seed).to_dict() for seed in (1, 1, 2))
    assert one == again != other
    json.dumps(one, allow_nan=False)


def test_without_resamples_there_is_no_interval(tmp_path: Path) -> None:
    comparison = compared(tmp_path, evaluated(TRUTH, WEAK), evaluated(TRUTH, STRONG), resamples=0)
    assert [difference.interval for difference in (comparison.mean, *comparison.classes)] == [None] * 3


def test_the_means_are_over_the_classes_that_both_count(tmp_path: Path) -> None:
    only_a = ClassList(ABC[:1])
    first, second = evaluated(TRUTH, WEAK), evaluated(TRUTH, STRONG, nameable=only_a)
    comparison = compared(tmp_path, first, second, resamples=10)
    assert [difference.mid for difference in comparison.classes] == [A]
    assert comparison.skipped == ["b"]
    assert (comparison.mean.first, comparison.mean.second) == (first.results[0].ap, second.results[0].ap)


def test_runs_without_a_class_in_common_cannot_be_compared(tmp_path: Path) -> None:
    only_a, only_b = (evaluated(TRUTH, WEAK, classes=mid) for mid in (A, B))
    with pytest.raises(ArgumentError, match="count no class in common"):
        compared(tmp_path, only_a, only_b)


RENAMED = [TRUTH[0]._replace(label=B), *TRUTH[1:]]
MOVED = [TRUTH[0]._replace(box=BOX), *TRUTH[1:]]
OTHER_CLASSES = ClassList.numbered([("/m/x", "x"), (B, "b"), (C, "c")])


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (evaluated(TRUTH, WEAK, protocol_named("openimages-v2")), "protocol: challenge and openimages-v2"),
        (evaluated(TRUTH, WEAK, replace(PLAIN, group_of_weight=0.5)), "group_of_weight: 1.0 and 0.5"),
        (evaluated(TRUTH[3:], WEAK), "number of images: 40 and 39"),
        (evaluated(TRUTH[:-1], WEAK), "number of ground-truth boxes: 120 and 119"),
        (evaluated(RENAMED, WEAK), "different ground truth"),
        (evaluated(MOVED, WEAK), "different ground truth"),
        (evaluated(TRUTH, WEAK, labels=[Seen(TRUTH[0].image, C, 0)]), "different ground truth"),
        (evaluated([row._replace(image=row.image + "x") for row in TRUTH], WEAK), "different ground truth"),
        (
            evaluated(
                [row._replace(label="/m/x") if row.label == A else row for row in TRUTH], WEAK, own=OTHER_CLASSES
            ),
            "different ground truth",
        ),
    ],
    ids=[
        "protocol",
        "weight",
        "an image less",
        "a box less",
        "another class of a box",
        "another place of a box",
        "an image label more",
        "image ids",
        "class ids",
    ],
)
def test_runs_that_measured_something_else_cannot_be_compared(tmp_path: Path, other: Evaluation, what: str) -> None:
    with pytest.raises(ArgumentError, match=what):
        compared(tmp_path, evaluated(TRUTH, WEAK), other)
