"""Corners where small oversights would cost a user much: names, streams, sizes, and files that lie."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import boxable
from boxable import Detector
from boxable.errors import ArgumentError, UnknownModelError, WeightsError
from boxable.run_folder import RECORD
from tests.hostile.makers import PHOTO
from tests.hostile.test_bad_models import description, foreign_onnx

Command = Callable[..., subprocess.CompletedProcess[bytes]]

DETECT = ("detect", "--model", "ssd23", "--min-score", "0.5")

pytestmark = [
    pytest.mark.usefixtures("ssd23_weights"),
    pytest.mark.skipif(os.name != "posix", reason="names, pipes and links are another matter there"),
]


def files_below(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != RECORD)
    return sorted(str(path.relative_to(folder)) for path in files)


def test_images_are_not_overwritten_by_their_annotated_selves(tmp_path: Path, command: Command) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.png").write_bytes(PHOTO.read_bytes())
    for source, out, cwd in ((folder, folder, None), (folder / "a.png", folder, None), ("a.png", ".", folder)):
        done = command(*DETECT, source, "--out", out, cwd=cwd)
        assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1), done.stderr
        assert (folder / "a.png").read_bytes() == PHOTO.read_bytes()
        assert files_below(tmp_path) == ["photos/a.png"]


def test_a_symlink_to_itself_is_named_also_when_results_are_written(tmp_path: Path, command: Command) -> None:
    (tmp_path / "ring.jpg").symlink_to("ring.jpg")
    done = command(*DETECT, "ring.jpg", PHOTO, "--out", "found", cwd=tmp_path)
    assert (done.returncode, done.stdout.count(b'"Cat"')) == (1, 1)
    assert done.stderr.startswith(b"boxable: ring.jpg: cannot read it")


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text there")
def test_a_file_name_that_is_no_text_is_written_to_the_results(tmp_path: Path, command: Command) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    (tmp_path / name).write_bytes(PHOTO.read_bytes())
    done = command(*DETECT, name, "--out", "found", cwd=tmp_path)
    assert done.returncode == 0
    (line,) = (tmp_path / "found" / "detections.jsonl").read_text("utf-8", "surrogateescape").splitlines()
    assert json.loads(line)["source"] == name


def test_a_message_stays_one_line_whatever_the_name(tmp_path: Path, command: Command) -> None:
    done = command(*DETECT, "two\nlines.jpg", "\x1b[31mred.jpg", cwd=tmp_path)
    assert (done.returncode, done.stderr.count(b"\n"), done.stderr.count(b"\x1b")) == (1, 2, 0)


def test_a_closed_stdout_is_no_traceback() -> None:
    line = f"{sys.executable} -m boxable detect --model ssd23 {PHOTO} >&-"
    done = subprocess.run(["sh", "-c", line], capture_output=True, timeout=60)
    assert b"Traceback" not in done.stderr
    assert done.stderr.count(b"\n") <= 1


@pytest.mark.parametrize("name", ["wide.bmp", "wide.webp", "n" * 255])
def test_an_image_that_cannot_be_written_does_not_keep_the_rest_from_it(
    name: str, tmp_path: Path, command: Command
) -> None:
    # Wider than JPEG and WebP can be, or of a name that has no room for a suffix.
    Image.new("RGB", (66000, 2) if name.startswith("wide") else (20, 20)).save(tmp_path / name, "PNG")
    done = command(*DETECT, name, PHOTO, "--out", "found", cwd=tmp_path)
    assert (done.returncode, done.stdout.count(b'"Cat"')) == (1, 1)
    assert b"Traceback" not in done.stderr
    assert (tmp_path / "found" / "chelsea.png").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_behind_stdout_is_named_also_when_results_are_written(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "boxable", *DETECT, str(PHOTO), "--out", str(tmp_path / "found")]
    with open("/dev/full", "wb") as stdout:  # noqa: PTH123
        done = subprocess.run(line, stdout=stdout, stderr=subprocess.PIPE, timeout=60)
    assert (done.returncode, done.stderr) == (1, b"boxable: stdout: No space left on device\n")


@pytest.mark.parametrize("batch_size", [10**30, 1.5])
def test_a_batch_size_is_a_number_that_can_be_counted_to(batch_size: int, ssd23_weights: Path) -> None:
    with pytest.raises(ArgumentError, match="batch_size: expected a whole number from 1"):
        boxable.load("ssd23", batch_size=batch_size)


@pytest.mark.parametrize("threads", [10**30, 1.5])
def test_threads_are_a_number_that_a_machine_can_have(threads: int) -> None:
    with pytest.raises(ArgumentError):
        boxable.load("ssd23", threads=threads)


def test_a_model_name_may_be_of_any_length() -> None:
    with pytest.raises(UnknownModelError):
        boxable.load("n" * 300)


def test_a_foreign_graph_with_our_metadata_is_refused(tmp_path: Path) -> None:
    (tmp_path / "alien.onnx").write_bytes(foreign_onnx(**description()))
    with pytest.raises(WeightsError, match="alien"):
        boxable.load(tmp_path / "alien.onnx")


def test_a_stream_of_one_array_is_one_image(detector: Detector) -> None:
    (found,) = detector.stream(np.zeros((4, 5, 3), np.uint8))
    assert (found.width, found.height) == (5, 4)


def test_a_stream_of_one_bytearray_is_one_image(detector: Detector) -> None:
    (found,) = detector.stream(bytearray(PHOTO.read_bytes()), min_score=0.5)
    assert found.names.tolist() == ["Cat"]


def test_the_doctor_sees_a_cache_that_is_a_file(tmp_path: Path, command: Command) -> None:
    (tmp_path / "home").touch()
    assert command("doctor", env={"BOXABLE_HOME": str(tmp_path / "home")}).returncode == 1
