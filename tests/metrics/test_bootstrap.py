"""Confidence by resampling images."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray

from boxable.metrics.bootstrap import interval, mean_of_known, resampled
from boxable.metrics.evaluate import Evaluation
from boxable.metrics.protocols import protocol_named
from boxable.vocabulary import ClassList
from tests.evaluation.made import A, B, C, Found, Seen, Truth, evaluated
from tests.evaluation.scenes import IMAGES, detector, scene

BOX, THERE = (0, 0, 0.5, 0.5), (0.5, 0.5, 1, 1)
TRUTH = scene()
FOUND = detector(TRUTH, {A: 0.7, B: 0.5})
Row = TypeVar("Row", Truth, Found)
ALL = protocol_named("openimages-v2")
HALF = protocol_named("challenge", group_of_weight=0.5, expand=False)


def intervals(evaluation: Evaluation) -> list[object]:
    return [evaluation.interval, *(result.interval for result in evaluation.results)]


def intervals_by_mid(evaluation: Evaluation) -> dict[str, object]:
    return {result.item.mid: result.interval for result in evaluation.results}


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
        assert abs((low + high) / 2 - figure) < 0.1 * (high - low)


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
    alone = evaluated(TRUTH, FOUND, HALF, resamples=20, classes=f"{A},{B}")
    assert alone.interval == evaluation.interval


def test_draws_without_an_image_of_the_class_are_left_out_of_its_interval() -> None:
    boxes = [Truth("i", A, BOX), Truth("j", A, BOX), *(Truth(image, B, BOX) for image in "klm")]
    evaluation = evaluated(boxes, [Found("i", A, 0.5, BOX), Found("j", A, 0.5, BOX)], resamples=50)
    samples = resampled(evaluation.ranking, 5, 50, 0)[:, evaluation.data.mids.index(A)]
    assert 0 < np.isnan(samples).sum() < 50
    assert intervals_by_mid(evaluation) == {A: (1.0, 1.0), B: (0.0, 0.0), C: None}


@pytest.mark.parametrize(("weight", "known"), [(1, True), (0, False)])
def test_a_class_whose_boxes_are_all_in_one_image_has_no_interval(weight: float, known: bool) -> None:
    boxes = [Truth("i", A, BOX), Truth("i", A, THERE), Truth("j", A, BOX, group_of=1)]
    boxes += [Truth(image, B, BOX) for image in "ij"]
    rules = protocol_named("challenge", group_of_weight=weight, expand=False)
    evaluation = evaluated(boxes, [Found("i", A, 0.5, BOX), Found("i", B, 0.5, BOX)], rules, resamples=50)
    by_mid = intervals_by_mid(evaluation)
    assert by_mid[B] is not None
    # What weighs nothing is no box.
    assert (by_mid[A] is not None) is known
    assert evaluation.interval is not None


def test_a_draw_that_has_every_image_once_gives_the_plain_aps() -> None:
    ranking = evaluated(TRUTH, FOUND, HALF).ranking
    np.testing.assert_array_equal(ranking.average_precisions(np.ones(len(IMAGES))), ranking.average_precisions())


@pytest.mark.parametrize("protocol", ["challenge", "openimages-v2", "pascal"])
@pytest.mark.parametrize("seed", range(5))
def test_a_draw_gives_the_aps_of_a_set_in_which_images_are_repeated(protocol: str, seed: int) -> None:
    rules = protocol_named(protocol, expand=False)
    times = np.random.default_rng(seed).integers(0, 4, len(IMAGES))
    evaluation = evaluated(TRUTH, FOUND, rules)
    assert evaluation.data.images == IMAGES
    often = dict(zip(IMAGES, times.tolist(), strict=True))
    literal = evaluated(repeated(TRUTH, often), repeated(FOUND, often), rules)
    weighted = evaluation.ranking.average_precisions(times.astype(np.float64))
    np.testing.assert_allclose(weighted, literal.ranking.average_precisions(), rtol=0, atol=1e-12)


def test_a_resample_has_as_many_images_as_the_set() -> None:
    boxes = [Truth(image, A, BOX) for image in "ijkl"]
    ranking = evaluated(boxes, [Found("i", A, 0.5, BOX)]).ranking
    column = resampled(ranking, 4, 200, 0)[:, evaluated(boxes, []).data.mids.index(A)]
    # One of four boxes is found: AP is how often image i was drawn, over four.
    assert set(column.tolist()) <= {0.0, 0.25, 0.5, 0.75, 1.0}
    assert column.mean() == pytest.approx(0.25, abs=0.05)


def test_an_interval_covers_what_other_samples_of_as_many_images_give_on_average() -> None:
    # 60 classes, each in few of the 200 images: there AP is the higher the fewer different images there are.
    random = np.random.default_rng(5)
    classes = ClassList.numbered([(f"/m/k{number}", f"k{number}") for number in range(60)])
    names = [f"{number:04}" for number in range(2000)]
    boxes: dict[str, list[Truth]] = {}
    found: dict[str, list[Found]] = {}
    for name in names:
        real, other = (classes[number].mid for number in random.integers(60, size=2))
        boxes[name] = [Truth(name, real, BOX)]
        hit, score, false_score = random.random(3)
        found[name] = [Found(name, real, score, BOX if hit < 0.7 else THERE), Found(name, other, false_score, THERE)]

    def of(images: list[str], resamples: int) -> Evaluation:
        rows = [row for image in images for row in boxes[image]], [row for image in images for row in found[image]]
        return evaluated(*rows, ALL, own=classes, resamples=resamples)

    def sample() -> NDArray[np.intp]:
        return random.choice(len(names), 200, replace=False)

    whole = of(names, 0).ranking
    means = [
        mean_of_known(whole.average_precisions(np.bincount(sample(), minlength=2000).astype(np.float64)))
        for _ in range(200)
    ]
    expected = np.mean(means)
    around = [of(sorted(names[number] for number in sample()), 100) for _ in range(40)]
    intervals_of_all = [one.interval for one in around if one.interval is not None]
    assert len(intervals_of_all) == 40
    covered = [bool(low <= expected <= high) for low, high in intervals_of_all]
    assert np.mean(covered) >= 0.85
    # They are about as wide as the figures scatter.
    widths = [high - low for low, high in intervals_of_all]
    assert np.mean(widths) == pytest.approx(2 * 1.96 * np.std(means), rel=0.25)
    # Draws themselves lie too high: as they are, their percentiles cover it much less often.
    raw = [mean_of_known(resampled(one.ranking, 200, 100, 0)) for one in around[:20]]
    assert sum(np.percentile(values, 2.5) <= expected <= np.percentile(values, 97.5) for values in raw) <= 14


def test_differences_of_two_detectors_are_paired() -> None:
    better = detector(TRUTH, {A: 0.9, B: 0.5})
    rankings = [evaluated(TRUTH, found, HALF) for found in (FOUND, FOUND, better)]
    first, same, second = (resampled(evaluation.ranking, len(IMAGES), 100, 7) for evaluation in rankings)
    np.testing.assert_array_equal(first, same)
    mids = rankings[0].data.mids
    gains = second[:, mids.index(A)] - first[:, mids.index(A)]
    assert (gains > 0).all()
    assert gains.std() < first[:, mids.index(A)].std()
    np.testing.assert_array_equal(second[:, mids.index(B)], first[:, mids.index(B)])


EVEN = np.arange(201) / 200


@pytest.mark.parametrize(
    ("figure", "samples", "expected"),
    [
        (0.5, [], None),
        (0.5, [np.nan, np.nan], None),
        (np.nan, [0.25], None),
        (0.25, [0.25], (0.25, 0.25)),
        (0.5, [0.5, np.nan, 0.5], (0.5, 0.5)),
        (0.5, EVEN, (0.025, 0.975)),
        (0.375, [0.5, np.nan, 0.5], (0.375, 0.375)),
        (0.4, EVEN, (-0.075, 0.875)),
        (0.45, [*EVEN, np.nan], (-0.025, 0.925)),
        # A difference: of what lies between 0 and 1 it lies between -1 and 1.
        (-0.25, EVEN - 0.5, (-0.725, 0.225)),
        (0.75, EVEN, (0.275, 1)),
        (-0.75, EVEN, (-1, -0.275)),
    ],
)
def test_an_interval_holds_the_middle_95_percent_of_what_is_known_with_the_mean_moved_to_the_figure(
    figure: float, samples: list[float], expected: tuple[float, float] | None
) -> None:
    assert interval(figure, np.array(samples)) == (expected and pytest.approx(expected))


def test_a_mean_is_over_what_is_known() -> None:
    values = np.array([[0.5, np.nan, 1.0], [np.nan, np.nan, np.nan], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(mean_of_known(values), [0.75, np.nan, 0.0])
