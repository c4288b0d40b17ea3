"""The output folder of a run."""

import json
from pathlib import Path

import pytest

from boxable.errors import ArgumentError
from boxable.run_folder import RECORD, open_run_folder


def write(folder: Path, *names: str, inputs: tuple[Path, ...] = ()) -> None:
    """A run that writes these files."""
    with open_run_folder(folder, inputs) as run:
        run.clear()
        for name in names:
            with run.atomic_file(folder / name) as file:
                file.write(b"content")


def names_in(folder: Path) -> list[str]:
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    return [name for name in files if name != RECORD]


def test_a_run_removes_what_the_run_before_wrote_and_it_does_not(tmp_path: Path) -> None:
    write(tmp_path, "a.png", "b.png", "crops/Cat/1.png")
    (tmp_path / "own.txt").write_bytes(b"")
    (tmp_path / "crops" / "own").mkdir()
    write(tmp_path, "b.png", "c.png")
    assert names_in(tmp_path) == ["b.png", "c.png", "own.txt"]
    assert (tmp_path / "crops" / "own").is_dir()
    assert not (tmp_path / "crops" / "Cat").exists()


def test_a_file_that_was_changed_since_is_not_the_runs_any_more(tmp_path: Path) -> None:
    write(tmp_path, "a.png")
    (tmp_path / "a.png").write_bytes(b"mine")
    write(tmp_path, "b.png")
    assert (tmp_path / "a.png").read_bytes() == b"mine"


def test_inputs_stay_and_go_with_the_run_after(tmp_path: Path) -> None:
    write(tmp_path, "a.png", "b.png")
    (tmp_path / "link.png").symlink_to("a.png")
    write(tmp_path, "c.png", inputs=(tmp_path / "link.png",))
    assert names_in(tmp_path) == ["a.png", "c.png", "link.png"]
    write(tmp_path, "d.png")
    assert names_in(tmp_path) == ["d.png", "link.png"]


def test_files_that_a_killed_run_was_writing_are_removed(tmp_path: Path) -> None:
    with open_run_folder(tmp_path) as run:
        run.record(tmp_path / "log.jsonl", grows=True)
        (tmp_path / "log.jsonl").write_bytes(b"half")
    with open_run_folder(tmp_path) as run:
        run.clear(keep=[tmp_path / "log.jsonl"])
        assert names_in(tmp_path) == [".lock", "log.jsonl"]
    write(tmp_path)
    assert not tmp_path.exists()


@pytest.mark.parametrize("line", ["x", "[]", "[1, 2]", json.dumps(["../own", None]), json.dumps(["out/own", None])])
def test_a_record_of_others_removes_nothing_outside(tmp_path: Path, line: str) -> None:
    (tmp_path / "own").write_bytes(b"")
    folder = tmp_path / "found"
    folder.mkdir()
    (folder / "out").symlink_to(tmp_path)
    (folder / RECORD).write_text(f"{line}\n", "utf-8")
    write(folder, "a.png")
    assert (tmp_path / "own").exists()
    assert (folder / "a.png").exists()


def test_a_folder_is_for_one_run_at_a_time_and_goes_if_nothing_came_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "found"
    with open_run_folder(folder), pytest.raises(ArgumentError, match="another run is writing there"):
        write(folder, "a.png")
    assert not folder.exists()
