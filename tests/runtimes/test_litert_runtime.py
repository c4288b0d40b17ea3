"""LiteRT runs the same weights to the same detections."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

import boxable
from boxable.errors import MissingExtraError, WeightsError
from boxable.images.resize import network_input
from boxable.networks.onnx_graph import build_onnx
from boxable.networks.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.runtimes import Floats, Use, litert_runtime, open_runtime
from boxable.runtimes.litert_runtime import LiteRtRuntime
from boxable.runtimes.onnx_runtime import OnnxRuntime
from boxable.vocabulary import ClassList, ObjectClass
from boxable.weights.model import Description
from boxable.weights.pull import graph_of
from tests.conftest import EXAMPLES, Command
from tests.networks.conftest import random_weights

PHOTOS = [str(EXAMPLES / name) for name in ("astronaut.png", "chelsea.png", "coffee.png")]


@pytest.fixture(scope="module")
def images() -> Floats:
    """The example photos, as the network gets them."""
    return np.stack([network_input(np.asarray(Image.open(photo).convert("RGB")), 300) for photo in PHOTOS])


def test_without_litert_the_error_names_the_extra(detector: boxable.Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(MissingExtraError, match=r"boxable\[litert\]"):
        boxable.load("ssd23", runtime="litert")


@pytest.mark.optional
@pytest.mark.parametrize("batch", [1, 2, 5])
def test_the_heads_are_those_of_onnx_runtime(detector: boxable.Detector, images: Floats, batch: int) -> None:
    graph = graph_of("ssd23", int8=False)
    other, default = (
        open_runtime(kind, graph, "ssd23", "fp32", Use(2, 1, batch)) for kind in ("litert", "onnxruntime")
    )
    assert other.metadata == default.metadata
    shapes = {"images": [300, 300, 3], "box_encodings": [1917, 4], "class_logits": [1917, 24]}
    assert other.shapes == {name: [batch, *shape] for name, shape in shapes.items()}
    codes, logits = default.run(images)
    found_codes, found_logits = other.run(images)
    np.testing.assert_allclose(found_codes, codes, rtol=0, atol=1e-3)
    np.testing.assert_allclose(found_logits, logits, rtol=0, atol=1e-4)


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
    runtime = LiteRtRuntime(graph_of("ssd23", int8=False), "ssd23", threads=1)
    expected = [runtime.run(image[None])[1] for image in images]
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda number: runtime.run(images[number % 3][None])[1], range(24))
        for number, logits in enumerate(found):
            np.testing.assert_array_equal(logits, expected[number % 3])


@pytest.mark.optional
def test_any_number_of_classes_can_be_run(images: Floats) -> None:
    network = ssd_mobilenet_v2(2)
    classes = ClassList([ObjectClass(1, "/m/1", "One"), ObjectClass(2, "/m/2", "Two")])
    graph = build_onnx(network, random_weights(network), Description("two", network, classes).to_metadata())
    found, expected = LiteRtRuntime(graph, "two", 1).run(images), OnnxRuntime(graph, "two", 1).run(images)
    for values, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(values, other, rtol=0, atol=1e-3)


@pytest.mark.optional
def test_a_graph_whose_classes_are_not_those_it_names_is_refused() -> None:
    network = ssd_mobilenet_v2(2)
    classes = ClassList([ObjectClass(1, "/m/1", "One")])
    graph = build_onnx(network, random_weights(network), Description("two", network, classes).to_metadata())
    with pytest.raises(WeightsError, match=r"^two: LiteRT cannot read this graph"):
        LiteRtRuntime(graph, "two", 1)


@pytest.mark.optional
def test_the_command_says_no_more_than_with_another_runtime(detector: boxable.Detector, command: Command) -> None:
    done = command("detect", PHOTOS[1], "--model", "ssd23", "--runtime", "litert")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b'"name": "Cat"' in done.stdout


def test_stderr_loses_nothing_but_the_notice(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(litert_runtime, "_noticed", threading.Event())
    with litert_runtime._without_notice():
        os.write(2, b"before\nINFO: Created TensorFlow Lite XNNPACK delegate for CPU.\nafter\n")
        assert capfd.readouterr().err == ""
    assert capfd.readouterr().err == "before\nafter\n"
