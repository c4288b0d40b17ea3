"""Detection in folders, without the command."""

import json
import threading
from pathlib import Path

import pytest
from PIL import Image

from boxable import Detector
from boxable.batch.detect_images import OutputOptions, detect_images
from tests.conftest import EXAMPLES

CAT = str(EXAMPLES / "chelsea.png")


def test_each_image_is_a_line_and_a_failed_one_sets_the_exit_code(
    detector: Detector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = OutputOptions("jsonl", "jsonl")
    assert detect_images(detector, [CAT], options, threading.Event(), min_score=0.3) == 0
    assert detect_images(detector, [str(tmp_path / "gone.jpg"), CAT], options, threading.Event(), min_score=0.3) == 1
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [len(record["detections"]) for record in records] == [1, 0, 1]
    assert ["error" in record for record in records] == [False, True, False]


def test_a_damaged_image_that_is_kept_is_named_marked_and_drawn(
    detector: Detector, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    cut = tmp_path / "cut.png"
    cut.write_bytes(Path(CAT).read_bytes()[:-50_000])
    options = OutputOptions("jsonl", "jsonl", tmp_path / "out")
    assert detect_images(detector, [str(cut), CAT], options, threading.Event(), truncated="keep") == 0
    assert f"{cut}: damaged; decoded as far as possible" in caplog.messages
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record.get("truncated") for record in records] == [True, None]
    assert (tmp_path / "out" / "cut.png").exists()


def test_images_crops_and_results_are_written(detector: Detector, tmp_path: Path) -> None:
    options = OutputOptions("jsonl", "jsonl", tmp_path, images=True, crops=True)
    assert detect_images(detector, [CAT], options, threading.Event(), min_score=0.3) == 0
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert "chelsea.png" in files
    assert "detections.jsonl" in files
    assert len(files) == 4  # with the record of the run
    with Image.open(tmp_path / "chelsea.png") as annotated, Image.open(CAT) as source:
        assert annotated.size == source.size


def test_once_stop_is_set_the_exit_code_is_that_of_an_interruption(detector: Detector) -> None:
    stop = threading.Event()
    stop.set()
    assert detect_images(detector, [CAT], OutputOptions("jsonl", "jsonl"), stop) == 130
