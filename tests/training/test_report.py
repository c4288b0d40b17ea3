"""The report of a run."""

import base64
import io
import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from boxable.errors import ArgumentError
from boxable.formats.annotations import Annotations, Coded, Predictions, TruthBoxes, no_image_labels
from boxable.metrics.evaluate import Evaluation, evaluate
from boxable.metrics.protocols import CHALLENGE, PASCAL
from boxable.training.class_table import ClassRow
from boxable.training.log import LOG
from boxable.training.report import REPORT, ReportContent, write_report
from boxable.training.report_images import image_pairs, score_threshold
from boxable.vocabulary import ClassList, ObjectClass, open_images

BOX = (0.25, 0.25, 0.75, 0.75)
ELSEWHERE = (0.0, 0.0, 0.2, 0.2)
CAT, DOG = open_images().find("Cat"), open_images().find("Dog")
DOOR = ObjectClass(1001, "user/door", "<Door> & co.")
CLASSES = ClassList([CAT, DOG, DOOR])

Row = tuple[str, ObjectClass, tuple[float, ...], float]  # image, class, box, score


def annotations(rows: list[tuple[str, ObjectClass]], images: list[str]) -> Annotations:
    """One box in the middle of an image for each row."""
    boxes = TruthBoxes(
        Coded.of(image for image, _ in rows), Coded.of(item.mid for _, item in rows),
        np.tile(np.array(BOX), (len(rows), 1)), np.zeros(len(rows), np.int8), np.zeros(len(rows), bool),
        np.full(len(rows), np.nan),
    )  # fmt: skip
    return Annotations(boxes, no_image_labels(), CLASSES, dict.fromkeys(images, (64, 48)))


def evaluated(truth: Annotations, rows: list[Row], resamples: int = 0) -> Evaluation:
    found = Predictions(
        Coded.of(row[0] for row in rows), Coded.of(row[1].mid for row in rows),
        np.array([row[2] for row in rows]).reshape(-1, 4), np.array([row[3] for row in rows], np.float64),
    )  # fmt: skip
    return evaluate(truth, found, PASCAL, nameable=CLASSES, resamples=resamples)


def files(folder: Path, images: list[str]) -> dict[str, Path]:
    (folder / "images").mkdir()
    for image in images:
        Image.new("RGB", (64, 48), (120, 130, 140)).save(folder / "images" / f"{image}.png")
    return {image: folder / "images" / f"{image}.png" for image in images}


def content(folder: Path) -> ReportContent:
    """Cats were found before too, dogs only afterwards, doors never."""
    images = [f"{number:02}" for number in range(6)]
    truth = annotations(
        [(image, item) for image, item in zip(images, [CAT, CAT, DOG, DOG, DOOR], strict=False)], images
    )
    cats: list[Row] = [("00", CAT, BOX, 0.9), ("01", CAT, BOX, 0.8)]
    dogs: list[Row] = [("02", DOG, BOX, 0.7), ("03", DOG, BOX, 0.6)]
    rows = [
        ClassRow(CAT, 1500, 90, 2, "kept"), ClassRow(DOG, 20, 10, 2, "frozen"), ClassRow(DOOR, 7, 5, 1, "new"),
        ClassRow(open_images().find("Fish"), 0, 0, 0, "kept"),
    ]  # fmt: skip
    return ReportContent(
        "run <1>", [("data", "doors & <dogs>")], rows,
        evaluated(truth, cats, 50), evaluated(truth, cats + dogs, 50), files(folder, images),
    )  # fmt: skip


def written(folder: Path, content: ReportContent) -> str:
    (folder / LOG).write_text(json.dumps({"step": 1, "kind": "train", "phase": "head", "loss": 1}) + "\n")
    assert write_report(folder, content) == folder / REPORT
    return (folder / REPORT).read_text()


def cells(made: str) -> list[list[str]]:
    rows = [re.findall(r"<t[hd]>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", made)]
    return [[unescape(cell) for cell in row] for row in rows]


def test_classes_are_compared(tmp_path: Path) -> None:
    made = written(tmp_path, content(tmp_path))
    assert cells(made) == [
        ["class", "column", "train boxes", "validation boxes", "AP before", "AP after", "change", "95 %"],
        ["Cat", "kept", "1,500", "2", "1.000", "1.000", "+0.000", "[+0.000, +0.000]"],
        ["Dog", "frozen", "20", "2", "0.000", "1.000", "+1.000", "[+1.000, +1.000]"],
        ["<Door> & co.", "new", "7", "1", "0.000", "0.000", "+0.000", ""],
    ]
    assert re.search(
        r"<dt>validation mAP</dt><dd>0\.333 → 0\.667 \(\+0\.333 \[\+0\.\d+, \+0\.\d+\]\), Pascal VOC", made
    )
    assert "3 classes, 6 images" in made


def test_text_of_others_cannot_be_html(tmp_path: Path) -> None:
    made = written(tmp_path, content(tmp_path))
    for unsafe in ("<Door>", "<dogs>", "<1>", "& co"):
        assert unsafe not in made
    assert "<dt>data</dt><dd>doors &amp; &lt;dogs&gt;</dd>" in made
    assert "<title>run &lt;1&gt;</title>" in made


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    made = written(tmp_path, content(tmp_path))
    assert set(re.findall(r'(?:src|href)="(data:image/\w+;base64,)?', made)) == {
        "data:image/png;base64,", "data:image/jpeg;base64,",
    }  # fmt: skip
    assert not re.search(r"https?://|<script|@import|url\(", made)
    assert "default-src 'none'" in made


