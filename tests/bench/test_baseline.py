"""The baseline: the same network with plain code around it."""

import numpy as np
from PIL import Image

import boxable
from boxable.bench.baseline import anchors_of, baseline_postprocess, baseline_preprocess
from boxable.detection import DEFAULT_MIN_SCORE
from boxable.images.sources import source_of
from boxable.runtimes import Concurrency, open_runtime
from boxable.weights.pull import open_model
from tests.conftest import EXAMPLES

CAT = EXAMPLES / "chelsea.png"


def test_the_baseline_post_processing_finds_the_same(detector: boxable.Detector) -> None:
    runtime = open_runtime("onnxruntime", open_model("ssd23"), "fp32", Concurrency(1))
    images = detector.network.preprocess(source_of(CAT).pixels())[None]
    heads = runtime.run("detector", {"images": images})
    codes, logits = heads["box_encodings"][0], heads["class_logits"][0]
    plain = baseline_postprocess(codes, logits, anchors_of(detector.network), DEFAULT_MIN_SCORE)
    ours = detector(CAT)
    names = [tuple(detector.classes)[column].name for _, column, _ in plain]
    assert names == ours.names.tolist()
    np.testing.assert_allclose([score for score, _, _ in plain], ours.scores, atol=1e-6)
    np.testing.assert_allclose([box for _, _, box in plain], ours.boxes, atol=1e-5)


def test_the_baseline_input_is_in_the_range_of_the_network() -> None:
    assert baseline_preprocess(Image.new("RGB", (7, 5), (255, 0, 0)), 3)[0, 1, 1].tolist() == [1.0, -1.0, -1.0]
