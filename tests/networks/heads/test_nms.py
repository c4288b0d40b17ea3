"""Post-processing equals the plain algorithm, whatever the scores, and does not care how it gets there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxable.boxes import area, clip, decode, iou
from boxable.networks.anchors import ssd_anchors
from boxable.networks.heads.nms import (
    BLOCK,
    FIRST_ROWS,
    NARROW,
    SIGMOID_ROUNDING,
    logit,
    multiclass_nms,
    postprocess,
    sigmoid,
)
from boxable.networks.heads.rules import NmsMode, NmsResult, PostprocessRules

ANCHORS = ssd_anchors((19, 10, 5, 3, 2, 1))
RULES = PostprocessRules()


def plain(
    codes: np.ndarray, logits: np.ndarray, anchors: np.ndarray, max_total: int = 100, groups: bool = True
) -> NmsResult:
    """SEMANTICS §6.1, step by step, as the original does it."""
    boxes, scores = decode(codes, anchors), sigmoid(logits[:, 1:])
    candidates = [
        (-float(score), column, row)
        for (row, column), score in np.ndenumerate(scores)
        if score > np.float32(1e-8)
    ]  # fmt: skip
    kept: list[tuple[float, int, int]] = []
    of_group: dict[int, int] = {}
    for candidate in sorted(candidates):
        _, column, row = candidate
        group = column if groups else 0
        rivals = [other for _, its, other in kept if its == column or not groups]
        if of_group.get(group, 0) < 100 and not (iou(boxes[row], boxes[rivals]) > np.float32(0.6)).any():
            kept.append(candidate)
            of_group[group] = of_group.get(group, 0) + 1
    rows = np.array([row for *_, row in kept], np.intp)
    columns = np.array([column for _, column, _ in kept], np.intp)
    clipped = clip(boxes[rows])
    first = np.flatnonzero(area(clipped) > 0)[:max_total]
    return NmsResult(clipped[first], scores[rows[first], columns[first]], columns[first], rows[first])


def assert_equal(ours: NmsResult, theirs: NmsResult) -> None:
    assert ours.anchors.tolist() == theirs.anchors.tolist()
    assert ours.columns.tolist() == theirs.columns.tolist()
    assert np.array_equal(ours.scores, theirs.scores)
    assert np.array_equal(ours.boxes, theirs.boxes)


def random_heads(seed: int, anchors: int, classes: int, spread: float, levels: int) -> tuple[np.ndarray, ...]:
    """Heads with many ties (few levels), strong overlap (few anchors in one place) and saturated scores."""
    generator = np.random.default_rng(seed)
    codes = generator.normal(0, 1, (anchors, 4)).astype(np.float32)
    logits = (np.round(generator.normal(0, 1, (anchors, classes + 1)) * levels) / levels * spread).astype(np.float32)
    places = generator.choice(len(ANCHORS), max(1, anchors // 8))
    return codes, logits, ANCHORS[np.sort(generator.choice(places, anchors))]


def test_boxes_of_random_heads_overlap_strongly() -> None:
    codes, _, anchors = random_heads(0, 300, 1, 1.0, 3)
    boxes = decode(codes, anchors)
    suppressing = iou(boxes[:, None], boxes[None])[np.triu_indices(300, 1)] > 0.6
    assert suppressing.sum() > 100


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    anchors=st.sampled_from([1, 7, 130, 300]),
    classes=st.sampled_from([1, 3, 40]),
    spread=st.sampled_from([0.5, 4.0, 30.0]),
    levels=st.sampled_from([1, 3, 1000]),
    max_total=st.sampled_from([1, 5, 100, 300]),
)
def test_equals_the_plain_algorithm(
    seed: int, anchors: int, classes: int, spread: float, levels: int, max_total: int
) -> None:
    if anchors * classes > 5000:
        classes = 3  # the plain way is slow
    heads = random_heads(seed, anchors, classes, spread, levels)
    assert_equal(postprocess(*heads, PostprocessRules(max_detections=max_total)), plain(*heads, max_total=max_total))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    anchors=st.sampled_from([1, 130, 300]),
    classes=st.sampled_from([1, 20, NARROW]),
    levels=st.sampled_from([1, 3, 1000]),
    odd=st.sampled_from([np.nan, np.inf, -np.inf, 90.0]),
    min_score=st.sampled_from([0.0, 0.3, 0.5, 0.9, 1.0]),
    nms=st.sampled_from(["per-class", "class-agnostic"]),
)
def test_few_and_many_classes_give_the_same(
    seed: int, anchors: int, classes: int, levels: int, odd: float, min_score: float, nms: NmsMode
) -> None:
    """With few classes all values may be looked at at once: classes that are never found make them many."""
    codes, logits, places = random_heads(seed, anchors, classes, 4.0, levels)
    generator = np.random.default_rng(seed)
    logits[generator.random(logits.shape) < 0.01] = odd
    codes[generator.random(codes.shape) < 0.01] = odd
    rules = PostprocessRules(min_score=min_score, nms=nms)
    wider = np.concatenate([logits, np.full((anchors, NARROW), -np.inf, np.float32)], axis=1)
    with np.errstate(invalid="ignore"):
        assert_equal(postprocess(codes, logits, places, rules), postprocess(codes, wider, places, rules))


def test_the_background_is_no_class_however_high_its_score() -> None:
    codes, logits, anchors = random_heads(12, 50, 3, 1.0, 1000)
    expected = postprocess(codes, logits, anchors, RULES)
    logits[:, 0] = 60
    for rules in (RULES, PostprocessRules(min_score=0.3)):
        found = postprocess(codes, logits, anchors, rules)
        assert found.columns.min() == 0
        count = len(found.scores)
        assert found.scores.tolist() == expected.scores[:count].tolist()


def test_a_least_score_and_a_threshold_that_scores_equal_differ() -> None:
    values = [[0.5], [np.nextafter(np.float32(0.5), np.float32(1))]]
    boxes = [[0.0, 0.0, 0.5, 1.0], [0.5, 0.0, 1.0, 1.0]]
    assert keep(boxes, values, min_score=0.5) == [1, 0]
    assert keep(boxes, values, score_threshold=0.5) == [1]


def test_class_agnostic_lets_boxes_of_all_classes_compete() -> None:
    heads = random_heads(4, 200, 4, 2.0, 1000)
    assert_equal(postprocess(*heads, PostprocessRules(nms="class-agnostic")), plain(*heads, groups=False))


def test_columns_act_as_if_the_network_had_no_others() -> None:
    codes, logits, anchors = random_heads(5, 300, 10, 2.0, 1000)
    columns = np.array([1, 4, 8])
    ours = postprocess(codes, logits, anchors, PostprocessRules(columns=columns))
    alone = postprocess(codes, np.ascontiguousarray(logits[:, [0, 2, 5, 9]]), anchors, RULES)
    assert_equal(ours, NmsResult(alone.boxes, alone.scores, columns[alone.columns], alone.anchors))


def test_min_score_only_takes_away_from_the_end() -> None:
    heads = random_heads(6, 300, 10, 2.0, 1000)
    everything = postprocess(*heads, RULES)
    least = float(everything.scores[30])
    strong = postprocess(*heads, PostprocessRules(min_score=least))
    count = int((everything.scores >= np.float32(least)).sum())
    assert 30 < count < 100
    assert_equal(
        strong, NmsResult(*(getattr(everything, name)[:count] for name in ("boxes", "scores", "columns", "anchors")))
    )


def test_min_score_of_one_keeps_saturated_scores_only() -> None:
    codes, logits, anchors = random_heads(7, 50, 3, 1.0, 1000)
    logits[3, 2] = 60
    kept = postprocess(codes, logits, anchors, PostprocessRules(min_score=1.0))
    assert kept.scores.tolist() == [1.0]


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_values_that_are_no_score_are_never_selected(value: float) -> None:
    codes, logits, anchors = random_heads(8, 50, 3, 1.0, 1000)
    logits[10] = value
    assert 10 not in postprocess(codes, logits, anchors, RULES).anchors


def test_a_box_of_nan_is_never_returned() -> None:
    codes, logits, anchors = random_heads(9, 50, 3, 1.0, 1000)
    codes[10] = np.nan
    assert 10 not in postprocess(codes, logits, anchors, RULES).anchors


def test_nothing_above_the_threshold_gives_nothing() -> None:
    codes, logits, anchors = random_heads(10, 50, 3, 1.0, 1000)
    kept = postprocess(codes, np.full_like(logits, -50), anchors, RULES)
    assert kept.boxes.shape == (0, 4)
    assert len(kept.scores) == 0


def test_huge_size_codes_are_not_limited() -> None:
    codes, logits, anchors = random_heads(11, 1, 1, 1.0, 1000)
    codes[0] = [0, 0, 80, 500]
    assert postprocess(codes, logits, anchors, RULES).boxes.tolist() == [[0, 0, 1, 1]]


def test_many_equal_boxes_do_not_blow_up() -> None:
    count, classes = 1917, 20
    kept = multiclass_nms(
        lambda rows, columns: np.tile(np.float32([0.1, 0.1, 0.5, 0.5]), (len(rows), 1)),
        np.full((count, classes), 0.5, np.float32), RULES,
    )  # fmt: skip
    assert kept.columns.tolist() == list(range(classes))
    assert kept.anchors.tolist() == [0] * classes


def test_the_logits_of_0_and_1_are_infinite() -> None:
    assert (logit(0.0), logit(1.0)) == (-np.inf, np.inf)


@given(st.floats(1e-8, 1 - 1e-7))
def test_logit_is_the_inverse_of_sigmoid(score: float) -> None:
    assert float(sigmoid(np.float32([logit(score)]))[0]) == pytest.approx(score, rel=1e-5)


def keep(boxes: list[list[float]], scores: list[list[float]], **rules: object) -> list[int]:
    """Rows that NMS keeps of boxes `[A, 4]` with scores `[A, C]`."""
    found = multiclass_nms(
        lambda rows, columns: np.float32(boxes)[rows], np.float32(scores), PostprocessRules(**rules),  # type: ignore[arg-type]
    )  # fmt: skip
    return found.anchors.tolist()


WHOLE = [0.0, 0.0, 1.0, 1.0]
AT_LIMIT = [0.0, 0.0, float(np.float32(0.6)), 1.0]  # its IoU with WHOLE is exactly float32's 0.6
ABOVE_LIMIT = [0.0, 0.0, 0.61, 1.0]


def test_an_iou_at_the_limit_does_not_suppress() -> None:
    assert keep([WHOLE, AT_LIMIT, ABOVE_LIMIT], [[0.9], [0.8], [0.7]]) == [0, 1]


def test_an_iou_at_the_limit_does_not_suppress_across_blocks_of_candidates() -> None:
    small = [[0.0, 0.0, 0.01, 0.01]] * BLOCK
    scores = [[0.9] + [0.0] * BLOCK] + [[0.0] * (1 + BLOCK) for _ in range(BLOCK + 1)]
    for number in range(BLOCK):  # each of a class of its own
        scores[1 + number][1 + number] = 0.8
    scores[-1][0] = 0.7
    first = list(range(BLOCK + 1))
    assert keep([WHOLE, *small, AT_LIMIT], scores, max_detections=1000) == [*first, BLOCK + 1]
    assert keep([WHOLE, *small, ABOVE_LIMIT], scores, max_detections=1000) == first


def test_boxes_without_area_in_the_window_count_for_the_limit_per_class_only() -> None:
    boxes, scores = [[0.0, 2.0, 1.0, 3.0], WHOLE], [[0.9], [0.8]]
    assert keep(boxes, scores, max_detections=1) == [1]
    assert keep(boxes, scores, max_per_class=1) == []


def in_steps(scores: np.ndarray) -> list[list[float]]:
    """Scores `[A]` of a class, among so many others that the candidates are taken in steps."""
    return [[score] + [0.0] * NARROW for score in scores.tolist()]


def test_rows_of_nan_hide_no_candidate() -> None:
    scores = np.full((FIRST_ROWS + 2, 1 + NARROW), np.nan)
    scores[1, 0] = 0.9
    assert keep([WHOLE] * len(scores), scores.tolist()) == [1]


def test_a_score_where_a_step_ends_is_taken_once() -> None:
    scores = np.full(FIRST_ROWS + 2, 0.5, np.float32)
    scores[0] *= np.float32(1 + SIGMOID_ROUNDING)
    count = len(scores)
    kept = keep([WHOLE] * count, in_steps(scores), iou_threshold=1.0, max_per_class=1000, max_detections=1000)
    assert kept == list(range(count))


@pytest.mark.parametrize("least", [0.25, 0.9])
def test_scores_just_below_the_least_are_in_no_step(least: float) -> None:
    scores = np.full(2 * FIRST_ROWS, least * (1 - SIGMOID_ROUNDING), np.float32)
    scores[0] = np.nextafter(np.float32(least), np.float32(0))
    assert keep([WHOLE] * len(scores), in_steps(scores), min_score=least) == []


def test_a_suppressed_box_suppresses_nothing() -> None:
    boxes = [[0.0, 0.0, 1.0, 1.0], [0.0, 0.2, 1.0, 1.2], [0.0, 0.4, 1.0, 1.4]]
    assert keep(boxes, [[0.9], [0.8], [0.7]]) == [0, 2]


def test_scores_that_rounding_puts_in_another_order_than_values_lose_no_detection() -> None:
    """A float32 sigmoid may give the lower of two values that near the higher score."""
    count = 3 * FIRST_ROWS
    values = np.full((count, 1 + NARROW), -np.inf, np.float32)  # so many classes that there are steps
    values[:, 0] = np.float32(0.5) - np.arange(count, dtype=np.float32) * np.float32(6e-8)
    boxes = np.float32([[row, 0, row + 0.5, 1] for row in range(count)]) / count

    def to_scores(values: np.ndarray) -> np.ndarray:
        """Exchange neighbors: the error is within that of a float32 sigmoid."""
        place = np.round((np.float32(0.5) - values) / np.float32(6e-8)).astype(int)
        return np.float32(0.5) - (((place + 1) ^ 1) - 1).astype(np.float32) * np.float32(6e-8)

    found = multiclass_nms(
        lambda rows, columns: boxes[rows], values, PostprocessRules(max_detections=count, max_per_class=count),
        to_scores=to_scores,
    )  # fmt: skip
    assert sorted(found.anchors.tolist()) == list(range(count))
    assert (np.diff(found.scores) <= 0).all()
