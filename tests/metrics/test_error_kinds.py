"""The kinds of error of TIDE, and what each costs."""

import numpy as np
import pytest

from boxable.metrics.error_kinds import ErrorKind, Errors, delta_average_precisions, error_kinds
from boxable.metrics.evaluate import Evaluation
from boxable.metrics.protocols import Protocol, protocol_named
from tests.evaluation.made import ABC, ANIMAL, CAR, CAT, DOG, A, B, C, Found, Seen, Truth, evaluated
from tests.evaluation.scenes import detector, scene

ALL = protocol_named("openimages-v2")
EXPANDED = protocol_named("openimages-v2", expand=True)

HERE, THERE, NOWHERE = (0, 0, 0.5, 0.5), (0.5, 0.5, 1, 1), (0, 0.5, 0.5, 1)
QUARTER_OF_HERE, EIGHTH_OF_HERE, SIXTEENTH_OF_HERE = (0, 0, 0.25, 0.25), (0, 0, 0.125, 0.25), (0, 0, 0.125, 0.125)
WIDE, NOWHERE_AT_ALL = (0, 0, 0.5, 0.625), (0.5, 0, 1, 0.25)
QUARTER_OF_THERE = (0.5, 0.5, 0.75, 0.75)
LOCALIZATION, CLASSIFICATION, BOTH, DUPLICATE, BACKGROUND, MISSED = ErrorKind


def errors_of(evaluation: Evaluation) -> Errors:
    return error_kinds(evaluation.data, evaluation.matches)


def sorted_out(
    boxes: list[Truth], found: list[Found], protocol: Protocol = ALL, labels: list[Seen] | None = None
) -> tuple[list[int], list[bool]]:
    """Kind of each prediction (0: no error), and whether each box as it was annotated is missed."""
    evaluation = evaluated(boxes, found, protocol, labels=labels or [])
    errors = errors_of(evaluation)
    original = np.unique(evaluation.data.truth_object)
    return errors.kind.tolist(), errors.missed[original].tolist()


def costs_of(evaluation: Evaluation, mids: str = "abc") -> dict[ErrorKind, float]:
    counted = np.array([evaluation.data.mids.index(f"/m/{mid}") for mid in mids])
    weight = evaluation.protocol.group_of_weight
    return delta_average_precisions(evaluation.data, evaluation.matches, errors_of(evaluation), weight, counted)


def only(kind: ErrorKind, cost: float) -> dict[ErrorKind, object]:
    return {other: pytest.approx(cost if other is kind else 0.0, rel=0, abs=1e-12) for other in ErrorKind}


TWO = [Truth("i", A, HERE), Truth("i", B, THERE)]


@pytest.mark.parametrize(
    ("label", "box", "kind", "missed"),
    [
        (A, HERE, 0, [False, True]),
        (A, QUARTER_OF_HERE, LOCALIZATION, [False, True]),
        (A, EIGHTH_OF_HERE, LOCALIZATION, [False, True]),
        (A, SIXTEENTH_OF_HERE, BACKGROUND, [True, True]),
        (A, NOWHERE, BACKGROUND, [True, True]),
        (C, NOWHERE, BACKGROUND, [True, True]),
        (A, THERE, CLASSIFICATION, [True, False]),
        (C, HERE, CLASSIFICATION, [False, True]),
        (A, QUARTER_OF_THERE, BOTH, [True, True]),
        (C, QUARTER_OF_HERE, BOTH, [True, True]),
    ],
)
def test_a_false_detection_is_of_the_kind_that_its_overlaps_make(
    label: str, box: tuple[float, float, float, float], kind: int, missed: list[bool]
) -> None:
    assert sorted_out(TWO, [Found("i", label, 0.5, box)]) == ([kind], missed)


def test_a_second_detection_of_a_box_is_a_duplicate_and_the_better_score_no_error() -> None:
    found = [Found("i", A, 0.5, HERE), Found("i", A, 0.9, HERE)]
    assert sorted_out(TWO[:1], found) == ([DUPLICATE, 0], [False])


def test_a_box_that_nothing_is_about_is_missed_in_its_own_image() -> None:
    boxes = [Truth("i", A, HERE), Truth("j", A, HERE)]
    assert sorted_out(boxes, [Found("i", A, 0.5, HERE)]) == ([0], [False, True])
    assert sorted_out(boxes, []) == ([], [True, True])


