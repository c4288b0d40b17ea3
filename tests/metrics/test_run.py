"""Recorded runs."""

import csv
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from boxable.errors import ArgumentError
from boxable.metrics.average_precision import Ranking
from boxable.metrics.evaluate import Evaluation
from boxable.metrics.protocols import protocol_named
from boxable.metrics.run import CLASSES, ENTRIES, METRICS, RecordedRun, read_run, write_run
from tests.evaluation.made import A, B, C, Found, Truth, evaluated
from tests.evaluation.scenes import detector, scene

TRUTH = scene()
WEAK = detector(TRUTH, {A: 0.5, B: 0.7})
BOX = (0, 0, 0.5, 0.5)


def written(folder: Path, evaluation: Evaluation) -> RecordedRun:
    write_run(evaluation, folder)
    return read_run(folder)


def test_a_run_that_was_written_is_read_again(tmp_path: Path) -> None:
    evaluation = evaluated(TRUTH, WEAK, resamples=20)
    run = written(tmp_path, evaluation)
    assert run.metrics == evaluation.to_dict()
    assert run.images == evaluation.data.images
    assert run.mids == evaluation.data.mids
    for field in fields(run.entries):
        before, after = (getattr(entries, field.name) for entries in (evaluation.ranking.entries, run.entries))
        np.testing.assert_array_equal(after, before)
        assert after.dtype == before.dtype
    again = Ranking(run.entries, len(run.mids)).average_precisions()
    np.testing.assert_array_equal(again, evaluation.ranking.average_precisions())


def test_a_run_without_any_image_is_read_again(tmp_path: Path) -> None:
    run = written(tmp_path, evaluated([], []))
    assert run.images == []
    assert run.metrics["mAP"] is None


def test_the_table_has_a_row_for_each_class(tmp_path: Path) -> None:
    boxes = [Truth("i", A, BOX), Truth("j", A, BOX), Truth("i", B, BOX, group_of=1)]
    found = [Found("i", A, 0.5, BOX), Found("j", A, 0.5, BOX)]
    half = protocol_named("challenge", expand=False, group_of_weight=0.5)
    write_run(evaluated(boxes, found, half, resamples=5), tmp_path)
    with (tmp_path / CLASSES).open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["LabelName", "DisplayName", "AP", "Low", "High", "GroundTruth", "Detections", "Found"]
    assert rows == [
        [A, "a", "1.0", "1.0", "1.0", "2.0", "2", "2.0"],
        [B, "b", "0.0", "", "", "0.5", "0", "0.0"],
        [C, "c", "", "", "", "0.0", "0", "0.0"],
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (METRICS, None),
        (METRICS, b""),
        (METRICS, b"{"),
        (METRICS, b"[]"),
        (ENTRIES, None),
        (ENTRIES, b""),
        (ENTRIES, b"no archive"),
        (ENTRIES, "first half"),
        (ENTRIES, "damaged"),
    ],
)
def test_a_folder_that_holds_no_whole_run_is_refused(tmp_path: Path, name: str, content: bytes | str | None) -> None:
    write_run(evaluated(TRUTH, WEAK), tmp_path)
    path = tmp_path / name
    whole = path.read_bytes()
    path.unlink()
    if content == "first half":
        path.write_bytes(whole[: len(whole) // 2])
    elif content == "damaged":
        path.write_bytes(whole[:60] + bytes(byte ^ 0xFF for byte in whole[60:120]) + whole[120:])
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(ArgumentError, match="missing or damaged"):
        read_run(tmp_path)


def test_a_path_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="missing or damaged"):
        read_run(tmp_path / "nowhere")
