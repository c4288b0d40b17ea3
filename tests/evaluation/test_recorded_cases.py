"""Fifty-one small cases, recorded from the original."""

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boxable.errors import ArgumentError
from boxable.metrics.evaluate import Evaluation
from boxable.metrics.protocols import Protocol, protocol_named
from boxable.vocabulary import ClassList, open_images
from tests.evaluation.made import A, Found, Seen, Truth, aps, entries, evaluated, figures

Case = dict[str, Any]
PROTOCOLS = {"challenge": "challenge", "v2": "openimages-v2", "pascal": "pascal"}


RECORDED = Path(__file__).parent / "recorded_cases.json"
CASES: dict[int, Case] = {int(case["id"][:2]): case for case in json.loads(RECORDED.read_text())["cases"]}


NUMBERS = range(1, 52)
RAISING, TIED, ODDITIES = {34, 37, 38}, {47, 48}, {49, 50, 51}


def evaluated_case(case: Case, **options: Any) -> Evaluation:
    """Ground truth as it is, and the label map as the classes of the data set."""
    return evaluated(
        [
            Truth(image, label, (ymin, xmin, ymax, xmax), group_of, bool(difficult))
            for image, label, xmin, xmax, ymin, ymax, group_of, difficult in case["boxes"]
        ],
        [
            Found(image, label, score, (ymin, xmin, ymax, xmax))
            for image, label, score, xmin, xmax, ymin, ymax in case["predictions"]
        ],
        _protocol(case),
        labels=[Seen(*row) for row in case["image_labels"]],
        own=ClassList.numbered(open_images().get(mid) or (mid, mid) for mid in case["label_map"]),
        **options,
    )


def _protocol(case: Case) -> Protocol:
    return protocol_named(
        PROTOCOLS[case["evaluator"]], group_of_weight=case["group_of_weight"], expand=False, unknown_group_of="original"
    )


@pytest.mark.parametrize(
    "number", [pytest.param(n, id=CASES[n]["id"]) for n in NUMBERS if n not in RAISING | TIED | ODDITIES]
)
def test_a_case_comes_out_as_recorded(number: int) -> None:
    case = CASES[number]
    assert case["exact"]
    expected, evaluation = case["expected"], evaluated_case(case)
    recorded = {mid: float(text) for mid, text in (expected["ap"] | {"mean": expected["mean_ap"]}).items()}
    assert figures(evaluation) == pytest.approx(recorded, rel=0, abs=1e-12, nan_ok=True)
    assert {result.item.mid: result.ground_truth for result in evaluation.results} == expected["num_gt"]
    assert entries(evaluation) == {mid: [tuple(row) for row in rows] for mid, rows in expected["entries"].items()}


def test_no_case_is_forgotten() -> None:
    assert set(CASES) == set(NUMBERS)
    assert {number for number, case in CASES.items() if "error" in case["expected"]} == {*RAISING, 51}
    assert {number for number, case in CASES.items() if not case["exact"]} == TIED


@pytest.mark.parametrize(
    ("number", "dropped", "left"),
    [
        (34, "1 ground-truth box with the maximum below the minimum (i): dropped", {A: None}),
        (37, "1 prediction of an unknown class (/m/zzz): dropped", {A: 1.0}),
        (38, "1 ground-truth box of an unknown class (/m/zzz): dropped", {A: 1.0}),
    ],
    ids=["inverted box", "unknown class in predictions", "unknown class in ground truth"],
)
def test_where_the_original_raises_rows_are_dropped_with_a_note_or_refused_if_strict(
    number: int, dropped: str, left: dict[str, float | None]
) -> None:
    case = CASES[number]
    assert "error" in case["expected"]
    evaluation = evaluated_case(case)
    assert dropped in [str(note) for note in evaluation.notes]
    assert aps(evaluation).items() >= left.items()
    with pytest.raises(ArgumentError, match=r"^strict: ") as raised:
        evaluated_case(case, strict=True)
    assert dropped in str(raised.value)


@pytest.mark.parametrize("number", sorted(TIED))
def test_tied_scores_give_the_lowest_legitimate_result_in_any_order_of_rows(number: int) -> None:
    case = CASES[number]
    assert float(case["expected"]["mean_ap"]) in (0.5, 1.0)
    for rows in permutations(case["predictions"]):
        evaluation = evaluated_case({**case, "predictions": rows})
        assert aps(evaluation)[A] == 0.5
        assert entries(evaluation) == {A: [(0.9, 1.0), (0.9, 0.0)]}


def test_unlike_the_original_a_second_evaluation_keeps_the_group_of_weight() -> None:
    case = CASES[49]
    assert case["expected"]["mean_ap"] == "nan"
    for _ in range(2):
        assert aps(evaluated_case(case))[A] == 1.0


def test_unlike_the_original_with_corlocs_all_recalls_count() -> None:
    case = CASES[50]
    assert float(case["expected"]["mean_ap"]) == pytest.approx(2 / 3)
    assert aps(evaluated_case(case))[A] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3, rel=0, abs=1e-12)


def test_unlike_the_original_a_weight_that_is_no_binary_fraction_does_not_raise() -> None:
    case = CASES[51]
    assert case["expected"]["error"] == "ValueError"
    evaluation = evaluated_case(case)
    assert aps(evaluation)[A] == pytest.approx(1.0, rel=0, abs=1e-12)
    assert [credit for _, credit in entries(evaluation)[A]] == [0.05] * 12
    assert np.isclose(evaluation.results[0].ground_truth, 0.6, rtol=0, atol=1e-12)