def test_other_images_make_no_detection_less_of_background() -> None:
    assert sorted_out([Truth("i", A, HERE), Truth("j", B, THERE)], [Found("j", A, 0.5, HERE)])[0] == [BACKGROUND]


def test_the_first_kind_that_fits_is_taken() -> None:
    on_both = [Truth("i", A, QUARTER_OF_HERE), Truth("i", B, HERE)]
    # A quarter of it is the small box of its class, and it is the box of the other.
    assert sorted_out(on_both, [Found("i", A, 0.5, HERE)]) == ([LOCALIZATION], [False, True])
    same_place = [Truth("i", A, HERE), Truth("i", B, HERE)]
    # A second detection of one class on an object of another class is a class error before a duplicate.
    assert sorted_out(same_place, [Found("i", A, 0.9, HERE), Found("i", A, 0.5, HERE)])[0] == [0, CLASSIFICATION]


def test_what_is_found_or_absorbed_or_left_out_is_no_error() -> None:
    boxes = [Truth("i", A, HERE, group_of=1), Truth("i", B, THERE, difficult=True)]
    found = [Found("i", A, 0.5, QUARTER_OF_HERE), Found("i", B, 0.5, THERE)]
    assert sorted_out(boxes, found) == ([0, 0], [False, False])
    pascal = protocol_named("pascal")
    assert sorted_out(boxes, found, pascal) == ([LOCALIZATION, 0], [False, False])


def test_a_detection_at_the_edge_of_a_group_of_box_is_background() -> None:
    boxes = [Truth("i", A, HERE, group_of=1)]
    assert sorted_out(boxes, [Found("i", A, 0.5, (0, 0.375, 0.5, 0.75))])[0] == [BACKGROUND]


@pytest.mark.parametrize(
    ("weight", "label", "box", "kind", "missed"),
    [
        (1, A, (0, 0.375, 0.5, 1), LOCALIZATION, False),
        (0, A, (0, 0.375, 0.5, 1), BACKGROUND, False),
        (1, B, WIDE, CLASSIFICATION, False),
        (0, B, WIDE, BACKGROUND, False),
        (1, B, NOWHERE_AT_ALL, BACKGROUND, True),
        (0, B, NOWHERE_AT_ALL, BACKGROUND, False),
    ],
)
def test_a_group_of_box_is_one_to_be_wrong_about_if_it_counts(
    weight: float, label: str, box: tuple[float, float, float, float], kind: int, missed: bool
) -> None:
    rules = protocol_named("openimages-v2", group_of_weight=weight)
    assert sorted_out([Truth("i", A, WIDE, group_of=1)], [Found("i", label, 0.5, box)], rules) == ([kind], [missed])


def test_on_expanded_ground_truth_an_ancestors_name_is_no_class_error() -> None:
    dog = [Truth("i", CAT, THERE), Truth("i", DOG, HERE)]
    twice = [Found("i", ANIMAL, 0.9, HERE), Found("i", ANIMAL, 0.5, HERE)]
    assert sorted_out(dog, twice, EXPANDED)[0] == [0, DUPLICATE]
    assert sorted_out(dog, twice, ALL)[0] == [CLASSIFICATION, CLASSIFICATION]


@pytest.mark.parametrize(("label", "kind"), [(CAT, CLASSIFICATION), (CAR, CLASSIFICATION), (ANIMAL, 0), (DOG, 0)])
def test_on_expanded_ground_truth_only_another_kind_of_thing_is_a_class_error(label: str, kind: int) -> None:
    boxes = [Truth("i", CAT, THERE), Truth("i", DOG, HERE)]
    kinds, missed = sorted_out(boxes, [Found("i", label, 0.5, HERE)], EXPANDED)
    assert kinds == [kind]
    assert missed == [True, label == ANIMAL]


def test_a_class_that_nobody_verified_makes_no_error_in_the_challenge() -> None:
    challenge = protocol_named("challenge")
    cat = [Found("i", CAT, 0.5, HERE)]
    assert sorted_out([Truth("i", DOG, HERE)], cat, challenge)[0] == [0]
    assert sorted_out([Truth("i", DOG, HERE)], cat, challenge, [Seen("i", CAT, 0)])[0] == [CLASSIFICATION]


