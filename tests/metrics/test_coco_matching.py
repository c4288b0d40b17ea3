"""COCO's matching: what pycocotools gives, figure by figure, and the report that agrees with it."""

import contextlib
import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from boxable.evaluation.evaluate_files import evaluate
from boxable.evaluation.report.content import content
from boxable.metrics.evaluate import Evaluation
from boxable.metrics.matching import Outcome

Row = dict[str, Any]
# A step of the grid in pixels, and scores; few scores tie.
KINDS = {
    "integer": (1, [number / 64 for number in range(64)]),
    "grid": (10, [0.25, 0.5, 0.75]),
    "tied": (37.5, [0.5]),
    "decimal": (0.1, [number / 10 for number in range(10)]),
}


def write(folder: Path, images: list[Row], boxes: list[Row], found: list[Row]) -> tuple[Path, Path]:
    """Write ground truth and results as files of COCO."""
    truth, results = folder / "gt.json", folder / "dt.json"
    categories = [{"id": number, "name": f"thing {number}"} for number in (3, 1, 2)]
    annotations = [
        {"area": row["bbox"][2] * row["bbox"][3], "iscrowd": 0, **row, "id": number}
        for number, row in enumerate(boxes, start=1)
    ]
    truth.write_text(json.dumps({"images": images, "categories": categories, "annotations": annotations}))
    results.write_text(json.dumps(found))
    return truth, results


