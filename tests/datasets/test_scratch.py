"""Folders that appear whole or not at all."""

from pathlib import Path

import pytest

from boxable.datasets.scratch import new_folder, scratch_folder
from boxable.errors import BoxableError


def test_a_folder_appears_when_the_block_ends(tmp_path: Path) -> None:
    with new_folder(tmp_path / "made") as folder:
        (folder / "file").write_text("x")
        assert not (tmp_path / "made").exists()
    assert [path.name for path in tmp_path.rglob("*")] == ["made", "file"]


def test_nothing_is_left_of_a_block_that_raises(tmp_path: Path) -> None:
    with pytest.raises(FileExistsError), new_folder(tmp_path / "made") as folder:
        folder.mkdir()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_goes_and_a_running_one_stays(tmp_path: Path) -> None:
    left = tmp_path / ".made.00000000.part"
    left.mkdir()
    (left / ".lock").touch()
    other = tmp_path / ".other.00000000.part"
    other.mkdir()
    with scratch_folder(tmp_path / "made") as running, scratch_folder(tmp_path / "made"):
        assert running.is_dir()
        assert not left.exists()
    assert list(tmp_path.iterdir()) == [other]


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BoxableError, match="cannot write"), new_folder(tmp_path / "file" / "made"):
        pass
