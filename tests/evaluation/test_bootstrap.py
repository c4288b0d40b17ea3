"""Confidence by resampling images."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import pytest

from boxable.evaluation.bootstrap import interval, mean_of_known, resampled
from boxable.evaluation.evaluate import Evaluation
from boxable.evaluation.protocols import protocol_named
from tests.evaluation.made import A, B, C, Found, Seen, Truth, evaluated
from tests.evaluation.scenes import IMAGES, detector, scene

BOX = (0, 0, 0.5, 0.5)
TRUTH = scene()
FOUND = detector(TRUTH, {A: 0.7, B: 0.5})
Row = TypeVar("Row", Truth, Found)
HALF = protocol_named("challenge", group_of_weight=0.5, expand=False)


def intervals(evaluation: Evaluation) -> list[object]:
    return [evaluation.interval, *(result.interval for result in evaluation.results)]


def repeated(rows: Sequence[Row], times: dict[str, int]) -> list[Row]:
    """The rows of each image as often as it says, each time under another image id."""
    return [row._replace(image=f"{row.image}.{time}") for row in rows for time in range(times[row.image])]


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    first, again, other = (evaluated(TRUTH, FOUND, HALF, resamples=50, seed=seed) for seed in (3, 3, 4))
    assert intervals(first) == intervals(again)
    assert first.interval != other.interval
    assert first.mean_ap == other.mean_ap


def test_the_order_of_rows_does_not_change_the_interval() -> None:
    straight = evaluated(TRUTH, FOUND, HALF, resamples=20)
    reversed_rows = evaluated(TRUTH[::-1], FOUND[::-1], HALF, resamples=20)
    assert intervals(reversed_rows) == intervals(straight)


def test_an_interval_lies_between_0_and_1_and_around_the_figure() -> None:
    evaluation = evaluated(TRUTH, FOUND, HALF, resamples=200)
    figures = [(evaluation.mean_ap, evaluation.interval)]
    figures += [(result.ap, result.interval) for result in evaluation.results if result.item.mid in (A, B)]
    assert len(figures) == 3
    for figure, bounds in figures:
        assert bounds is not None
        low, high = bounds
        assert 0 <= low < figure < high <= 1
        assert high - low < 0.4


def test_more_images_make_the_interval_narrower() -> None:
    widths = []
    for count in (10, 40, 160):
        truth = scene(5, [f"{number:03}" for number in range(count)])
        bounds = evaluated(truth, detector(truth, {A: 0.7, B: 0.5}), HALF, resamples=100).interval
        assert bounds is not None
        widths.append(bounds[1] - bounds[0])
    assert widths == sorted(widths, reverse=True)


def test_without_resamples_there_is_no_interval() -> None:
    evaluation = evaluated(TRUTH, FOUND, HALF, resamples=0)
    assert intervals(evaluation) == [None] * 4
    assert evaluation.to_dict()["bootstrap"]["resamples"] == 0


@pytest.mark.parametrize("labels", [[], [Seen("i", A, 0)]], ids=["no images", "no boxes"])
def test_without_ground_truth_there_is_no_interval(labels: list[Seen]) -> None:
    evaluation = evaluated([], [Found("i", A, 0.5, BOX)], labels=labels, resamples=10)
    assert intervals(evaluation) == [None] * 4


def test_a_class_without_ground_truth_has_no_interval_and_the_mean_is_over_the_others() -> None:
    evaluation = evaluated(TRUTH, FOUND, HALF, resamples=20)
    by_mid = {result.item.mid: result.interval for result in evaluation.results}
    assert by_mid[C] is None
    alone = evaluated(TRUTH, FOUND, HALF, resamples=20, only=f"{A},{B}")
    assert alone.interval == evaluation.interval


def test_draws_without_an_image_of_the_class_are_left_out_of_its_interval() -> None:
    boxes = [Truth("i", A, BOX), *(Truth(image, B, BOX) for image in "jklm")]
    evaluation = evaluated(boxes, [Found("i", A, 0.5, BOX)], resamples=50)
    samples = resampled(evaluation.ranking, 5, 50, 0)[:, evaluation.problem.mids.index(A)]
    assert 0 < np.isnan(samples).sum() < 50
    assert {result.item.mid: result.interval for result in evaluation.results} == {
        A: (1.0, 1.0),
        B: (0.0, 0.0),
        C: None,
    }


def test_a_draw_that_has_every_image_once_gives_the_plain_aps() -> None:
    ranking = evaluated(TRUTH, FOUND, HALF).ranking
    np.testing.assert_array_equal(ranking.average_precisions(np.ones(len(IMAGES))), ranking.average_precisions())


@pytest.mark.parametrize("protocol", ["challenge", "openimages-v2", "pascal"])
@pytest.mark.parametrize("seed", range(5))
def test_a_draw_gives_the_aps_of_a_set_in_which_images_are_repeated(protocol: str, seed: int) -> None:
    rules = protocol_named(protocol, expand=False)
    times = np.random.default_rng(seed).integers(0, 4, len(IMAGES))
    evaluation = evaluated(TRUTH, FOUND, rules)
    assert evaluation.problem.images == IMAGES
    often = dict(zip(IMAGES, times.tolist(), strict=True))
    literal = evaluated(repeated(TRUTH, often), repeated(FOUND, often), rules)
    weighted = evaluation.ranking.average_precisions(times.astype(np.float64))
    np.testing.assert_allclose(weighted, literal.ranking.average_precisions(), rtol=0, atol=1e-12)


def test_a_resample_has_as_many_images_as_the_set() -> None:
    boxes = [Truth(image, A, BOX) for image in "ijkl"]
    ranking = evaluated(boxes, [Found("i", A, 0.5, BOX)]).ranking
    column = resampled(ranking, 4, 200, 0)[:, evaluated(boxes, []).problem.mids.index(A)]
    # One of four boxes is found: AP is how often image i was drawn, over four.
    assert set(column.tolist()) <= {0.0, 0.25, 0.5, 0.75, 1.0}
    assert column.mean() == pytest.approx(0.25, abs=0.05)


def test_differences_of_two_detectors_are_paired() -> None:
    better = detector(TRUTH, {A: 0.9, B: 0.5})
    rankings = [evaluated(TRUTH, found, HALF) for found in (FOUND, FOUND, better)]
    first, same, second = (resampled(evaluation.ranking, len(IMAGES), 100, 7) for evaluation in rankings)
    np.testing.assert_array_equal(first, same)
    mids = rankings[0].problem.mids
    gains = second[:, mids.index(A)] - first[:, mids.index(A)]
    assert (gains > 0).all()
    assert gains.std() < first[:, mids.index(A)].std()
    np.testing.assert_array_equal(second[:, mids.index(B)], first[:, mids.index(B)])


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([], None),
        ([np.nan, np.nan], None),
        ([0.25], (0.25, 0.25)),
        ([0.5, np.nan, 0.5], (0.5, 0.5)),
        (np.arange(201) / 200, (0.025, 0.975)),
    ],
)
def test_an_interval_holds_the_middle_95_percent_of_what_is_known(
    samples: list[float], expected: tuple[float, float] | None
) -> None:
    assert interval(np.array(samples)) == (expected and pytest.approx(expected))


def test_a_mean_is_over_what_is_known() -> None:
    values = np.array([[0.5, np.nan, 1.0], [np.nan, np.nan, np.nan], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(mean_of_known(values), [0.75, np.nan, 0.0])