def of_pycocotools(truth: Path, results: Path) -> list[float]:
    with contextlib.redirect_stdout(io.StringIO()):
        described = COCO(str(truth))
        evaluation = COCOeval(described, described.loadRes(json.loads(results.read_text())), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return list(evaluation.stats.tolist())


def figures(evaluation: Evaluation) -> list[float]:
    """In the order of pycocotools, and -1 where there are none, as there."""
    assert evaluation.coco is not None
    return [-1 if value is None else value for value in evaluation.coco.summary.values()]


def drawn(seed: str, step: float, scores: list[float]) -> tuple[list[Row], list[Row], list[Row]]:
    """Images with ids and names in different orders, boxes on a grid, and detections, of which many are near boxes."""
    rng = random.Random(seed)
    ids: list[int | str] = [*rng.sample(range(1000), rng.choice((1, 4, 9)))]
    if rng.random() < 0.2:
        ids = [str(number) for number in ids]
    images = [{"id": number, "file_name": f"{rng.random()}.jpg", "width": 640, "height": 480} for number in ids]
    side = rng.choice((5, 12, 120))

    def row() -> Row:
        box = [rng.randrange(20), rng.randrange(20), rng.randrange(side), rng.randrange(1, side)]
        return {
            "image_id": rng.choice(ids), "category_id": rng.choice((1, 2, 3)), "bbox": [step * edge for edge in box]
        }  # fmt: skip

    boxes = [row() for _ in range(rng.choice((1, 30, 120)))]
    found = []
    for _ in range(rng.choice((1, 60, 700))):
        moved = rng.choice(boxes)
        # Sides may become 0, or less.
        near = {**moved, "bbox": [edge + step * rng.choice((0, 0, 1, -1)) for edge in moved["bbox"]]}
        found.append((near if rng.random() < 0.7 else row()) | {"score": rng.choice(scores)})
    for box in boxes:
        box |= {"iscrowd": int(rng.random() < 0.15), "area": box["bbox"][2] * box["bbox"][3] * rng.choice((1, 0.5))}
    return images, boxes, found


@pytest.mark.parametrize("kind", KINDS)
def test_all_figures_are_those_of_pycocotools(tmp_path: Path, kind: str) -> None:
    for seed in range(8):
        files = write(tmp_path, *drawn(f"{kind} {seed}", *KINDS[kind]))
        expected = of_pycocotools(*files)
        assert figures(evaluate(*files, "coco", resamples=0)) == pytest.approx(expected, rel=0, abs=1e-12), seed


PLAIN = {"id": 1, "file_name": "a.jpg", "width": 512, "height": 512}
BOX = {"image_id": 1, "category_id": 1, "bbox": [0, 0, 100, 100]}


def figure(folder: Path, name: str, found: list[Row], boxes: list[Row] = [BOX], images: list[Row] = [PLAIN]) -> Any:  # noqa: B006
    files = write(folder, images, boxes, found)
    evaluation = evaluate(*files, "coco", resamples=0)
    assert figures(evaluation) == pytest.approx(of_pycocotools(*files), rel=0, abs=1e-12)
    assert evaluation.coco is not None
    return evaluation.coco.summary[name]


@pytest.mark.parametrize(("width", "ap"), [(5, 1), (4.999999, 0)])
def test_an_iou_of_exactly_a_half_in_pixels_is_enough(tmp_path: Path, width: float, ap: float) -> None:
    # As shares of 640 x 480 pixels neither 5 / 480 nor its sum with a side is a binary fraction.
    images, boxes = [PLAIN | {"width": 640, "height": 480}], [BOX | {"bbox": [0, 5, 10, 10]}]
    found = [BOX | {"bbox": [0, 5, width, 10], "score": 0.9}]
    assert figure(tmp_path, "AP50", found, boxes, images) == pytest.approx(ap)


def test_predictions_in_a_table_are_measured_in_whole_pixels_too(tmp_path: Path) -> None:
    images, boxes = [PLAIN | {"width": 640, "height": 480}], [BOX | {"bbox": [0, 5, 10, 10]}]
    truth, _ = write(tmp_path, images, boxes, [])
    table = tmp_path / "found.csv"
    table.write_text(
        "ImageID,LabelName,Score,XMin,XMax,YMin,YMax\n"
        f"a,user/thing-1,0.9,0,{5 / 640},{5 / 480},{15 / 480}\n"
    )  # fmt: skip
    evaluation = evaluate(truth, table, "coco", resamples=0)
    assert evaluation.coco is not None
    assert evaluation.coco.summary["AP50"] == pytest.approx(1)


@pytest.mark.parametrize("bbox", [[10, 10, 0, 20], [10, 10, 20, 0], [30, 30, -10, -20]])
def test_a_prediction_without_area_is_a_false_positive(tmp_path: Path, bbox: list[float]) -> None:
    found = [BOX | {"bbox": bbox, "score": 0.9}, BOX | {"score": 0.5}]
    assert figure(tmp_path, "AP", found) == pytest.approx(0.5)


def test_it_is_noted(tmp_path: Path) -> None:
    files = write(tmp_path, [PLAIN], [BOX], [BOX | {"bbox": [10, 10, 0, 20], "score": 0.9}, BOX | {"score": 0.5}])
    evaluation = evaluate(*files, "coco", resamples=0)
    (note,) = evaluation.notes
    assert str(note).startswith("1 predicted box without an area")
    assert str(note).endswith("kept; each counts as a false positive, as in pycocotools")
    (note,) = evaluate(*files, "pascal", resamples=0).notes
    assert str(note).endswith("dropped")


@pytest.mark.parametrize("ids", [(1, 2), (2, 10), ("10", "9"), ("a", "b")])
def test_equal_scores_go_by_image_id_and_not_by_file_name(tmp_path: Path, ids: tuple[Any, Any]) -> None:
    images = [PLAIN | {"id": ids[0], "file_name": "b.jpg"}, PLAIN | {"id": ids[1], "file_name": "a.jpg"}]
    wrong = BOX | {"image_id": ids[0], "bbox": [0, 0, 50, 50], "score": 0.5}
    right = BOX | {"image_id": ids[1], "score": 0.5}
    boxes = [BOX | {"image_id": ids[1]}]
    assert figure(tmp_path, "AP", [right, wrong], boxes, images[::-1]) == pytest.approx(0.5)
    # The other way around the hit comes first.
    boxes, wrong, right = [BOX | {"image_id": ids[0]}], wrong | {"image_id": ids[1]}, right | {"image_id": ids[0]}
    assert figure(tmp_path, "AP", [wrong, right], boxes, images) == pytest.approx(1)


def test_equal_scores_in_an_image_go_by_the_order_of_the_file(tmp_path: Path) -> None:
    wrong, right = BOX | {"bbox": [300, 300, 50, 50], "score": 0.5}, BOX | {"score": 0.5}
    assert figure(tmp_path, "AP", [wrong, right]) == pytest.approx(0.5)
    assert figure(tmp_path, "AP", [right, wrong]) == pytest.approx(1)


SECOND = [BOX, BOX | {"bbox": [20, 0, 100, 100]}]
TRIED = [BOX | {"score": 0.9}, BOX | {"bbox": [4, 0, 100, 100], "score": 0.8}]


def test_a_detection_whose_best_box_is_taken_gets_the_second(tmp_path: Path) -> None:
    assert figure(tmp_path, "AP50", TRIED, SECOND) == pytest.approx(1)


def test_the_report_agrees_with_it(tmp_path: Path) -> None:
    evaluation = evaluate(*write(tmp_path, [PLAIN], SECOND, TRIED), "coco", resamples=0)
    assert evaluation.matches.outcome.tolist() == [Outcome.TRUE_POSITIVE] * 2
    assert evaluation.matches.truth.tolist() == [0, 1]
    shown = content(evaluation, "title", {}, None)
    (row,) = [row for row in shown["classes"] if row["ground_truth"]]
    assert (row["recall"], set(row["errors"].values())) == (1.0, {0})
    assert row["curve"] == [[0.5, 1.0], [1.0, 1.0]]
    assert [error["count"] for error in shown["errors"]] == [0] * 6
    # By the rule of the Object Detection API the second detection finds nothing.
    assert evaluate(tmp_path / "gt.json", tmp_path / "dt.json", "pascal", resamples=0).scored[0].found == 1


def test_what_is_in_a_crowd_and_beyond_a_hundred_detections_is_no_error(tmp_path: Path) -> None:
    crowd = BOX | {"bbox": [200, 200, 200, 200], "iscrowd": 1}
    inside = BOX | {"bbox": [210, 210, 20, 20], "score": 0.7}
    apart = BOX | {"bbox": [450, 450, 20, 20], "score": 0.8}
    files = write(tmp_path, [PLAIN], [BOX, crowd], [*[apart] * 99, inside, inside])
    outcome = evaluate(*files, "coco", resamples=0).matches.outcome.tolist()
    assert outcome == [Outcome.FALSE_POSITIVE] * 99 + [Outcome.IN_GROUP, Outcome.IGNORED]


@pytest.mark.parametrize("size", [{}, {"width": 512}, {"width": None, "height": None}])
def test_the_size_of_images_is_not_needed(tmp_path: Path, size: Row) -> None:
    image = {"id": 1, "file_name": "a.jpg", "width": 0, "height": 0} | size
    assert figure(tmp_path, "AP", [BOX | {"score": 0.5}], images=[image]) == pytest.approx(1)
