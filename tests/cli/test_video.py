"""`boxable video` from end to end."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Invoke
from tests.hostile.makers import PHOTO
from tests.video.clips import Shown, cat_clip

pytestmark = pytest.mark.usefixtures("ssd23_weights")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return cat_clip(tmp_path / "cat.mp4", 10)


def test_a_line_a_frame(invoke: Invoke, clip: Path) -> None:
    result = invoke("video", clip, "--model", "ssd23")
    records = [json.loads(line) for line in result.lines]
    assert result.code == 0
    assert [(record["frame"], record["time"]) for record in records] == [(n, n / 25) for n in range(10)]
    assert all([item["name"] for item in record["detections"]] == ["Cat"] for record in records)


def test_tracking_that_cannot_be_had_is_said_before_the_first_line(
    invoke: Invoke, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "trackers", None)
    result = invoke("video", clip, "--model", "ssd23", "--format", "csv", "--track")
    assert (result.code, result.stdout) == (1, "")
    assert "pip install 'boxable[track]'" in result.stderr


def test_every_and_max_frames(invoke: Invoke, clip: Path) -> None:
    result = invoke("video", clip, "--model", "ssd23", "--every", 3, "--max-frames", 2)
    assert [json.loads(line)["frame"] for line in result.lines] == [0, 3]


def test_csv_has_a_row_a_detection(invoke: Invoke, clip: Path) -> None:
    result = invoke("video", clip, "--model", "ssd23", "--format", "csv")
    rows = list(csv.DictReader(result.lines))
    assert [row["frame"] for row in rows] == [str(number) for number in range(10)]
    assert list(rows[0]) == [
        "source", "frame", "time", "track", "label_id", "mid", "name", "score", "ymin", "xmin", "ymax", "xmax",
    ]  # fmt: skip
    assert (rows[3]["time"], rows[3]["track"], rows[3]["name"]) == ("0.12", "", "Cat")


def test_a_terminal_gets_a_summary_and_no_json(
    invoke: Invoke, clip: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "stdout", _Terminal())
    assert invoke("video", clip, "--model", "ssd23").stdout == ""
    assert sys.stdout.getvalue() == ""
    assert re.search(r"10 frames in [\d.]+ s, [\d.]+ frames/s; found: Cat in 10", caplog.text)
    invoke("video", clip, "--model", "ssd23", "--format", "jsonl", "--max-frames", 1)
    assert json.loads(sys.stdout.getvalue())["frame"] == 0


def test_an_image_goes_to_detect_and_a_video_to_video(invoke: Invoke, clip: Path) -> None:
    for verb, name, other in (("video", PHOTO, "detect"), ("detect", clip, "video")):
        result = invoke(verb, name, "--model", "ssd23")
        assert (result.code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
        assert f"use: boxable {other} {name}" in result.stderr


def test_only_a_live_source_is_opened_again(invoke: Invoke, clip: Path, tmp_path: Path) -> None:
    result = invoke("video", clip, "--model", "ssd23", "--reconnect", "--out", tmp_path / "out.mp4")
    assert (result.code, result.stdout) == (2, "")
    assert "reconnect: expected a camera or a live stream" in result.stderr
    assert not (tmp_path / "out.mp4").exists()


def test_the_annotated_video_is_as_wide_as_players_show_the_source(invoke: Invoke, tmp_path: Path) -> None:
    clip = cat_clip(tmp_path / "dvd.mp4", 2, aspect=Fraction(4, 3), matrix=(-1, 0, 0, 1))
    result = invoke("video", clip, "--model", "ssd23", "--out", tmp_path / "out.mp4")
    record = json.loads(result.lines[0])
    assert (record["width"], record["height"]) == Shown(tmp_path / "out.mp4").size == (640, 270)
    assert record["detections"][0]["box"][1] > 0.4  # the cat begins at the left of what is stored


def test_joined_recordings_become_one_video(invoke: Invoke, clip: Path, tmp_path: Path) -> None:
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(cat_clip(tmp_path / f"{n}.ts", 6, rate=10).read_bytes() for n in range(2)))
    result = invoke("video", joined, "--model", "ssd23", "--out", tmp_path / "out.mp4")
    expected = [number / 10 for number in range(12)]
    assert [json.loads(line)["time"] for line in result.lines] == expected
    assert Shown(tmp_path / "out.mp4").times == expected
    assert Shown(tmp_path / "out.mp4").seconds == 1.2


@pytest.mark.parametrize("every", [1, 4])
def test_the_annotated_video_is_like_the_source_with_boxes(
    invoke: Invoke, clip: Path, tmp_path: Path, every: int
) -> None:
    out = tmp_path / "new" / "out.mp4"
    result = invoke("video", clip, "--model", "ssd23", "--out", out, "--every", every)
    assert (result.code, len(result.lines)) == (0, -(-10 // every))
    before, after = Shown(clip), Shown(out)
    assert (after.size, after.rate, after.times) == (before.size, before.rate, before.times)
    changes = [np.abs(a.astype(int) - b).max() for a, b in zip(after.images, before.images, strict=True)]
    assert min(changes) > 100
    assert [path.name for path in out.parent.iterdir()] == ["out.mp4"]


def test_nothing_found_is_the_video_as_it_was(invoke: Invoke, clip: Path, tmp_path: Path) -> None:
    invoke("video", clip, "--model", "ssd23", "--classes", "Car", "--out", tmp_path / "out.mp4")
    before, after = Shown(clip), Shown(tmp_path / "out.mp4")
    changes = [np.abs(a.astype(int) - b).mean() for a, b in zip(after.images, before.images, strict=True)]
    assert max(changes) < 4


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--out", "found.avi"], "expected a name that ends in .mp4"),
        (["--every", "0"], "0 is not in the range x>=1"),
        (["--format", "yolo"], "'yolo' is not one of 'jsonl', 'csv'"),
        (["--classes", "Unicorn"], "Unicorn"),
    ],
)
def test_wrong_usage(invoke: Invoke, clip: Path, arguments: list[str], complaint: str) -> None:
    result = invoke("video", clip, "--model", "ssd23", *arguments)
    assert (result.code, result.stdout) == (2, "")
    assert complaint in result.stderr


def test_the_source_is_never_overwritten(invoke: Invoke, clip: Path) -> None:
    before = clip.read_bytes()
    result = invoke("video", clip, "--model", "ssd23", "--out", clip.parent / "." / "cat.mp4")
    assert result.code == 2
    assert "would replace" in result.stderr
    assert clip.read_bytes() == before


def test_without_pyav_the_error_says_what_to_install(
    invoke: Invoke, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    result = invoke("video", clip)
    assert (result.code, result.stdout) == (1, "")
    assert "pip install 'boxable[video]'" in result.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals are another matter there")
def test_ctrl_c_leaves_a_playable_video_and_whole_lines(tmp_path: Path) -> None:
    clip, out = cat_clip(tmp_path / "long.mp4", 400), tmp_path / "out.mp4"
    line = [sys.executable, "-m", "boxable", "video", str(clip), "--model", "ssd23", "--out", str(out)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        before = b"".join(process.stdout.readline() for _ in range(5))
        assert not out.exists()
        process.send_signal(signal.SIGINT)
        after, stderr = process.communicate(timeout=60)
    records = [json.loads(text) for text in (before + after).splitlines()]
    assert process.returncode == 130
    assert b"stopped" in stderr
    assert b"Traceback" not in stderr
    assert 5 <= len(records) < 400
    assert len(Shown(out).images) == len(records)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["long.mp4", "out.mp4"]
