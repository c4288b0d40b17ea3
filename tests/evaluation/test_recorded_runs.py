"""Eight evaluations of 2000 images and 601 classes, recorded from the original."""

import csv
import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from boxable.formats.annotations import Annotations, Predictions
from boxable.formats.openimages_reading import read_boxes, read_image_labels
from boxable.formats.reading import read_predictions
from boxable.metrics.evaluate import Evaluation, evaluate
from boxable.metrics.protocols import Protocol, protocol_named

RUNS = {
    "challenge_w1.0": protocol_named("challenge"),
    "challenge_w0.5": protocol_named("challenge", group_of_weight=0.5),
    "challenge_w0.0": protocol_named("challenge", group_of_weight=0),
    "openimages_v2": protocol_named("openimages-v2", expand=True),
    "pascal_voc_0.5": protocol_named("pascal", expand=True),
    "challenge_w1.0_unexpanded_gt": protocol_named("challenge", expand=False),
    "openimages_v2_unexpanded_gt": protocol_named("openimages-v2", expand=False),
    "pascal_voc_0.5_unexpanded_gt": protocol_named("pascal", expand=False),
}
CLASSES = 601

by_run = pytest.mark.parametrize("run", RUNS)


@dataclass(frozen=True)
class Recorded:
    """What the original said of one run: columns by class, and its summary."""

    mids: list[str]
    columns: dict[str, NDArray[np.float64]]
    summary: dict[str, object]


@pytest.fixture(scope="module")
def large(reference: Path) -> Path:
    return reference / "eval" / "large"


@cache
def _data(folder: Path) -> tuple[Annotations, Predictions]:
    truth = Annotations(read_boxes(folder / "gt_boxes.csv.gz"), read_image_labels(folder / "gt_imagelabels.csv.gz"))
    return truth, read_predictions(folder / "predictions.csv.gz")


@cache
def _evaluated(folder: Path, protocol: Protocol) -> Evaluation:
    return evaluate(*_data(folder), protocol, resamples=0)


@cache
def _recorded(folder: Path, run: str) -> Recorded:
    with (folder / "results_per_class.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["run"] == run]
    columns = {
        name: np.array([float(row[name]) for row in rows]) for name in ("ap", "num_gt", "n_entries", "sum_tp", "n_fp")
    }
    summaries = json.loads((folder / "results_summary.json").read_text())["runs"]
    return Recorded([row["mid"] for row in rows], columns, next(s for s in summaries if s["run"] == run))


@by_run
def test_every_class_has_the_recorded_ap(large: Path, run: str) -> None:
    evaluation, recorded = _evaluated(large, RUNS[run]), _recorded(large, run)
    assert [result.item.mid for result in evaluation.results] == recorded.mids
    assert len(recorded.mids) == CLASSES
    ours = np.array([result.ap for result in evaluation.results])
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(recorded.columns["ap"]))
    np.testing.assert_allclose(ours, recorded.columns["ap"], rtol=0, atol=1e-12)


@by_run
def test_the_mean_is_the_recorded_one(large: Path, run: str) -> None:
    evaluation, summary = _evaluated(large, RUNS[run]), _recorded(large, run).summary
    assert evaluation.mean_ap == pytest.approx(float(str(summary["mean_ap"])), rel=0, abs=1e-12)
    assert len(evaluation.scored) == summary["classes_scored"]
    assert len(evaluation.data.images) == summary["images"]


@by_run
def test_every_class_has_the_recorded_counts(large: Path, run: str) -> None:
    evaluation, columns = _evaluated(large, RUNS[run]), _recorded(large, run).columns
    np.testing.assert_array_equal([result.ground_truth for result in evaluation.results], columns["num_gt"])
    np.testing.assert_array_equal([result.detections for result in evaluation.results], columns["n_entries"])
    np.testing.assert_array_equal([result.found for result in evaluation.results], columns["sum_tp"])
    ranking = evaluation.ranking
    false = np.bincount(ranking.label[ranking.credit == 0], minlength=CLASSES)
    np.testing.assert_array_equal(false, columns["n_fp"])


def test_every_entry_of_the_ranking_is_the_recorded_one(large: Path) -> None:
    with gzip.open(large / "tpfp_challenge_w1.0.csv.gz", "rt") as file:
        recorded = np.loadtxt(file, delimiter=",", skiprows=1)
    ranking = _evaluated(large, RUNS["challenge_w1.0"]).ranking
    np.testing.assert_array_equal(ranking.label + 1, recorded[:, 0])
    np.testing.assert_array_equal(ranking.score, recorded[:, 1])
    np.testing.assert_array_equal(ranking.credit, recorded[:, 2])


def test_the_notes_count_what_is_odd_about_the_data(large: Path) -> None:
    notes = _evaluated(large, RUNS["challenge_w1.0"]).notes
    assert [str(note).partition(" (")[0] for note in notes] == [
        "33 ground-truth boxes given before",
        "1,000 predictions for images without ground truth",
        "197 predicted boxes without an area or with the maximum below the minimum",
        "43 predicted boxes reaching outside 0 to 1",
        "10 images without predictions",
    ]
