"""The crown tests: on all recorded images the numbers are those of the original."""

import json
import lzma
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

import boxable
from boxable.images.decode import decode
from boxable.networks.anchors import ssd_anchors
from boxable.networks.architectures.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.networks.heads.nms import multiclass_nms, postprocess
from boxable.networks.heads.rules import PostprocessRules
from tests.conftest import EXAMPLES
from tests.networks.conftest import run_onnx
from tests.parity import record
from tests.parity.conftest import PHOTOS, Photo, Recorded, open_photo, pixels_of
from tests.parity.formula_weights import formula_weights
from tests.parity.same_set import Found, excused_differences

ANCHORS = ssd_anchors((19, 10, 5, 3, 2, 1))


def heads_of(recorded: Recorded, photo: Photo) -> tuple[np.ndarray, np.ndarray]:
    codes, logits = run_onnx(recorded.onnx, recorded.detector.network.preprocess(photo.pixels)[None])
    return codes[0], logits[0]


def test_the_network_input_is_the_recorded_one(photo: Photo) -> None:
    values = ssd_mobilenet_v2(601).preprocess(photo.pixels).ravel()[::37][:: record.STEP["input"]]
    error = np.abs(values - photo.recorded["formula601"]["input"]).max()
    print(f"{photo.name}: within {error:.1e}")
    # The recording scales before it resizes; the two orders differ by rounding only.
    assert error <= 3e-7


def test_raw_heads_equal_the_recorded_ones(recorded: Recorded, photo: Photo) -> None:
    codes, logits = heads_of(recorded, photo)
    theirs = photo.recorded[recorded.name]
    step = -(-logits.shape[1] // theirs["class_logits"].shape[1])  # of the classes that were recorded
    codes_error = np.abs(codes[theirs["anchors"]] - theirs["box_encodings"]).max()
    logits_error = np.abs(logits[theirs["anchors"], ::step] - theirs["class_logits"]).max()
    print(f"{photo.name}: box codes within {codes_error:.1e}, logits within {logits_error:.1e}")
    assert codes_error <= recorded.codes_tolerance
    assert logits_error <= recorded.logits_tolerance


def test_final_detections_are_the_recorded_set_anchor_by_anchor(recorded: Recorded, photo: Photo) -> None:
    kept = postprocess(*heads_of(recorded, photo), ANCHORS, PostprocessRules())
    ours, theirs = Found(kept.columns, kept.scores, kept.boxes, kept.anchors), photo.detections(recorded.name)
    assert len(theirs.scores) == 100
    excused = excused_differences(ours, theirs)
    print(f"{photo.name}: {len(theirs.scores)} detections, {len(excused)} excused differences {excused}")


def test_the_detector_finds_the_recorded_set_in_a_file(recorded: Recorded, photo: Photo, tmp_path: Path) -> None:
    Image.fromarray(photo.pixels).save(tmp_path / "photo.png")
    found = recorded.detector(tmp_path / "photo.png", min_score=0)
    columns = np.array([recorded.detector.classes.column(recorded.detector.classes.find(mid)) for mid in found.mids])
    theirs = photo.detections(recorded.name)
    ours = Found(columns, found.scores, found.boxes)
    excused = excused_differences(ours, Found(theirs.classes, theirs.scores, theirs.boxes))
    print(f"{photo.name}: {len(excused)} excused differences {excused}")


def test_the_contract_call_gives_the_recorded_set(recorded: Recorded, photo: Photo) -> None:
    ours = recorded.detector((photo.pixels * np.float32(1 / 255))[None], as_dict=True)
    theirs = photo.detections(recorded.name)
    label_ids = np.array([recorded.detector.classes[column].label_id for column in theirs.classes])
    excused = excused_differences(
        Found(ours["detection_class_labels"], ours["detection_scores"], ours["detection_boxes"]),
        Found(label_ids, theirs.scores, theirs.boxes),
    )
    print(f"{photo.name}: {len(excused)} excused differences {excused}")


def test_the_contract_call_gives_the_strings_that_the_hub_module_gave(recorded: Recorded, reference: Path) -> None:
    arrays = np.load(reference / "hub" / f"outputs_{recorded.name}.npz", allow_pickle=True)
    for name in PHOTOS:
        ours = recorded.detector((open_photo(name).pixels * np.float32(1 / 255))[None], as_dict=True)
        for key in ("detection_class_names", "detection_class_entities"):
            theirs = arrays[f"{name}/{key}"].tolist()
            assert sorted(text.encode() for text in ours[key].tolist()) == sorted(theirs), (name, key)


def test_the_weights_of_the_formula_are_those_of_the_recording() -> None:
    checksum = 0
    for values in formula_weights(ssd_mobilenet_v2(601).variables).values():
        checksum = zlib.crc32(values.tobytes(), checksum)
    assert checksum == 4216855315


def test_the_recording_is_cut_from_that_of_the_original(reference: Path) -> None:
    with np.load(record.RECORDING) as arrays:
        expected = record.cut(reference)
        assert set(arrays) == set(expected)
        assert all(np.array_equal(arrays[name], expected[name]) for name in arrays)
    assert lzma.decompress(record.NMS_CASES.read_bytes()) == (reference / "nms" / "nms_cases.json").read_bytes()


def test_all_recorded_nms_cases_hold_exactly() -> None:
    cases = json.loads(lzma.decompress(record.NMS_CASES.read_bytes()))["cases"]
    assert len(cases) == 50
    for case in cases:
        parameters, expected = case["params"], case["expected"]
        boxes = np.array(case["boxes"], np.float64).astype(np.float32).reshape(-1, 4)
        rules = PostprocessRules(
            score_threshold=parameters["score_threshold"], iou_threshold=parameters["iou_threshold"],
            max_per_class=parameters["max_detections_per_class"], max_detections=parameters["max_total_detections"],
            clip_window=tuple(parameters["clip_window"]) if parameters["clip_window"] else None,
        )  # fmt: skip
        kept = multiclass_nms(
            lambda rows, columns, boxes=boxes: boxes[rows], scores_of(case), rules,
            to_scores=lambda scores: scores, to_value=float,
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


def test_the_same_set_comes_in_every_batch_size(real23: Recorded) -> None:
    pictures = [open_photo(name).pixels for name in record.PHOTOS]
    alone = [real23.detector(picture, min_score=0) for picture in pictures]
    for batch_size in (2, 3, 5):
        together = boxable.load("ssd23", batch_size=batch_size)(pictures, min_score=0)
        for one, batched in zip(alone, together, strict=True):
            assert np.array_equal(one.label_ids, batched.label_ids)
            np.testing.assert_allclose(one.scores, batched.scores, atol=1e-6)
            np.testing.assert_allclose(one.boxes, batched.boxes, atol=1e-6)


def test_a_jpeg_and_pillow_agree_on_the_pixels(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    with Image.open(EXAMPLES / "chelsea.png") as image:
        image.save(path, quality=90)
    assert np.array_equal(decode(path.read_bytes(), "photo.jpg"), pixels_of(path))