def test_errors_are_counted_by_kind_among_the_rows_asked_for() -> None:
    boxes = [*TWO, Truth("j", B, HERE)]
    found = [
        Found("i", A, 0.9, HERE), Found("i", A, 0.8, HERE), Found("i", A, 0.7, HERE),
        Found("i", B, 0.6, NOWHERE), Found("j", B, 0.5, QUARTER_OF_HERE),
    ]  # fmt: skip
    errors = errors_of(evaluated(boxes, found, ALL))
    assert errors.counts() == {LOCALIZATION: 1, CLASSIFICATION: 0, BOTH: 0, DUPLICATE: 2, BACKGROUND: 1}
    rows = np.array([True, True, False, False, True])
    assert errors.counts(rows) == {LOCALIZATION: 1, CLASSIFICATION: 0, BOTH: 0, DUPLICATE: 1, BACKGROUND: 0}


ONE = [Truth("i", A, HERE)]
PAIR = [*ONE, Truth("j", A, HERE)]


@pytest.mark.parametrize(
    ("boxes", "found", "before", "kind", "cost"),
    [
        (ONE, [Found("i", A, 0.9, QUARTER_OF_HERE)], 0, LOCALIZATION, 1),
        # Of two about one box the better becomes a find, above the false detection, and the other goes.
        (ONE, [Found("i", A, 0.8, EIGHTH_OF_HERE), Found("i", A, 0.85, NOWHERE), Found("i", A, 0.9, QUARTER_OF_HERE)],
         0, LOCALIZATION, 1),
        # A box that another has found cannot be found again: the error goes.
        (ONE, [Found("i", A, 0.9, QUARTER_OF_HERE), Found("i", A, 0.8, HERE)], 1 / 2, LOCALIZATION, 1 / 2),
        # AP of a is 0 and that of b is 1/2; fixed both are 1.
        (TWO, [Found("i", B, 0.9, HERE), Found("i", B, 0.8, THERE)], 1 / 4, CLASSIFICATION, 3 / 4),
        (TWO[1:], [Found("i", B, 0.9, QUARTER_OF_THERE), Found("i", B, 0.8, THERE)], 1 / 2, LOCALIZATION, 1 / 2),
        ([Truth("i", B, THERE), Truth("i", A, HERE)],
         [Found("i", A, 0.9, QUARTER_OF_THERE), Found("i", A, 0.8, HERE), Found("i", B, 0.8, THERE)],
         3 / 4, BOTH, 1 / 4),
        (PAIR, [Found("i", A, 0.9, HERE), Found("i", A, 0.8, HERE), Found("j", A, 0.7, HERE)], 5 / 6, DUPLICATE, 1 / 6),
        (ONE, [Found("i", A, 0.9, NOWHERE), Found("i", A, 0.8, HERE)], 1 / 2, BACKGROUND, 1 / 2),
        (PAIR, [Found("i", A, 0.9, HERE)], 1 / 2, MISSED, 1 / 2),
        # A class of which all boxes are taken out is out of the mean.
        (TWO, [Found("i", A, 0.9, HERE)], 1 / 2, MISSED, 1 / 2),
        (ONE, [Found("i", A, 0.9, HERE), Found("i", A, 0.8, NOWHERE)], 1, BACKGROUND, 0),
    ],
    ids=[
        "localization", "two about one box", "about a found box", "class", "localization of b", "both", "duplicate",
        "background", "missed", "missed class", "no cost below the last find",
    ],
)  # fmt: skip
def test_a_kind_costs_what_the_mean_gains_without_it(
    boxes: list[Truth], found: list[Found], before: float, kind: ErrorKind, cost: float
) -> None:
    evaluation = evaluated(boxes, found, ALL)
    assert evaluation.mean_ap == pytest.approx(before, rel=0, abs=1e-12)
    assert costs_of(evaluation) == only(kind, cost)


def test_costs_are_of_the_mean_over_the_counted_classes() -> None:
    boxes = [Truth("i", A, HERE), Truth("i", B, THERE)]
    evaluation = evaluated(boxes, [Found("i", A, 0.9, QUARTER_OF_HERE), Found("i", B, 0.9, THERE)], ALL)
    assert [costs_of(evaluation, mids)[LOCALIZATION] for mids in ("a", "b", "ab")] == [1, 0, 1 / 2]


