"""The crown tests: on all recorded images the numbers are those of the original."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import boxable
from boxable.networks.anchors import ssd_anchors
from boxable.networks.heads.nms import multiclass_nms, postprocess
from boxable.networks.heads.rules import PostprocessRules
from tests.networks.conftest import run_onnx
from tests.parity.conftest import PHOTOS, Recorded, pixels_of
from tests.parity.same_set import Found, excused_differences

ANCHORS = ssd_anchors((19, 10, 5, 3, 2, 1))


def recorded_detections(recorded: Recorded, photo: str) -> Found:
    arrays = np.load(recorded.folder / "detections.npz")
    names = ("classes", "scores", "boxes", "anchor_indices")
    return Found(*(arrays[f"{photo}/{name}"] for name in names))


def heads_of(recorded: Recorded, reference: Path, photo: str) -> tuple[np.ndarray, np.ndarray]:
    codes, logits = run_onnx(recorded.onnx, recorded.detector.network.preprocess(pixels_of(reference, photo))[None])
    return codes[0], logits[0]


def test_raw_heads_equal_the_recorded_ones(recorded: Recorded, reference: Path, photo: str) -> None:
    codes, logits = heads_of(recorded, reference, photo)
    full, sampled = np.load(recorded.folder / "heads_full.npz"), np.load(recorded.folder / "heads_sampled.npz")
    is_full = f"{photo}/box_encodings" in full
    arrays, rows = (full, np.arange(1917)) if is_full else (sampled, sampled["anchor_rows"])
    codes_error = np.abs(codes[rows] - arrays[f"{photo}/box_encodings"]).max()
    logits_error = np.abs(logits[rows] - arrays[f"{photo}/class_logits"]).max()
    print(f"{photo}: box codes within {codes_error:.1e}, logits within {logits_error:.1e}")
    assert codes_error <= recorded.codes_tolerance
    assert logits_error <= recorded.logits_tolerance


def test_final_detections_are_the_recorded_set_anchor_by_anchor(
    recorded: Recorded, reference: Path, photo: str
) -> None:
    kept = postprocess(*heads_of(recorded, reference, photo), ANCHORS, PostprocessRules())
    ours = Found(kept.columns, kept.scores, kept.boxes, kept.anchors)
    excused = excused_differences(ours, recorded_detections(recorded, photo))
    print(f"{photo}: {len(excused)} excused differences {excused}")


def test_the_detector_finds_the_recorded_set_in_a_file(recorded: Recorded, reference: Path, photo: str) -> None:
    found = recorded.detector(reference / "photos" / f"{photo}.png", min_score=0)
    columns = np.array([recorded.detector.classes.column(recorded.detector.classes.find(mid)) for mid in found.mids])
    theirs = recorded_detections(recorded, photo)
    ours = Found(columns, found.scores, found.boxes)
    print(f"{photo}: excused {excused_differences(ours, Found(theirs.classes, theirs.scores, theirs.boxes))}")


@pytest.mark.parametrize("network", ["real23", "formula601"])
def test_the_contract_call_gives_what_the_hub_module_gave(
    network: str, reference: Path, photo: str, request: pytest.FixtureRequest
) -> None:
    recorded: Recorded = request.getfixturevalue(network)
    arrays = np.load(reference / "hub" / f"outputs_{network}.npz", allow_pickle=True)
    image = pixels_of(reference, photo) * np.float32(1 / 255)
    ours = recorded.detector(image[None], as_dict=True)
    theirs = {name: arrays[f"{photo}/{name}"] for name in ours}
    classes = recorded.detector.classes
    # The modules of the 23 classes number them 1 to 23; Boxable keeps the Open Images ids.
    label_ids = np.array([classes[column - 1].label_id for column in theirs["detection_class_labels"]])
    excused = excused_differences(
        Found(ours["detection_class_labels"], ours["detection_scores"], ours["detection_boxes"]),
        Found(label_ids, theirs["detection_scores"], theirs["detection_boxes"]),
    )
    print(f"{photo}: excused {excused}")
    if not excused and np.array_equal(ours["detection_class_labels"], label_ids):
        for name in ("detection_class_names", "detection_class_entities"):
            assert [text.encode() for text in ours[name].tolist()] == theirs[name].tolist()


def test_all_recorded_nms_cases_hold_exactly(reference: Path) -> None:
    cases = json.loads((reference / "nms" / "nms_cases.json").read_text())["cases"]
    assert len(cases) >= 50
    for case in cases:
        parameters, expected = case["params"], case["expected"]
        boxes = np.array(case["boxes"], np.float64).astype(np.float32).reshape(-1, 4)
        rules = PostprocessRules(
            score_threshold=parameters["score_threshold"], iou_threshold=parameters["iou_threshold"],
            max_per_class=parameters["max_detections_per_class"], max_detections=parameters["max_total_detections"],
            clip_window=tuple(parameters["clip_window"]) if parameters["clip_window"] else None,
        )  # fmt: skip
        kept = multiclass_nms(
            boxes.__getitem__, scores_of(case), rules, to_scores=lambda scores: scores, to_value=float,
        )  # fmt: skip
        valid = expected["valid"]
        assert kept.anchors.tolist() == expected["input_rows"][:valid], case["name"]
        assert kept.columns.tolist() == expected["classes"][:valid], case["name"]
        assert np.array_equal(kept.scores, np.array(expected["scores"][:valid]).astype(np.float32)), case["name"]
        assert np.array_equal(kept.boxes, np.array(expected["boxes"][:valid]).astype(np.float32).reshape(-1, 4)), case[
            "name"
        ]


def scores_of(case: dict) -> np.ndarray:
    if "scores" in case:
        return np.array(case["scores"], np.float64).astype(np.float32)
    sparse = case["scores_sparse"]
    scores = np.full(sparse["shape"], sparse["default"], np.float32)
    for row, column, score in sparse["entries"]:
        scores[row, column] = np.float32(score)
    return scores


def test_the_same_set_comes_in_every_batch_size(real23: Recorded, reference: Path) -> None:
    pictures = [str(reference / "photos" / f"{photo}.png") for photo in PHOTOS]
    alone = [real23.detector(picture, min_score=0) for picture in pictures]
    for batch_size in (2, 5, 12):
        together = boxable.load("ssd23", batch_size=batch_size)(pictures, min_score=0)
        for one, batched in zip(alone, together, strict=True):
            assert np.array_equal(one.label_ids, batched.label_ids)
            np.testing.assert_allclose(one.scores, batched.scores, atol=1e-6)
            np.testing.assert_allclose(one.boxes, batched.boxes, atol=1e-6)


def test_a_jpeg_and_pillow_agree_on_the_pixels(tmp_path: Path, reference: Path) -> None:
    path = tmp_path / "photo.jpg"
    with Image.open(reference / "photos" / "chelsea.png") as image:
        image.save(path, quality=90)
    from boxable.images.decode import decode

    with Image.open(path) as image:
        assert np.array_equal(decode(path.read_bytes(), "photo.jpg"), np.asarray(image))
