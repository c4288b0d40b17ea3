"""`boxable doctor`."""

import re
import tomllib
from pathlib import Path

import pytest

from boxable.doctor import installation
from boxable.runtimes.measured import SPEEDS
from tests.cli.conftest import Invoke
from tests.conftest import ROOT, Command


def test_an_installation_with_a_model_is_healthy(command: Command, ssd23_weights: Path) -> None:
    result = command("doctor")
    lines = result.stdout.decode().splitlines()
    assert result.returncode == 0, lines
    assert all(line.startswith(("ok   ", "--   ")) for line in lines)
    assert "ok   ssd23          installed" in lines
    assert " ms an image" in lines[-1]


def test_a_new_installation_is_healthy_without_model_and_network(invoke: Invoke, empty_home: Path) -> None:
    result = invoke("doctor")
    assert result.code == 0, result.stdout
    assert "--   ssd23          not installed; run: boxable models pull ssd23" in result.lines
    assert "BOXABLE_OFFLINE is set: never used" in result.stdout
    assert "ms an image" not in result.stdout
    assert not empty_home.exists()


def test_what_is_missing_is_named_with_the_extra_that_has_it(
    invoke: Invoke, empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "_version", lambda package: None)
    lines = invoke("doctor").lines
    assert "--   pillow-heif    not installed; for HEIC images run: pip install 'boxable[heif]'" in lines
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    asked = [
        re.match(r"--   (\S+) +not installed; for .* run: pip install 'boxable\[(\w+)\]'$", line) for line in lines
    ]
    pairs = [match.groups() for match in asked if match]
    assert len(pairs) == 10
    assert [pair for pair in pairs if not any(pair[0] in need.lower() for need in extras[pair[1]])] == []


def test_damaged_weights_are_found_and_the_exit_code_is_1(invoke: Invoke, empty_home: Path) -> None:
    path = empty_home / "models" / "mediapipe--ssd_mobilenet_v2_oidv4_23" / f"{'0' * 64}.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"damaged")
    result = invoke("doctor")
    assert result.code == 1
    (line,) = (line for line in result.lines if line.startswith("FAIL"))
    assert "is damaged; run `boxable models pull`" in line


@pytest.mark.parametrize("installed", [True, False])
def test_the_fastest_runtime_of_this_kind_of_processor_is_named(
    invoke: Invoke, empty_home: Path, monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    monkeypatch.setattr(installation, "processor_kind", lambda: "VNNI")
    monkeypatch.setattr(installation, "_version", lambda package: "1.0" if installed else None)
    (line,) = (line for line in invoke("doctor").lines if "int8 speed" in line)
    times = SPEEDS["VNNI"]["litert", "int8"]
    said = f"on processors with VNNI, litert was {times:.2f} times as fast as onnxruntime in fp32, the default"
    advice = "" if installed else "; to install it run: pip install 'boxable[litert]'"
    assert line == f"{'ok  ' if installed else '--  '} int8 speed     {said}{advice}"


def test_a_processor_that_was_not_measured_is_named_as_such(
    invoke: Invoke, empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "processor_kind", lambda: "other")
    lines = [line for line in invoke("doctor").lines if "speed" in line]
    assert lines == ["--   speed          not measured on this kind of processor; run: boxable bench --save"]


def test_no_extra_is_advised_for_a_gain_that_measurements_do_not_show(
    invoke: Invoke, empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "processor_kind", lambda: "AVX2")
    (line,) = (line for line in invoke("doctor").lines if "fp32 speed" in line)
    assert line == "ok   fp32 speed     on processors with AVX2, onnxruntime is as fast as the others"
