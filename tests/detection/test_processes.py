"""A Detector in other processes: pickled, forked, and ended."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import boxable
from boxable.errors import WeightsError
from boxable.weights.pull import read_weights
from tests.conftest import EXAMPLES, ROOT

CAT = EXAMPLES / "chelsea.png"


def run(method: str, runtime: str, before: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.detection.process_program", method, runtime, before],
        capture_output=True, text=True, cwd=ROOT, timeout=150,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


@forking
@pytest.mark.parametrize("before", ["new", "used"])
def test_forked_processes_detect_and_end(before: str, ssd23_weights: Path) -> None:
    run("fork", "onnxruntime", before)


def test_spawned_processes_open_the_model_again(ssd23_weights: Path) -> None:
    run("spawn", "onnxruntime", "new")


@forking
@pytest.mark.optional
@pytest.mark.parametrize("runtime", ["openvino", "litert", "torch"])
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_other_runtimes_do_so_too(method: str, runtime: str, ssd23_weights: Path) -> None:
    run(method, runtime, "used")


def test_a_pickled_detector_is_the_same(ssd23_weights: Path) -> None:
    detector = boxable.load("ssd23", threads=1, batch_size=3, decode="fast", classes="Cat,Dog")
    content = pickle.dumps(detector)
    again = pickle.loads(content)
    assert len(content) < 2000
    assert (again.handle, again.classes, again.fingerprint) == (detector.handle, detector.classes, detector.fingerprint)
    assert np.array_equal(again(CAT).scores, detector(CAT).scores)


@pytest.mark.parametrize("suffix", [".safetensors", ".onnx"])
def test_a_detector_of_a_file_or_a_model_is_opened_again(suffix: str, ssd23_weights: Path, tmp_path: Path) -> None:
    model, _ = read_weights("ssd23")
    path = tmp_path / f"model{suffix}"
    if suffix == ".onnx":
        path.write_bytes(boxable.load("ssd23")._compiled.onnx("detector", "fp32"))
    else:
        model.save(path)
    for detector in (boxable.load(path), boxable.load(model)):
        again = pickle.loads(pickle.dumps(detector))
        assert np.array_equal(again(CAT).scores, detector(CAT).scores)


def test_a_model_that_has_changed_is_an_error(ssd23_weights: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    boxable_model, _ = read_weights("ssd23")
    boxable_model.save(path)
    content = pickle.dumps(boxable.load(path))
    name = next(iter(boxable_model.weights))
    boxable_model.weights[name][...] += 1  # type: ignore[index]
    boxable_model.save(path)
    with pytest.raises(WeightsError, match=r"model\.safetensors: the model has changed since"):
        pickle.loads(content)
    path.unlink()
    with pytest.raises(WeightsError, match=r"model\.safetensors: no such file"):
        pickle.loads(content)