def test_a_fixed_class_error_is_a_find_of_the_class_of_the_box() -> None:
    evaluation = evaluated(TWO, [Found("i", B, 0.9, HERE), Found("i", B, 0.8, THERE)], ALL)
    assert [costs_of(evaluation, mids)[CLASSIFICATION] for mids in ("a", "b", "ab")] == [1, 1 / 2, 3 / 4]


def test_group_of_boxes_keep_their_credit_when_errors_are_fixed() -> None:
    boxes = [Truth("i", A, HERE, group_of=1), Truth("i", A, THERE)]
    found = [Found("i", A, 0.9, NOWHERE), Found("i", A, 0.8, QUARTER_OF_HERE), Found("i", A, 0.7, THERE)]
    evaluation = evaluated(boxes, found, protocol_named("challenge", expand=False, group_of_weight=0.5), own=ABC)
    # Precision 0, 0.5 / 1.5, 1.5 / 2.5 at recall 0, 1/3, 1: the envelope is 0.6 throughout.
    assert evaluation.mean_ap == pytest.approx(0.6)
    assert costs_of(evaluation) == only(BACKGROUND, 0.4)


def test_a_fixed_group_of_box_is_found_with_its_weight() -> None:
    boxes = [Truth("i", A, WIDE, group_of=1), Truth("i", A, QUARTER_OF_THERE)]
    found = [Found("i", A, 0.9, (0, 0.375, 0.5, 1)), Found("i", A, 0.8, QUARTER_OF_THERE)]
    evaluation = evaluated(boxes, found, protocol_named("openimages-v2", group_of_weight=0.5))
    # One find of 1.5 at precision 1 / 2.
    assert evaluation.mean_ap == pytest.approx(1 / 3)
    assert costs_of(evaluation) == only(LOCALIZATION, 2 / 3)


def test_an_object_is_fixed_once_by_its_best_error_of_either_kind() -> None:
    # Both are about the box of a: the class error is the better, the other merely goes.
    better = Found("i", B, 0.9, HERE)
    worse = Found("i", A, 0.8, QUARTER_OF_HERE)
    evaluation = evaluated(TWO, [better, worse, Found("i", B, 0.7, THERE)], ALL)
    assert evaluation.mean_ap == pytest.approx(1 / 4)
    assert costs_of(evaluation) == only(CLASSIFICATION, 3 / 4)
    turned = evaluated(TWO, [better._replace(score=0.7), worse, Found("i", B, 0.9, THERE)], ALL)
    assert turned.mean_ap == pytest.approx(1 / 2)
    assert costs_of(turned) == only(LOCALIZATION, 1 / 2)


@pytest.mark.parametrize("seed", range(5))
def test_no_kind_costs_less_than_nothing(seed: int) -> None:
    truth = scene(seed)
    labels = {A: B, B: A}
    found = [
        row._replace(label=labels[row.label]) if number % 4 == 0 else row
        for number, row in enumerate(detector(truth, {A: 0.7, B: 0.4}, seed))
    ]
    for weight in (0, 0.5, 1):
        evaluation = evaluated(truth, found, protocol_named("openimages-v2", group_of_weight=weight))
        assert all(0 <= cost <= 1 - evaluation.mean_ap for cost in costs_of(evaluation, "ab").values())


def test_taking_a_missed_box_away_costs_no_less_than_nothing() -> None:
    # b has one box, missed; without it the mean is that of a alone, which is what b's AP of 0 costs.
    evaluation = evaluated([Truth("i", A, HERE), Truth("i", B, THERE)], [Found("i", C, 0.9, NOWHERE)], ALL)
    assert costs_of(evaluation, "c")[BACKGROUND] != costs_of(evaluation, "c")[BACKGROUND]  # NaN: no ground truth
    assert costs_of(evaluation)[BACKGROUND] == 0


def test_an_overlap_of_exactly_the_background_threshold_is_a_localization_error() -> None:
    boxes, found = [Truth("i", A, (0, 0, 1, 1))], [Found("i", A, 0.5, (0, 0, 0.1, 1))]
    assert sorted_out(boxes, found) == ([LOCALIZATION], [False])
