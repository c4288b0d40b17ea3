"""`boxable data stats`, `show`, `split` and `verify`."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke
from tests.openimages.folders import CAT, box_row, copy_image_file, write_folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BOXABLE_HOME", str(tmp_path / "home"))
    made = write_folder(tmp_path / "set", [box_row("a"), box_row("b")], images=["a,36,24,0", "b,36,24,90"])
    copy_image_file(made, "a")
    copy_image_file(made, "b")
    return made


def test_stats_are_a_table_or_json_and_a_page(invoke: Invoke, folder: Path) -> None:
    result = invoke("data", "stats", folder)
    assert result.code == 0
    assert re.search(r"^Cat +2 +2 +0\.0% +0 +0$", result.stdout, re.MULTILINE)
    page = folder.parent / "pages" / "stats.html"
    result = invoke("data", "stats", folder, "--format", "json", "--out", page)
    assert json.loads(result.stdout)["boxes"] == 2
    assert page.read_text("utf-8").startswith("<!doctype html>")


def test_show_writes_every_file_it_is_asked_for(invoke: Invoke, folder: Path, tmp_path: Path) -> None:
    result = invoke(
        "data", "show", folder, "--out", tmp_path / "s.jpg", "--out", tmp_path / "s.html", "--classes", "Cat"
    )
    assert (result.stdout, result.code) == ("", 0)
    assert (tmp_path / "s.jpg").exists()
    assert (tmp_path / "s.html").exists()


def test_show_needs_a_file_and_a_class_that_is_there(invoke: Invoke, folder: Path, tmp_path: Path) -> None:
    assert invoke("data", "show", folder).code == 2
    result = invoke("data", "show", folder, "--out", tmp_path / "s.jpg", "--classes", "Catt")
    assert (result.code, len(result.stderr.splitlines())) == (2, 1)
    assert "did you mean Cat" in result.stderr


def test_split_makes_two_folders_which_are_data_folders_again(invoke: Invoke, folder: Path, tmp_path: Path) -> None:
    before = sorted(folder.rglob("*"))
    assert invoke("data", "split", folder, "--out", tmp_path / "parts").code == 0
    assert sorted(folder.rglob("*")) == before  # else `detect` would find every image of it twice
    for part in ("train", "validation"):
        assert invoke("data", "verify", tmp_path / "parts" / part).code == 0
    result = invoke("data", "split", folder, "--out", tmp_path / "parts")
    assert (result.code, len(result.stderr.splitlines())) == (2, 1)
    assert "exists; remove it" in result.stderr
    assert "Missing option '--out'" in invoke("data", "split", folder).stderr


def test_split_says_how_yolo_takes_both_parts(
    invoke: Invoke, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for image in "cdefgh":
        copy_image_file(folder, image)
    assert invoke("data", "split", folder, "--out", tmp_path / "parts", "--every", 2).code == 0
    assert not [record for record in caplog.records if record.levelname == "WARNING"]
    assert f"boxable data convert {tmp_path / 'parts'} DEST --to yolo" in caplog.messages[-1]
    assert invoke("data", "convert", tmp_path / "parts", tmp_path / "yolo", "--to", "yolo").code == 0
    assert (tmp_path / "yolo" / "train.txt").is_file()


@pytest.mark.parametrize(("images", "empty"), [("a", "validation"), ("", None), ("b", "validation")])
def test_split_warns_of_a_part_without_photos(
    invoke: Invoke, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, images: str, empty: str | None
) -> None:
    for image in {"a", "b"} - set(images):
        (folder / "images" / f"{image}.jpg").unlink()
    assert invoke("data", "split", folder, "--out", tmp_path / "parts", "--every", 1000).code == 0
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [message.split()[0] for message in warnings] == ([empty] if empty else [])


def test_verify_says_what_is_wrong_and_exits_with_1(invoke: Invoke, folder: Path) -> None:
    assert invoke("data", "verify", folder).code == 0
    copy_image_file(folder, "b", b"no photo")
    result = invoke("data", "verify", folder)
    assert result.code == 1
    assert re.search(r"^  FAIL +1 of 2  every image can be decoded$", result.stdout, re.MULTILINE)
    result = invoke("data", "verify", folder, "--format", "json")
    assert (result.code, json.loads(result.stdout)["good"]) == (1, False)


@pytest.mark.skipif(os.name != "posix", reason="signals are another matter there")
def test_ctrl_c_ends_verify_with_what_was_found(folder: Path) -> None:
    (folder / "images" / "b.jpg").unlink()
    os.mkfifo(folder / "images" / "b.jpg")  # never comes to an end
    line = [sys.executable, "-m", "boxable", "data", "verify", str(folder)]
    with (
        subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
        (folder / "images" / "b.jpg").open("wb"),  # waits until it is read
    ):
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stdout.splitlines()[-1] == "stopped before the end"
    assert "Traceback" not in stderr


@pytest.mark.parametrize(
    ("verb", "content"),
    [
        *((verb, content) for verb in (["stats"], ["show", "--out", "s.png"], ["verify"])
          for content in ("nothing", "newer", "text", "half")),
        (["split", "--out", "parts"], "nothing"),
        (["split", "--out", "parts"], "newer"),
    ],
)  # fmt: skip
def test_a_folder_that_cannot_be_used_is_one_line_and_exit_code_2(
    invoke: Invoke, folder: Path, tmp_path: Path, verb: list[str], content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if content == "newer":
        (folder / "boxable-data.json").write_text('{"layout": 2}')
    elif content == "text":
        (folder / "annotations-bbox.csv").write_bytes(b"\xff\xfe\x00 no table at all")
    elif content == "half":
        (folder / "annotations-bbox.csv").write_text(f"ImageID,LabelName\na,{CAT}\n")
    where = folder / "nowhere" if content == "nothing" else folder
    result = invoke("data", verb[0], where, *verb[1:])
    assert (result.stdout, result.code, len(result.stderr.splitlines())) == ("", 2, 1)
    assert str(where) in result.stderr
    assert not list(tmp_path.glob("*.p*"))
