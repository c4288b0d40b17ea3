"""What holds for every data set."""

from collections import defaultdict
from itertools import permutations
from math import isnan, nan
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxable.metrics.evaluate import Evaluation
from boxable.metrics.protocols import Protocol, protocol_named
from boxable.vocabulary import ClassList, open_images
from tests.evaluation.drawn import IMAGES, LABELS, Data, boxes_apart, competing, data
from tests.evaluation.made import DOG, Found, Seen, Truth, entries, evaluated, figures
from tests.evaluation.slow import ABOVE, slow_scores

PROTOCOLS = {
    "challenge": protocol_named("challenge", unknown_group_of="original"),
    "challenge, weight 0.5": protocol_named("challenge", group_of_weight=0.5, unknown_group_of="original"),
    "challenge, weight 0": protocol_named("challenge", group_of_weight=0, unknown_group_of="original"),
    "openimages-v2": protocol_named("openimages-v2", unknown_group_of="original"),
    "pascal": protocol_named("pascal", unknown_group_of="original"),
    "pascal, expanded": protocol_named("pascal", expand=True, unknown_group_of="original"),
}
OWN = ClassList(open_images().find(mid) for mid in ABOVE)

every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
THREE = ["challenge, weight 0.5", "openimages-v2", "pascal"]
three_protocols = pytest.mark.parametrize("protocol", [PROTOCOLS[name] for name in THREE], ids=THREE)
many = settings(max_examples=100, deadline=None, derandomize=True)
some = settings(max_examples=30, deadline=None, derandomize=True)


def of(drawn: Data, protocol: Protocol) -> Evaluation:
    return evaluated(drawn.truth, drawn.found, protocol, labels=drawn.labels, own=OWN)


def near(expected: dict[str, float]) -> Any:
    return pytest.approx(expected, rel=0, abs=1e-12, nan_ok=True)


def shuffled(rows: list[Any], random: Random) -> list[Any]:
    return random.sample(rows, len(rows))


def shuffled_between_images(rows: list[Truth], random: Random) -> list[Truth]:
    """Rows of one image keep their order: the original takes the first of two boxes that are overlapped alike."""
    of_image = defaultdict(list)
    for row in rows:
        of_image[row.image].append(row)
    return [of_image[row.image].pop(0) for row in shuffled(rows, random)]


def assert_same(one: Evaluation, other: Evaluation) -> None:
    assert entries(one) == entries(other)
    assert [result.ground_truth for result in one.results] == [result.ground_truth for result in other.results]
    assert figures(one) == near(figures(other))


@every_protocol
@many
@given(drawn=data())
def test_the_result_is_that_of_the_rules_written_as_plain_loops(protocol: Protocol, drawn: Data) -> None:
    evaluation = of(drawn, protocol)
    expected = slow_scores(drawn.truth, drawn.labels, drawn.found, protocol)
    assert entries(evaluation) == {label: score.entries for label, score in expected.items() if score.entries}
    assert {r.item.mid: r.ground_truth for r in evaluation.results} == {mid: s.truth for mid, s in expected.items()}
    slow = {mid: score.ap for mid, score in expected.items()}
    known = [ap for ap in slow.values() if not isnan(ap)]
    assert figures(evaluation) == near(slow | {"mean": sum(known) / len(known) if known else nan})


@pytest.mark.parametrize("weight", [0.5, 1.0])
@some
@given(drawn=competing())
def test_equal_scores_that_compete_beside_a_group_of_box_give_the_lowest_result_of_any_order(
    weight: float, drawn: Data
) -> None:
    protocol = protocol_named("challenge", group_of_weight=weight, expand=False)
    results = []
    for found in permutations(drawn.found):
        score = slow_scores(drawn.truth, drawn.labels, found, protocol)[DOG]
        score.entries.sort(key=lambda entry: (-entry[0], entry[1]))  # false positives first
        results.append(score.ap)
    assert figures(of(drawn, protocol))[DOG] == pytest.approx(min(results), rel=0, abs=1e-12)


@three_protocols
@some
@given(drawn=data(), random=st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(protocol: Protocol, drawn: Data, random: Random) -> None:
    other = Data(
        shuffled_between_images(drawn.truth, random), shuffled(drawn.labels, random), shuffled(drawn.found, random)
    )
    assert_same(of(drawn, protocol), of(other, protocol))


@three_protocols
@some
@given(drawn=data(tied=True), random=st.randoms(use_true_random=False))
def test_the_order_of_predictions_with_the_same_score_does_not_matter(
    protocol: Protocol, drawn: Data, random: Random
) -> None:
    assert_same(of(drawn, protocol), of(drawn._replace(found=shuffled(drawn.found, random)), protocol))


@some
@given(drawn=data(tied=True), names=st.permutations(IMAGES))
def test_the_names_of_images_and_so_their_order_do_not_matter(drawn: Data, names: list[str]) -> None:
    named = dict(zip(IMAGES, names, strict=True))
    renamed = Data(*([row._replace(image=named[row.image]) for row in rows] for rows in drawn))
    protocol = PROTOCOLS["challenge"]
    assert_same(of(drawn, protocol), of(renamed, protocol))


@three_protocols
@some
@given(
    drawn=data(),
    image=st.sampled_from(IMAGES),
    label=st.sampled_from(LABELS),
    score=st.floats(-1, 2, allow_nan=False),
)
def test_one_more_false_detection_never_raises_an_ap(
    protocol: Protocol, drawn: Data, image: str, label: str, score: float
) -> None:
    before = figures(of(drawn, protocol))
    after = figures(of(drawn._replace(found=[*drawn.found, Found(image, label, score, (2, 2, 3, 3))]), protocol))
    for mid, ap in after.items():
        assert ap <= before[mid] + 1e-12 or (isnan(ap) and isnan(before[mid]))


@three_protocols
@some
@given(boxes=boxes_apart(), random=st.randoms(use_true_random=False))
def test_who_finds_every_box_and_nothing_else_has_an_ap_of_one(
    protocol: Protocol, boxes: list[Truth], random: Random
) -> None:
    named = [(row, mid) for row in boxes for mid in (row.label, *(ABOVE[row.label] if protocol.expand else ()))]
    found = [Found(row.image, mid, random.random(), row.box) for row, mid in named]
    verified = [Seen(image, label, 0) for image in IMAGES for label in LABELS]
    present = {mid for _, mid in named}
    expected = {mid: 1.0 if mid in present else nan for mid in ABOVE} | {"mean": 1.0}
    assert figures(of(Data(boxes, verified, found), protocol)) == near(expected)
