"""Parity on the three example images, from numbers that travel with the tests."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import boxable
from boxable.networks.architectures.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.weights.pull import open_model
from tests.conftest import EXAMPLES
from tests.networks.conftest import run_onnx
from tests.parity.same_set import Found, excused_differences

RECORDED = json.loads((Path(__file__).parent / "examples.json").read_text())["photos"]


@pytest.fixture(params=sorted(RECORDED))
def example(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_network_input_is_the_recorded_one(example: str) -> None:
    with Image.open(EXAMPLES / f"{example}.png") as image:
        values = ssd_mobilenet_v2(23).preprocess(np.asarray(image.convert("RGB")))
    # The recording scales before it resizes; the two orders differ by rounding only.
    np.testing.assert_allclose(values.ravel()[::37][::270], RECORDED[example]["input"], rtol=0, atol=3e-7)


def test_the_raw_heads_are_the_recorded_ones(example: str, ssd23_weights: Path) -> None:
    with Image.open(EXAMPLES / f"{example}.png") as image:
        values = ssd_mobilenet_v2(23).preprocess(np.asarray(image.convert("RGB")))
    codes, logits = run_onnx(open_model("ssd23").onnx("detector", "fp32"), values[None])
    np.testing.assert_allclose(codes[0, ::191], RECORDED[example]["codes"], rtol=0, atol=5e-4)
    np.testing.assert_allclose(logits[0, ::191], RECORDED[example]["logits"], rtol=0, atol=3e-4)


def test_the_detections_are_the_recorded_set(example: str, detector: boxable.Detector) -> None:
    found = detector(EXAMPLES / f"{example}.png", min_score=0)
    recorded = RECORDED[example]
    classes = np.array([detector.classes.find(mid).label_id for mid in recorded["mids"]])
    theirs = Found(classes, np.array(recorded["scores"], np.float32), np.array(recorded["boxes"], np.float32))
    print(excused_differences(Found(found.label_ids, found.scores, found.boxes), theirs))
