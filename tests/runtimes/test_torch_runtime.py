"""torch runs the same graphs to the same heads and detections."""

import sys

import numpy as np
import pytest

import boxable
from boxable.errors import ArgumentError, MissingExtraError
from boxable.runtimes import Concurrency, open_runtime
from boxable.weights.pull import open_model
from tests.conftest import EXAMPLES

PHOTOS = [str(EXAMPLES / name) for name in ("astronaut.png", "chelsea.png", "coffee.png")]


def test_without_torch_the_error_names_the_extra(detector: boxable.Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"boxable\[torch\]"):
        boxable.load("ssd23", runtime="torch")


@pytest.mark.parametrize(
    ("runtime", "precision"),
    [("torch", "bf16"), ("torch", "int8"), ("onnxruntime", "fp16"), ("openvino", "fp16")],
)
def test_precisions_that_a_runtime_lacks_are_refused(detector: boxable.Detector, runtime: str, precision: str) -> None:
    with pytest.raises(ArgumentError, match=f"precision='{precision}': expected runtime=.*, got '{runtime}'"):
        boxable.load("ssd23", runtime=runtime, precision=precision)


@pytest.mark.optional
def test_half_precision_needs_a_gpu(detector: boxable.Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ArgumentError, match="expected a CUDA GPU that torch sees, got none"):
        boxable.load("ssd23", runtime="torch", precision="fp16")


@pytest.mark.optional
def test_heads_are_those_of_onnx_runtime_and_the_process_keeps_its_threads(detector: boxable.Detector) -> None:
    import torch

    before = torch.get_num_threads()
    images = np.random.default_rng(0).uniform(-1, 1, (2, 300, 300, 3)).astype(np.float32)
    ours, theirs = (
        open_runtime(name, open_model("ssd23"), "fp32", Concurrency(before + 1)).run("detector", {"images": images})
        for name in ("torch", "onnxruntime")
    )
    assert torch.get_num_threads() == before
    for name, expected in theirs.items():
        assert ours[name].dtype == np.float32
        np.testing.assert_allclose(ours[name], expected, rtol=0, atol=2e-4)


@pytest.mark.optional
def test_torch_finds_the_same(detector: boxable.Detector) -> None:
    other = boxable.load("ssd23", runtime="torch")
    assert other.handle == detector.handle
    assert other.fingerprint != detector.fingerprint
    for found, expected in zip(other(PHOTOS, min_score=0.05), detector(PHOTOS, min_score=0.05), strict=True):
        assert len(found) == len(expected) > 3
        assert found.mids.tolist() == expected.mids.tolist()
        np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)
        np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-4)
