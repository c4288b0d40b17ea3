"""Fetching Open Images when it is killed, the disk is full, the network is off, the folder is not as it should be."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.openimages.official import Bucket, image_id, publish, serving, some_fail

Command = Callable[..., subprocess.CompletedProcess[bytes]]
COUNT = 400
posix = pytest.mark.skipif(os.name != "posix", reason="signals are another matter there")
FETCH = ("data", "fetch", "--split", "validation")


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return publish(COUNT)


@pytest.fixture
def bucket(files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """The official places, as the settings have them."""
    with serving(dict(files)) as server:
        monkeypatch.setenv("BOXABLE_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("BOXABLE_OPENIMAGES", f"{server.address}/tables")
        monkeypatch.setenv("BOXABLE_OPENIMAGES_IMAGES", f"{server.address}/images")
        yield server


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "images").iterdir() if path.suffix == ".jpg"}


def published(bucket: Bucket) -> dict[str, bytes]:
    return {f"{image_id(n)}.jpg": bucket.files[f"images/validation/{image_id(n)}.jpg"] for n in range(COUNT)}


def started(*arguments: object) -> subprocess.Popen[bytes]:
    line = [sys.executable, "-m", "boxable", *map(str, arguments)]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for_images(folder: Path, count: int) -> None:
    end = time.monotonic() + 60
    while len(list((folder / "images").glob("*.jpg"))) < count:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_kill_9_loses_nothing_and_leaves_nothing_half_written(bucket: Bucket, tmp_path: Path, command: Command) -> None:
    folder = tmp_path / "data"
    bucket.delay_s = 0.03
    bucket.fault = lambda path, count: some_fail(0.05)(path, count) if path.endswith(".jpg") else None
    for least in (40, 150, 280):
        with started(*FETCH, folder) as process:
            wait_for_images(folder, least)
            process.kill()
        assert len(files_of(folder)) < COUNT
        assert files_of(folder).items() <= published(bucket).items()
        base = sqlite3.connect(folder / "ledger.sqlite")
        noted = [row[0] for row in base.execute("SELECT id FROM images WHERE state = 'done'")]
        base.close()
        assert {f"{name}.jpg" for name in noted} <= files_of(folder).keys()
    done = command(*FETCH, folder)
    assert (done.returncode, done.stdout) == (0, b"")
    assert b"wrote" in done.stderr
    assert files_of(folder) == published(bucket)
    assert not list((folder / "images").glob(".*"))
    assert not list((tmp_path / "home").rglob(".plan.*"))
    # What was under way when it was killed came twice, and 5 % of the answers were bad; nothing else did.
    asked = sum(count for path, count in bucket.asked.items() if path.endswith(".jpg"))
    assert asked < COUNT * 1.5


def test_kill_9_while_a_table_comes_goes_on_where_it_was(bucket: Bucket, tmp_path: Path, command: Command) -> None:
    table = "tables/2018_04/validation/validation-annotations-bbox.csv"
    bucket.fault = lambda path, count: "slow" if path == table and count == 1 else None
    cache = tmp_path / "home" / "openimages"
    with started(*FETCH, tmp_path / "data") as process:
        end = time.monotonic() + 60
        while not any(path.stat().st_size for path in cache.rglob("*bbox.csv.part")):
            assert time.monotonic() < end
            time.sleep(0.01)
        process.kill()
    assert command(*FETCH, "--max-images", 3, tmp_path / "data").returncode == 0
    assert bucket.asked[table] == 2
    (whole,) = cache.rglob("*bbox.csv")
    assert whole.read_bytes() == bucket.files[table]


@posix
def test_ctrl_c_ends_with_130_and_a_ledger_of_what_came(bucket: Bucket, tmp_path: Path, command: Command) -> None:
    folder = tmp_path / "data"
    bucket.delay_s = 0.05
    with started(*FETCH, folder) as process:
        wait_for_images(folder, 30)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in stderr
    count = len(files_of(folder))
    assert f"{count} images, 0 failed, {COUNT - count} not tried" in stderr.decode()
    assert command(*FETCH, folder).returncode == 0
    assert files_of(folder) == published(bucket)


@posix
def test_ctrl_c_says_what_it_waits_for_and_a_second_one_ends_at_once(bucket: Bucket, tmp_path: Path) -> None:
    bucket.fault = lambda path, count: "silent" if path.endswith(".jpg") else None  # for 3 seconds
    with started(*FETCH, tmp_path / "data") as process:
        end = time.monotonic() + 60
        while not any(path.endswith(".jpg") for path in list(bucket.asked)):
            assert time.monotonic() < end
            time.sleep(0.01)
        assert process.stderr is not None
        process.send_signal(signal.SIGINT)
        while b"waiting for" not in (line := process.stderr.readline()):
            assert line
        assert re.fullmatch(rb"boxable: waiting for (1 image|\d+ images) that began; Ctrl-C again ends at once\n", line)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert time.monotonic() - start < 2
    assert (process.returncode, stderr.split()) == (130, [b"boxable:", b"stopped"])


@posix
def test_a_full_disk_is_one_line_and_what_came_is_kept(bucket: Bucket, tmp_path: Path, command: Command) -> None:
    folder = tmp_path / "data"
    large = f"images/validation/{image_id(7)}.jpg"
    small = bucket.files[large]
    comment = b"\xff\xfe\xff\xff" + bytes(65533)
    bucket.files[large] = small[:2] + comment * 2 + small[2:]
    assert command(*FETCH, "--dry-run", folder).returncode == 0  # so that the tables are there
    script = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, 120_000))\n"  # files of that size only
        "from boxable.cli import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script, *FETCH, folder], capture_output=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.decode().count("\n") == 1
    path = folder / "images" / f"{image_id(7)}.jpg"
    assert f"cannot write {path}: File too large; fetched images are kept: make room" in done.stderr.decode()
    assert not list((folder / "images").glob(".*"))
    assert path.name not in files_of(folder)
    assert files_of(folder).items() <= published(bucket).items()
    assert command(*FETCH, folder).returncode == 0
    assert files_of(folder) == published(bucket)


def test_no_network_is_one_line_that_says_what_to_do(bucket: Bucket, tmp_path: Path, command: Command) -> None:
    off = {"BOXABLE_OFFLINE": "1"}
    folder = tmp_path / "data"
    done = command(*FETCH, folder, env=off)
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert b"class-descriptions-boxable.csv is not there, and BOXABLE_OFFLINE forbids to fetch it" in done.stderr
    assert command(*FETCH, "--max-images", 2, folder).returncode == 0
    done = command(*FETCH, "--max-images", 3, folder, env=off)
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert b"BOXABLE_OFFLINE forbids it" in done.stderr
    done = command(*FETCH, "--max-images", 2, folder, env=off | {"BOXABLE_OPENIMAGES": "http://127.0.0.1:1"})
    assert done.returncode == 1  # another address has tables of its own
    done = command(*FETCH, folder, env={"BOXABLE_OPENIMAGES": "http://127.0.0.1:1"})
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 2)
    assert b"cannot fetch a table of Open Images: http://127.0.0.1:1/2018_04/class-descriptions" in done.stderr
    done = command(*FETCH, folder, env={"BOXABLE_OPENIMAGES_IMAGES": "ftp://somewhere"})
    assert b"expected an address that begins with http:// or https://" in done.stderr


def test_a_folder_that_is_nothing_to_fetch_into_is_refused_and_kept(
    bucket: Bucket, tmp_path: Path, command: Command
) -> None:
    other_layout, other_data, file = (tmp_path / name for name in ("old", "other", "file"))
    other_layout.mkdir()
    (other_layout / "boxable-data.json").write_text(json.dumps({"layout": 0}))
    other_data.mkdir()
    (other_data / "classes.csv").write_text("mine")
    file.write_text("mine")
    for folder, said in (
        (other_layout, "a data folder of layout 0; this version reads and writes layout 1"),
        (other_data, "has classes.csv, but no boxable-data.json; name a new folder"),
        (file, "a file; expected a folder"),
    ):
        done = command(*FETCH, folder)
        assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
        assert said in done.stderr.decode()
    assert (other_data / "classes.csv").read_text() == "mine"
    assert not bucket.asked


@pytest.mark.parametrize(("content", "said"), [(b"no database at all" * 99, "not a database"), (None, "kind 99")])
def test_a_ledger_that_is_none_is_one_line(
    content: bytes | None, said: str, bucket: Bucket, tmp_path: Path, command: Command
) -> None:
    folder = tmp_path / "data"
    assert command(*FETCH, "--max-images", 1, folder).returncode == 0
    ledger = folder / "ledger.sqlite"
    if content:
        ledger.write_bytes(content)
    else:
        base = sqlite3.connect(ledger)
        base.execute("PRAGMA user_version = 99")
        base.close()
    done = command(*FETCH, "--max-images", 1, folder)
    assert done.returncode in (1, 2)
    assert done.stderr.count(b"\n") == 1
    assert said in done.stderr.decode()


@pytest.mark.parametrize("table", ["validation-annotations-bbox.csv", "validation-images-with-rotation.csv"])
@pytest.mark.parametrize("content", [b"", b"<html>not here</html>", b"ImageID\nx\n", b"\xff\xfe\x00" * 100])
def test_a_table_that_is_none_is_one_line(
    content: bytes, table: str, bucket: Bucket, tmp_path: Path, command: Command
) -> None:
    bucket.files[f"tables/2018_04/validation/{table}"] = content
    done = command(*FETCH, "--classes", "Dog", tmp_path / "data")
    last = done.stderr.decode().splitlines()[-1]
    assert done.returncode in (1, 2)
    assert b"Traceback" not in done.stderr
    assert table in last