def test_images_are_shown_before_and_after_where_they_changed_most(tmp_path: Path) -> None:
    made = written(tmp_path, content(tmp_path))
    assert re.findall(r"<figcaption>(\d+)</figcaption>", made)[:2] == ["02", "03"]
    first = re.search(r'<figure class="row">(.*?)</figure>', made)[1]
    assert "before: 0 of 1 box found, 0 wrong" in first
    assert "after: 1 of 1 box found, 0 wrong" in first
    before, after = (
        Image.open(io.BytesIO(base64.b64decode(data))) for data in re.findall(r"jpeg;base64,([^\"]+)", first)
    )
    assert before.size == after.size == (640, 480)
    assert before.tobytes() != after.tobytes()


def test_evaluations_without_a_common_class_are_shown_side_by_side(tmp_path: Path) -> None:
    whole = content(tmp_path)
    before = replace(whole.before, results=[result for result in whole.before.results if result.item == CAT])
    after = replace(whole.after, results=[result for result in whole.after.results if result.item == DOG])
    made = written(tmp_path, replace(whole, before=before, after=after))
    assert cells(made)[1:3] == [
        ["Cat", "kept", "1,500", "2", "1.000", "–", "–", ""],
        ["Dog", "frozen", "20", "2", "–", "1.000", "–", ""],
    ]
    assert "1.000 → 1.000 (not comparable), Pascal VOC" in made


def test_a_run_without_images_or_detections_has_a_report(tmp_path: Path) -> None:
    whole = content(tmp_path)
    made = written(tmp_path, replace(whole, image_files={}, after=whole.before))
    assert "<figure" not in made
    assert "Images before" not in made


def test_evaluations_of_different_ground_truth_are_an_error(tmp_path: Path) -> None:
    whole = content(tmp_path)
    with pytest.raises(ArgumentError, match="differ in number of"):
        written(tmp_path, replace(whole, after=evaluated(annotations([("00", CAT)], ["00"]), [("00", CAT, BOX, 0.9)])))


def test_a_few_images_are_shown_that_became_worse(tmp_path: Path) -> None:
    images = [f"{number:02}" for number in range(40)]
    truth = annotations([(image, CAT) for image in images], images)
    found: list[Row] = [(image, CAT, BOX, 0.9) for image in images]
    image_files = files(tmp_path, images)
    pairs = list(image_pairs(evaluated(truth, found[20:]), evaluated(truth, found[:20]), image_files, 0.5))
    assert [pair.image_id for pair in pairs] == [*images[:9], *images[20:23]]
    pairs = list(image_pairs(evaluated(truth, found[5:]), evaluated(truth, found[:15]), image_files, 0.5))
    assert [pair.image_id for pair in pairs] == [*images[:5], *images[15:22]]
    pairs = list(image_pairs(evaluated(truth, found), evaluated(truth, found[1:]), image_files, 0.5))
    assert [pair.image_id for pair in pairs] == images[:12]


def test_unreadable_images_are_skipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    images = ["00", "01", "02", "03"]
    truth = annotations([(image, CAT) for image in images], images)
    image_files = files(tmp_path, images)
    image_files["00"].write_bytes(b"no image")
    del image_files["01"]
    one = evaluated(truth, [])
    assert [pair.image_id for pair in image_pairs(one, one, image_files, 0.5)] == ["02", "03"]
    assert len(caplog.messages) == 1


def test_detections_count_from_the_threshold_on(tmp_path: Path) -> None:
    truth = annotations([("00", CAT), ("00", DOG)], ["00"])
    rows: list[Row] = [
        ("00", CAT, BOX, 0.5), ("00", CAT, ELSEWHERE, 0.5), ("00", CAT, ELSEWHERE, 0.4), ("00", DOG, BOX, 0.4),
        ("00", DOOR, ELSEWHERE, 0.9),
    ]  # fmt: skip
    pair = next(image_pairs(evaluated(truth, []), evaluated(truth, rows), files(tmp_path, ["00"]), 0.5))
    assert (pair.boxes, pair.before.found, pair.before.wrong) == (2, 0, 0)
    assert (pair.after.found, pair.after.wrong) == (1, 1), "doors have no ground truth, so they are not measured"


def test_boxes_are_counted_as_they_were_annotated(tmp_path: Path) -> None:
    truth = replace(annotations([("00", CAT)], ["00"]), image_labels=no_image_labels())
    found = Predictions(Coded.of(["00"]), Coded.of([CAT.mid]), np.array([BOX]), np.array([0.9]))
    after = evaluate(truth, found, CHALLENGE.for_flags(truth.boxes.group_of), nameable=open_images(), resamples=0)
    assert len(after.data.truth_label) > 1, "a cat is a mammal too"
    pair = next(image_pairs(after, after, files(tmp_path, ["00"]), 0.5))
    assert (pair.boxes, pair.after.found) == (1, 1)


def test_the_threshold_is_that_of_the_best_f1() -> None:
    truth = annotations([("00", CAT), ("01", CAT)], ["00", "01"])
    rows: list[Row] = [("00", CAT, BOX, 0.9), ("01", CAT, BOX, 0.6), ("01", CAT, ELSEWHERE, 0.3)]
    assert score_threshold(evaluated(truth, rows)) == 0.6
    assert score_threshold(evaluated(truth, [])) == 0.5
