"""Places that cannot be written to, readers that leave, and images that must not be overwritten."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from boxable.errors import BoxableError
from boxable.files import atomic_file, write_atomically
from boxable.run_folder import RECORD
from tests.hostile.makers import PHOTO

Command = Callable[..., subprocess.CompletedProcess[bytes]]

pytestmark = pytest.mark.usefixtures("ssd23_weights")
full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")

DETECT = ("detect", "--model", "ssd23", "--min-score", "0.5")


def boxable(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "boxable", *map(str, arguments)]


def run_limited(limit: int, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    """The command on a disk that takes files of so many bytes only."""
    pytest.importorskip("resource")
    script = (
        "import resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        "from boxable.cli import main\n"
        "main()\n"
    )
    return subprocess.run([sys.executable, "-c", script, *map(str, arguments)], capture_output=True, timeout=60)


def files_below(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != RECORD)
    return sorted(str(path.relative_to(folder)) for path in files)


def test_a_file_in_place_of_the_folder_is_refused_and_kept(tmp_path: Path, command: Command) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    for out, code in ((taken, 2), (taken / "below", 1)):
        done = command(*DETECT, PHOTO, "--out", out)
        assert (done.returncode, done.stdout.count(b"\n") <= 1, done.stderr.count(b"\n")) == (code, True, 1)
        assert str(out) in done.stderr.decode()
    assert taken.read_text() == "mine"
    assert files_below(tmp_path) == ["taken"]


@full
@pytest.mark.parametrize("arguments", [(*DETECT, PHOTO), ("classes",), ("models", "list"), ("--help",)], ids=str)
def test_a_full_disk_behind_stdout_is_one_line(arguments: tuple[object, ...]) -> None:
    with open("/dev/full", "wb") as stdout:  # noqa: PTH123
        done = subprocess.run(boxable(*arguments), stdout=stdout, stderr=subprocess.PIPE, timeout=60)
    assert (done.returncode, done.stderr) == (1, b"boxable: stdout: No space left on device\n")


@full
def test_messages_that_nobody_gets_cost_no_results(tmp_path: Path) -> None:
    missing = tmp_path / "missing.png"
    reader, writer = os.pipe()
    os.close(reader)
    with open("/dev/full", "wb") as full_disk, open(writer, "wb") as nobody:  # noqa: PTH123
        for stderr in (full_disk, nobody):
            done = subprocess.run(boxable(*DETECT, missing, PHOTO), stdout=subprocess.PIPE, stderr=stderr, timeout=60)
            assert [len(json.loads(line)["detections"]) for line in done.stdout.splitlines()] == [0, 1]
            assert done.returncode == 1
            wrong = subprocess.run(boxable("detect"), stdout=subprocess.PIPE, stderr=stderr, timeout=60)
            assert wrong.returncode == 2


@full
def test_a_full_disk_behind_stdout_leaves_nothing_half_written(tmp_path: Path) -> None:
    with open("/dev/full", "wb") as stdout:  # noqa: PTH123
        line = boxable(*DETECT, PHOTO, "--out", tmp_path / "found")
        done = subprocess.run(line, stdout=stdout, stderr=subprocess.PIPE, timeout=60)
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert b"No space left on device" in done.stderr
    assert files_below(tmp_path) in ([], ["found/chelsea.png"])


def test_an_image_that_the_disk_has_no_room_for_is_named(tmp_path: Path) -> None:
    done = run_limited(4096, *DETECT, PHOTO, "--out", tmp_path / "found")
    line, rest = done.stderr.decode().split("\n", 1)
    assert (done.returncode, rest) == (1, f"boxable: wrote {tmp_path / 'found'}: 1 image, 1 object, 1 failed\n")
    assert line.startswith(f"boxable: cannot write {tmp_path / 'found' / 'chelsea.png'}: ")
    assert files_below(tmp_path) == ["found/detections.jsonl"]


def copies(folder: Path, count: int) -> list[Path]:
    """Copies of the photo, each with a name of its own."""
    return [Path(shutil.copy(PHOTO, folder / f"{number:02}.png")) for number in range(count)]


def test_results_that_the_disk_has_no_room_for_are_named(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    out, photos = tmp_path / "found", copies(tmp_path_factory.mktemp("in"), 3)
    done = run_limited(4096, "detect", "--model", "ssd23", "--min-score", 0, *photos, "--out", out, "--no-save-images")
    assert done.returncode == 1
    assert done.stderr.decode() == f"boxable: cannot write {out / 'detections.jsonl'}: File too large\n"
    assert files_below(tmp_path) == []


def test_a_reader_that_leaves_is_no_error_to_speak_of_and_costs_no_written_results(tmp_path: Path) -> None:
    out, photos = tmp_path / "found", copies(tmp_path, 60)
    for extra, said, code in (
        ((), b"", 1),
        (("--out", out, "--no-save-images"), b"60 images, 60 objects, 0 failed", 0),
    ):
        line = boxable(*DETECT, *photos, "--batch-size", 1, *extra)
        with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert json.loads(process.stdout.readline())["source"] == str(photos[0])
            process.stdout.close()
            assert process.stderr.read().strip().endswith(said)
        assert process.returncode == code
    assert len((out / "detections.jsonl").read_text().splitlines()) == 60


@pytest.mark.parametrize("verb", [("classes",), ("classes", "--tree"), ("--help",), ("models", "list")], ids=str)
def test_no_reader_at_all_is_no_error_to_speak_of(verb: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(boxable(*verb), stdout=writing, stderr=subprocess.PIPE, timeout=60)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_symlink_does_not_lead_to_overwriting(tmp_path: Path, command: Command) -> None:
    folder, links = tmp_path / "photos", tmp_path / "links"
    folder.mkdir()
    links.mkdir()
    (folder / "a.png").write_bytes(PHOTO.read_bytes())
    (links / "a.png").symlink_to(folder / "a.png")
    command(*DETECT, links, "--out", folder)
    assert (folder / "a.png").read_bytes() == PHOTO.read_bytes()
    command(*DETECT, folder / "a.png", "--out", links)
    assert (folder / "a.png").read_bytes() == PHOTO.read_bytes()


def test_images_of_one_name_do_not_overwrite_each_other(tmp_path: Path, command: Command) -> None:
    for number, name in enumerate(("a/x.png", "b/x.png", "b/c/x.png", "x-2.png")):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (200 + number, 200)).save(path)
    out = tmp_path / "found"
    done = command(*DETECT, tmp_path / "photos", "--out", out)
    assert done.returncode == 0
    widths = []
    for path in [*out.rglob("*.png"), *out.rglob("*.jpg")]:
        with Image.open(path) as image:
            widths.append(image.width)
    assert sorted(widths) == [200, 201, 202, 203]


def test_results_of_an_earlier_run_are_replaced_whole(
    tmp_path: Path, command: Command, tmp_path_factory: pytest.TempPathFactory
) -> None:
    out, photos = tmp_path / "found", copies(tmp_path_factory.mktemp("in"), 3)
    for count in (3, 1):
        assert command(*DETECT, *photos[:count], "--out", out, "--no-save-images").returncode == 0
        assert (out / "detections.jsonl").read_bytes().count(b"\n") == count
    assert files_below(tmp_path) == ["found/detections.jsonl"]


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    write_atomically(path, b"first")

    def write_until(error: BaseException) -> None:
        with atomic_file(path) as file:
            file.write(b"second")
            raise error

    for error in (KeyboardInterrupt(), GeneratorExit(), ValueError(), BrokenPipeError()):
        with pytest.raises(type(error)):
            write_until(error)
    with pytest.raises(BoxableError, match=r"cannot write .*file: disk on fire"):
        write_until(OSError(5, "disk on fire"))
    assert path.read_bytes() == b"first"
    assert files_below(tmp_path) == ["deep/file"]


@pytest.mark.skipif(os.name != "posix", reason="permissions are another matter there")
def test_a_file_gets_the_permissions_that_new_files_have(tmp_path: Path) -> None:
    write_atomically(tmp_path / "ours", b"")
    (tmp_path / "any").touch()
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "any").stat().st_mode


@pytest.mark.parametrize("name", ["n" * 250, "ä" * 120, "file\nname", "-dash", ".hidden", "a.part"])
def test_a_file_may_have_any_name_that_the_disk_takes(name: str, tmp_path: Path) -> None:
    write_atomically(tmp_path / name, b"content")
    assert (tmp_path / name).read_bytes() == b"content"


def test_places_that_cannot_be_written_to_are_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for name in ("folder", "file/below", "n" * 300, "n" * 300 + "/below"):
        with pytest.raises(BoxableError, match=r"^cannot write ") as caught:
            write_atomically(tmp_path / name, b"content")
        assert str(tmp_path / name) in str(caught.value)
    assert files_below(tmp_path) == ["file"]


def test_a_pipe_is_not_replaced_by_a_file_and_a_link_stays_one(tmp_path: Path) -> None:
    if hasattr(os, "mkfifo"):
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        with pytest.raises(BoxableError, match="it is a device or a pipe; name a file"):
            write_atomically(pipe, b"x")
        assert pipe.is_fifo()
    link, file = tmp_path / "link", tmp_path / "file"
    link.symlink_to(file)
    write_atomically(link, b"x")
    assert (link.is_symlink(), file.read_bytes()) == (True, b"x")
