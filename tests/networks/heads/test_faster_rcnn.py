"""Proposals and detections are those of the original."""

import math
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from boxable.networks.anchors import grid_anchors
from boxable.networks.heads.faster_rcnn import detections, proposals, softmax
from boxable.networks.heads.rules import PostprocessRules

ALL = PostprocessRules(score_threshold=0.0)
SIZE = (40, 80)


@pytest.fixture
def cases(
    reference: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[ModuleType, ModuleType, np.lib.npyio.NpzFile]]:
    """The formula, the inputs that it makes, and what the original made of them."""
    folder = reference / "formula_frcnn"
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    with np.load(folder / "postprocess_cases.npz") as recorded:
        yield import_module("formula"), import_module("postprocess_inputs"), recorded


def test_recorded_proposals(cases: tuple[ModuleType, ModuleType, np.lib.npyio.NpzFile]) -> None:
    formula, inputs, recorded = cases
    for name, height, width in inputs.RPN:
        codes, objectness = inputs.rpn_inputs(formula, name, height, width)
        anchors = grid_anchors((height, width), (math.ceil(height / 8), math.ceil(width / 8)))
        found = proposals(codes[0], objectness[0], anchors, (height, width), 300)
        count = int(recorded[f"{name}/num_proposals"])
        assert len(found) == count, name
        np.testing.assert_allclose(found, recorded[f"{name}/proposals_normalized"][:count], rtol=0, atol=1e-6)


def test_recorded_detections(cases: tuple[ModuleType, ModuleType, np.lib.npyio.NpzFile]) -> None:
    formula, inputs, recorded = cases
    for name, height, width, count in inputs.DET:
        boxes, codes, logits = inputs.det_inputs(formula, name, count)
        found = detections(boxes[0, :count], codes[:count], logits[:count], (height, width), ALL)
        theirs = {key: recorded[f"{name}/detection_{key}"] for key in ("classes", "anchor_indices", "boxes", "scores")}
        np.testing.assert_array_equal(found.columns, theirs["classes"], err_msg=name)
        np.testing.assert_array_equal(found.anchors, theirs["anchor_indices"], err_msg=name)
        np.testing.assert_allclose(found.boxes, theirs["boxes"], rtol=0, atol=1e-6)
        np.testing.assert_allclose(found.scores, theirs["scores"], rtol=0, atol=1e-6)


def test_proposals_are_clipped_after_nms_and_not_replaced() -> None:
    anchors = np.array([[-90, 0, -50, 40], [0, 0, 20, 40], [20, 40, 60, 100]], np.float32)
    objectness = np.array([[0, 3], [0, 2], [0, 1]], np.float32)
    found = proposals(np.zeros((3, 4), np.float32), objectness, anchors, SIZE, 2)
    assert found.tolist() == [[0, 0, 0.5, 0.5]], "the first of two has no area in the image"
    found = proposals(np.zeros((3, 4), np.float32), objectness, anchors, SIZE, 3)
    assert found.tolist() == [[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]]


def test_proposals_that_overlap_by_more_than_seven_tenths_are_suppressed() -> None:
    anchors = np.array([[0, 0, 10, 10], [0, 0, 10, 14], [0, 0, 10, 14.5]], np.float32)
    objectness = np.array([[0, 3], [0, 2], [0, 1]], np.float32)
    assert len(proposals(np.zeros((3, 4), np.float32), objectness, anchors, SIZE, 300)) == 2
    assert len(proposals(np.zeros((2, 4), np.float32), objectness[::2], anchors[::2], SIZE, 300)) == 2


PROPOSALS = np.array([[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]], np.float32)


def made(logits: list[list[float]], rules: PostprocessRules = ALL) -> list[tuple[int, int]]:
    """Proposal and class of each detection, with boxes of class 1 that are half as wide as those of class 0."""
    codes = np.zeros((len(logits), len(logits[0]) - 1, 4), np.float32)
    codes[:, 1:, 3] = 5 * math.log(0.5)
    found = detections(PROPOSALS[: len(logits)], codes, np.array(logits, np.float32), SIZE, rules)
    for box, column, row in zip(found.boxes, found.columns, found.anchors, strict=True):
        left, right = PROPOSALS[row, [1, 3]]
        inset = (right - left) / 4 if column else 0
        np.testing.assert_allclose(box, [PROPOSALS[row, 0], left + inset, PROPOSALS[row, 2], right - inset], atol=1e-6)
    return list(zip(found.anchors.tolist(), found.columns.tolist(), strict=True))


def test_each_class_has_a_box_of_its_own_on_each_proposal() -> None:
    assert made([[0, 4, 3], [0, 1, 2]]) == [(0, 0), (1, 1), (0, 1), (1, 0)]


def test_selected_classes_have_the_scores_of_the_softmax_over_all() -> None:
    rules = PostprocessRules(score_threshold=0.0, columns=np.array([1]))
    logits = [[0, 4, 3], [0, 1, 2]]
    assert made(logits, rules) == [(1, 1), (0, 1)]
    found = detections(PROPOSALS, np.zeros((2, 2, 4), np.float32), np.array(logits, np.float32), SIZE, rules)
    np.testing.assert_allclose(found.scores, softmax(np.array(logits, np.float32))[[1, 0], 2])


def test_the_softmax_of_large_logits_is_finite() -> None:
    scores = softmax(np.array([[1000, 1000, -1000], [-1000, -1000, -1000]], np.float32))
    assert scores.tolist() == [[0.5, 0.5, 0], pytest.approx([1 / 3] * 3)]
