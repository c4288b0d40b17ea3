"""Ctrl-C in the middle of the work: what is done is whole, what is not is not there."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.hostile.makers import PHOTO

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="signals are another matter there"),
    pytest.mark.usefixtures("ssd23_weights"),
]

MANY = 300


def interrupt(process: subprocess.Popen[bytes], times: int) -> None:
    for count in range(times):
        if count:
            time.sleep(0.2)  # two signals at the same time are one
        process.send_signal(signal.SIGINT)


def interrupted(seen: int, times: int, images: Path, *arguments: object) -> tuple[int, bytes, bytes]:
    """Exit code, stdout and stderr of the command on many images, stopped after it has printed so many lines."""
    images.mkdir()
    for number in range(MANY):
        (images / f"{number:04}.png").symlink_to(PHOTO)
    line = [sys.executable, "-m", "boxable", "detect", "--model", "ssd23", *map(str, arguments), str(images)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        before = b"".join(process.stdout.readline() for _ in range(seen))
        interrupt(process, times)
        after, stderr = process.communicate(timeout=60)
    return process.returncode, before + after, stderr


@pytest.mark.parametrize(("seen", "times"), [(1, 1), (10, 1), (10, 2)])
def test_ctrl_c_leaves_whole_results_or_none(seen: int, times: int, tmp_path: Path) -> None:
    out = tmp_path / "found"
    code, stdout, stderr = interrupted(seen, times, tmp_path / "images", "--out", out, "--save-crops")
    assert code == 130
    assert b"Traceback" not in stderr
    assert b"stopped" in stderr
    results = out / "detections.jsonl"
    records = [json.loads(line) for line in results.read_bytes().splitlines()] if results.exists() else []
    assert len(records) < MANY
    if results.exists():
        assert results.read_bytes() == stdout
        assert len(records) >= seen
    assert not list(out.rglob("*.part"))
    for path in sorted(out.rglob("*.png"))[-20:]:
        with Image.open(path) as image:
            image.load()


def test_ctrl_c_ends_each_format_as_it_should_end(tmp_path: Path) -> None:
    code, stdout, stderr = interrupted(5, 1, tmp_path / "images", "--format", "json")
    assert (code, stderr.count(b"\n")) == (130, 1)
    assert 1 <= len(json.loads(stdout)) < MANY


def test_ctrl_c_while_a_server_is_silent_is_heeded_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:  # takes connections and never answers
        url = f"http://127.0.0.1:{server.getsockname()[1]}/photo.jpg"
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        line = [sys.executable, "-m", "boxable", "detect", "--model", "ssd23", url]
        with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
            connection, _ = server.accept()
            with connection:
                interrupt(process, 2)
                _, stderr = process.communicate(timeout=10)
    assert process.returncode == 130
    assert b"Traceback" not in stderr
