"""Which runtimes and precisions there are, and how one is chosen."""

import logging
import sys
from pathlib import Path
from typing import get_args

import click
import pytest

import boxable
from boxable.cli.detect import detect
from boxable.detection import fastest as trial
from boxable.detection import load as loading
from boxable.detection.fastest import Choice, fastest
from boxable.errors import ArgumentError, MissingExtraError
from boxable.runtimes import PrecisionChoice, Runtime, RuntimeChoice
from boxable.weights.pull import graph_of

CHOICES: list[Choice] = [("onnxruntime", "fp32"), ("onnxruntime", "int8")]


def names(alias: object) -> set[str]:
    return {value for part in get_args(alias) for value in get_args(part)}


@pytest.mark.parametrize(("option", "alias"), [("precision", PrecisionChoice), ("runtime", RuntimeChoice)])
def test_the_command_offers_what_load_takes(option: str, alias: object) -> None:
    found = next(item for item in detect.params if item.name == option)
    assert isinstance(found.type, click.Choice)
    assert set(found.type.choices) == names(alias)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"precision": "int4"}, "precision='int4' came; expected one of fp32, fp16, bf16, int8, fastest"),
        ({"precision": "int4", "runtime": "auto"}, "precision='int4' came"),
        ({"precision": "bf16"}, "precision='bf16' came for runtime='onnxruntime'; it needs runtime='openvino'"),
        ({"runtime": "tensorrt"}, "runtime='tensorrt' came; expected one of onnxruntime, openvino, .*, auto"),
        ({"runtime": "directml"}, "no DmlExecutionProvider, only .*CPUExecutionProvider"),
    ],
)
def test_what_does_not_exist_or_is_not_here_is_an_error(
    detector: boxable.Detector, options: dict[str, str], says: str
) -> None:
    with pytest.raises(ArgumentError, match=says):
        boxable.load("ssd23", **options)


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[Choice, float]:
    """What the trial will find, in a home of its own."""
    found = {CHOICES[0]: 1.0, CHOICES[1]: 0.5}

    def times(opened: dict[Choice, Runtime]) -> dict[Choice, float]:
        assert list(opened) == CHOICES
        return found

    monkeypatch.setenv("BOXABLE_HOME", str(tmp_path))
    monkeypatch.setattr(trial, "_times", times)
    monkeypatch.setattr(trial, "open_runtime", lambda *_: None)
    return found


def choose(threads: int = 2) -> Choice:
    return fastest(CHOICES, lambda precision: precision.encode(), "mine", threads)


def test_the_fastest_is_chosen_and_the_log_says_what_was_measured(
    seconds: dict[Choice, float], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="boxable"):
        assert choose() == ("onnxruntime", "int8")
    assert "using onnxruntime/int8 (onnxruntime/fp32 1000.0 ms, onnxruntime/int8 500.0 ms)" in caplog.text


def test_chance_does_not_decide(seconds: dict[Choice, float]) -> None:
    seconds[CHOICES[1]] = 0.97
    assert choose() == CHOICES[0]


def test_a_choice_is_remembered_for_the_same_threads(seconds: dict[Choice, float]) -> None:
    assert choose() == CHOICES[1]
    seconds[CHOICES[1]] = 2.0
    assert choose() == CHOICES[1]
    assert choose(threads=1) == CHOICES[0]


@pytest.mark.parametrize("damage", [b"", b"[1, 2]", b'["onnxruntime", "fp16"]', b"\xff"])
def test_a_damaged_memory_is_a_new_trial(seconds: dict[Choice, float], tmp_path: Path, damage: bytes) -> None:
    choose()
    (file,) = (tmp_path / "trials").iterdir()
    file.write_bytes(damage)
    seconds[CHOICES[1]] = 2.0
    assert choose() == CHOICES[0]


def test_a_home_that_cannot_be_written_costs_a_trial_each_time(
    seconds: dict[Choice, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("BOXABLE_HOME", str(tmp_path / "file"))
    assert choose() == choose() == CHOICES[1]


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[Choice]:
    """What `load` gives to the trial, of which it takes the last."""
    given: list[Choice] = []

    def fake(choices: list[Choice], *_: object) -> Choice:
        given.extend(choices)
        return choices[-1]

    monkeypatch.setattr(loading, "fastest", fake)
    return given


def test_fastest_tries_what_the_model_has(detector: boxable.Detector, tried: list[Choice]) -> None:
    assert boxable.load("ssd23", precision="fastest", runtime="onnxruntime").precision == "int8"
    assert tried == CHOICES


def test_int8_is_not_tried_where_nobody_calibrated_the_model_and_the_log_says_so(
    detector: boxable.Detector, tried: list[Choice], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    graph = tmp_path / "mine.onnx"
    graph.write_bytes(graph_of("ssd23"))
    assert boxable.load(graph, precision="fastest").precision == "fp32"
    assert tried == CHOICES[:1]
    assert "int8 is left out" in caplog.text


def test_a_runtime_that_cannot_be_opened_is_left_out_of_the_trial(
    detector: boxable.Detector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    graph = graph_of("ssd23")
    monkeypatch.setenv("BOXABLE_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "openvino", None)
    choices: list[Choice] = [("openvino", "fp32"), ("onnxruntime", "fp32")]
    assert fastest(choices, lambda _: graph, "mine", 1) == ("onnxruntime", "fp32")
    assert "openvino/fp32 is left out" in caplog.text
    with pytest.raises(MissingExtraError):
        fastest([choices[0], ("openvino", "bf16")], lambda _: graph, "mine", 1)
