"""LiteRT runs the same weights to the same detections."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

import boxable
from boxable.arrays import Floats
from boxable.errors import MissingExtraError, WeightsError
from boxable.networks.architectures.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.networks.calibration import Calibration
from boxable.runtimes import Concurrency, open_runtime
from boxable.runtimes.litert_runtime import LiteRtRuntime
from boxable.weights.compiled import compiled_from
from boxable.weights.pull import open_model
from tests.conftest import EXAMPLES, Command

PHOTOS = [str(EXAMPLES / name) for name in ("astronaut.png", "chelsea.png", "coffee.png")]


@pytest.fixture(scope="module")
def images() -> Floats:
    """The example images, as the network gets them."""
    return np.stack([ssd_mobilenet_v2(1).preprocess(np.asarray(Image.open(photo).convert("RGB"))) for photo in PHOTOS])


def test_without_litert_the_error_names_the_extra(detector: boxable.Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(MissingExtraError, match=r"boxable\[litert\]"):
        boxable.load("ssd23", runtime="litert")


@pytest.mark.optional
@pytest.mark.parametrize("batch", [1, 2, 5])
def test_the_heads_are_those_of_onnx_runtime(detector: boxable.Detector, images: Floats, batch: int) -> None:
    other, default = (
        open_runtime(name, open_model("ssd23"), "fp32", Concurrency(2, 1, batch)) for name in ("litert", "onnxruntime")
    )
    expected = default.run("detector", {"images": images})
    found = other.run("detector", {"images": images})
    assert list(found) == list(expected) == ["box_encodings", "class_logits"]
    np.testing.assert_allclose(found["box_encodings"], expected["box_encodings"], rtol=0, atol=1e-3)
    np.testing.assert_allclose(found["class_logits"], expected["class_logits"], rtol=0, atol=1e-4)


@pytest.mark.optional
@pytest.mark.parametrize("classes", [None, "Person,Cat"])
@pytest.mark.parametrize("photo", PHOTOS)
def test_litert_finds_the_same(detector: boxable.Detector, photo: str, classes: str | None) -> None:
    other = boxable.load("ssd23", runtime="litert", classes=classes)
    found, expected = other(photo, min_score=0.1), detector(photo, min_score=0.1, classes=classes)
    assert found.mids.tolist() == expected.mids.tolist()
    np.testing.assert_allclose(found.scores, expected.scores, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found.boxes, expected.boxes, rtol=0, atol=1e-5)


@pytest.mark.optional
def test_litert_detects_in_many_pictures_in_order(detector: boxable.Detector) -> None:
    other = boxable.load("ssd23", runtime="litert", threads=2)
    assert [found[0].name for found in other(PHOTOS * 4)] == ["Person", "Cat", "Coffee cup"] * 4


@pytest.mark.optional
def test_many_threads_may_run_it_at_once(detector: boxable.Detector, images: Floats) -> None:
    runtime = LiteRtRuntime(open_model("ssd23"), "fp32", Concurrency(1))

    def logits(number: int) -> Floats:
        return runtime.run("detector", {"images": images[number % 3][None]})["class_logits"]

    expected = [logits(number) for number in range(3)]
    with ThreadPoolExecutor(4) as pool:
        for number, found in enumerate(pool.map(logits, range(24))):
            np.testing.assert_array_equal(found, expected[number % 3])


@pytest.mark.optional
def test_the_command_says_no_more_than_with_another_runtime(detector: boxable.Detector, command: Command) -> None:
    done = command("detect", PHOTOS[1], "--model", "ssd23", "--runtime", "litert")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b'"name": "Cat"' in done.stdout


@pytest.mark.optional
@pytest.mark.parametrize("batch", [1, 2])
def test_the_heads_in_int8_are_near_those_in_float32(detector: boxable.Detector, images: Floats, batch: int) -> None:
    float32, int8 = (
        open_runtime("litert", open_model("ssd23"), precision, Concurrency(1, 1, batch)).run(
            "detector", {"images": images}
        )
        for precision in ("fp32", "int8")
    )
    assert 0 < np.abs(int8["class_logits"] - float32["class_logits"]).mean() < 0.08
    assert 0 < np.abs(int8["box_encodings"] - float32["box_encodings"]).mean() < 0.1


@pytest.mark.optional
@pytest.mark.parametrize("classes", [None, "Person,Cat"])
def test_litert_finds_in_int8_what_it_finds_in_float32(detector: boxable.Detector, classes: str | None) -> None:
    other = boxable.load("ssd23", runtime="litert", precision="int8", classes=classes)
    assert (other.runtime, other.precision) == ("litert", "int8")
    for photo, name in zip(PHOTOS[:2], ("Person", "Cat"), strict=True):
        best, expected = other(photo)[0], detector(photo)[0]
        assert best.name == expected.name == name
        assert best.score == pytest.approx(expected.score, abs=0.1)


@pytest.mark.optional
def test_a_calibration_that_lacks_a_range_says_what_to_do(detector: boxable.Detector) -> None:
    compiled = open_model("ssd23")
    whole = compiled.calibration()
    ranges = {name: bounds for name, bounds in whole.ranges.items() if not name.startswith("BoxPredictor")}
    old = compiled_from(compiled.model(), Calibration(whole.factors, ranges, whole.means))
    with pytest.raises(WeightsError, match="of an older version of Boxable; run `boxable quantize` again"):
        LiteRtRuntime(old, "int8", Concurrency(1))
