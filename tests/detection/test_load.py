"""Opening a model: which runtime and precision it gets, and what else it is told."""

import logging
import sys
from pathlib import Path

import pytest

import boxable
from boxable.detection import load as loading
from boxable.errors import ArgumentError, MissingExtraError, WeightsError
from boxable.runtimes.choice import Choice


def fix_choices(monkeypatch: pytest.MonkeyPatch, *choices: Choice) -> None:
    monkeypatch.setattr(loading, "choices", lambda *_, **__: list(choices))


def test_a_runtime_that_does_not_open_is_skipped_with_a_line_on_the_log(
    ssd23_weights: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    fix_choices(monkeypatch, ("openvino", "fp32"), ("onnxruntime", "fp32"))
    with caplog.at_level(logging.WARNING, logger="boxable"):
        detector = boxable.load("ssd23", runtime="auto")
    assert (detector.runtime, detector.precision) == ("onnxruntime", "fp32")
    assert "openvino/fp32 is skipped" in caplog.text
    fix_choices(monkeypatch, ("openvino", "fp32"))
    with pytest.raises(MissingExtraError):
        boxable.load("ssd23", runtime="auto")


def test_int8_is_no_choice_for_a_model_that_is_not_calibrated(
    ssd23_weights: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = boxable.Model.from_bytes(ssd23_weights.read_bytes(), "ssd23")
    assert boxable.load(model, runtime="onnxruntime", precision="fastest").precision == "fp32"
    assert "int8 is skipped" in caplog.text
    with pytest.raises(WeightsError, match="no calibration for int8"):
        boxable.load(model, precision="int8")


@pytest.mark.parametrize("options", [{"threads": 0}, {"batch_size": 0}, {"batch_size": -8}, {"decode": "quick"}])
def test_unusable_options_are_refused(ssd23_weights: Path, options: dict) -> None:
    with pytest.raises(
        ArgumentError, match=f"^{next(iter(options))}: expected .*, got {next(iter(options.values()))!r}"
    ):
        boxable.load("ssd23", **options)
