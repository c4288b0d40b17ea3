"""Words that the command does not understand: one line, exit code 2, and nothing done."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from boxable import cli
from tests.hostile.makers import PHOTO

USAGE = {
    "no arguments": ([], "Usage: boxable"),
    "no source": (["detect"], "Missing argument 'SOURCE...'"),
    "unknown verb": (["detekt", "a.jpg"], "No such command 'detekt'"),
    "unknown option": (["detect", "a.jpg", "--colour"], "No such option '--colour'"),
    "dash in front": (["detect", "-dash.jpg"], "No such option"),
    "min-score above": (["detect", "a.jpg", "--min-score", "2"], "2.0 is not in the range"),
    "min-score below": (["detect", "a.jpg", "--min-score", "-1"], "-1.0 is not in the range"),
    "min-score nan": (["detect", "a.jpg", "--min-score", "nan"], "nan"),
    "min-score text": (["detect", "a.jpg", "--min-score", "high"], "'high' is not a valid float range"),
    "max-detections 0": (["detect", "a.jpg", "--max-detections", "0"], "0 is not in the range"),
    "max-detections fraction": (["detect", "a.jpg", "--max-detections", "1.5"], "'1.5' is not a valid integer range"),
    "batch-size 0": (["detect", "a.jpg", "--batch-size", "0"], "0 is not in the range"),
    "threads 0": (["detect", "a.jpg", "--threads", "0"], "0 is not in the range"),
    "unknown format": (["detect", "a.jpg", "--format", "xml"], "'xml' is not one of"),
    "unknown nms": (["detect", "a.jpg", "--nms", "soft"], "'soft' is not one of"),
    "crops without out": (["detect", "a.jpg", "--save-crops"], "need --out DIR"),
    "empty out": (["detect", "a.jpg", "--out", ""], "'--out': expected a path, got an empty name."),
    "empty source of data": (["data", "stats", ""], "'SET': expected a path, got an empty name."),
    "empty report": (["data", "show", "set", "--out", ""], "'--out': expected a path, got an empty name."),
    "option without value": (["detect", "a.jpg", "--out"], "requires an argument"),
    "unknown class": (["detect", "a.jpg", "--model", "ssd23", "--classes", "Catt"], "ssd23 has no class 'Catt'"),
    "class that the model cannot name": (
        ["detect", "a.jpg", "--model", "ssd23", "--classes", "Zucchini"],
        "ssd23 has no class 'Zucchini'",
    ),
    "no class left": (["detect", "a.jpg", "--model", "ssd23", "--classes", "Cat,-Cat"], "leaves no class"),
    "empty classes": (["detect", "a.jpg", "--model", "ssd23", "--classes", ""], "leaves no class"),
    "unknown model": (["detect", "a.jpg", "--model", "yolo"], "unknown model 'yolo'"),
    "pull unknown model": (["models", "pull", "yolo"], "unknown model 'yolo'"),
    "info on unknown model": (["models", "info", "yolo"], "unknown model 'yolo'"),
    "classes of unknown model": (["classes", "--model", "yolo"], "unknown model 'yolo'"),
    "classes that nobody knows": (["classes", "Unicorn"], "unknown class 'Unicorn'"),
    "completion of unknown shell": (["completion", "tcsh"], "'tcsh' is not one of"),
    "too many arguments": (["models", "list", "more"], "Got unexpected extra argument"),
}


@pytest.mark.parametrize(("arguments", "says"), USAGE.values(), ids=USAGE)
def test_wrong_usage_is_one_line_and_exit_code_2(
    arguments: list[str],
    says: str,
    ssd23_weights: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["boxable", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    stdout, stderr = capfd.readouterr()
    assert (caught.value.code, stdout) == (2, "")
    assert says in stderr
    assert stderr.count("\n") == 1 or arguments == []


def test_wrong_usage_of_the_real_command_makes_no_files(
    tmp_path: Path, command: Callable[..., subprocess.CompletedProcess[bytes]], ssd23_weights: Path
) -> None:
    for arguments in ([], ["detect", PHOTO, "--out", "found", "--min-score", "2"]):
        done = command(*arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, b"")
        assert b"Traceback" not in done.stderr
    assert os.listdir(tmp_path) == []
