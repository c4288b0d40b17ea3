"""`boxable data expand` and `boxable data convert` from end to end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke
from tests.conftest import Command
from tests.openimages.made import BOX_HEADER, CAT, box, rows_of, write_csv, write_set


def test_expand_says_what_it_wrote(command: Command, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "in.csv", BOX_HEADER, [box("a", CAT), box("a", "user/x")])
    done = command("data", "expand", source, tmp_path / "out.parquet")
    assert done.returncode == 0
    assert "1 row of a class that Open Images does not have" in done.stderr.decode()
    assert done.stderr.decode().splitlines()[-1] == f"boxable: wrote {tmp_path / 'out.parquet'}: 5 rows, from 2"
    assert len(rows_of(tmp_path / "out.parquet")) == 5


def test_convert_writes_each_form(invoke: Invoke, tmp_path: Path) -> None:
    source = write_set(tmp_path / "set", [box("01"), box("02")])
    for to, name in (("parquet", "p"), ("coco", "c.json"), ("yolo", "y"), ("voc", "v"), ("openimages", "o")):
        assert invoke("data", "convert", source, tmp_path / name, "--to", to).code == 0
        assert (tmp_path / name).exists()
    assert invoke("data", "convert", source, tmp_path / "t", "--to", "tfrecord", "--shards", 2).code == 0
    assert len(list(tmp_path.glob("t-*-of-00002"))) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("expand", "missing.csv", "out.csv"), 2, "missing.csv"),
        (("expand", "set/annotations-bbox.csv", "out.xlsx"), 2, "expected a name that ends in .csv"),
        (("convert", "set", "out"), 2, "--to"),
        (("convert", "set", "out", "--to", "pbtxt"), 2, "pbtxt"),
        (("convert", "missing", "out", "--to", "yolo"), 2, "missing: no such file or folder"),
        (("convert", "set", "set", "--to", "yolo"), 2, "is there already"),
        (("convert", "set", "set/images.csv/out", "--to", "yolo"), 1, "cannot write"),
    ],
)
def test_errors_are_one_line(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, says: str
) -> None:
    write_set(tmp_path / "set", [box("01")])
    monkeypatch.chdir(tmp_path)
    result = invoke("data", *arguments)
    assert result.code == code
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    rows = [box(f"{number:016x}", CAT) for number in range(20000)]
    source = write_set(tmp_path / "set", rows, photos=False)
    arguments = ["data", "convert", str(source), str(tmp_path / "out" / "yolo"), "--to", "yolo"]
    process = subprocess.Popen([sys.executable, "-m", "boxable", *arguments], stderr=subprocess.PIPE, env=os.environ)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("out/.yolo*/whole/labels/*.txt")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.decode().split("\n")[-2] == "boxable: stopped"
    assert list((tmp_path / "out").iterdir()) == []
