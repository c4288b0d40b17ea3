"""Atomic writing, reading, and the files below a folder."""

import os
import time
from pathlib import Path

import pytest

from boxable.errors import ArgumentError, BoxableError
from boxable.files import (
    atomic_file,
    atomic_path,
    files_below,
    folders_within,
    is_abandoned,
    is_clutter,
    read_start,
    read_text,
    write_atomically,
    writing,
)


def test_what_cannot_be_written_below_the_home_folder_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("BOXABLE_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(BoxableError, match=r"cannot write .*; set BOXABLE_HOME to a folder that can be written$"):
        write_atomically(tmp_path / "file" / "home" / "locks" / "a", b"")
    with pytest.raises(BoxableError, match=r"Not a directory$"):
        write_atomically(tmp_path / "file" / "results" / "a", b"")


def test_a_file_appears_whole_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    with atomic_path(path) as temporary:
        temporary.write_bytes(b"content")
        assert not path.exists()
        assert temporary.parent == path.parent
    assert path.read_bytes() == b"content"
    assert list(path.parent.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail() -> None:
        with atomic_file(path) as file:
            file.write(b"new")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_atomically(tmp_path / "link", b"content")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"content"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders")
def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BoxableError, match="device or a pipe"):
        write_atomically(tmp_path / "pipe", b"content")
    assert list(tmp_path.iterdir()) == [tmp_path / "pipe"]


def test_an_os_error_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BoxableError, match=r"^cannot write .*below: "):
        write_atomically(tmp_path / "file" / "below", b"")


def test_a_broken_pipe_is_left_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(BrokenPipeError), writing(tmp_path):
        raise BrokenPipeError


def test_only_a_file_that_is_a_day_old_is_abandoned(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert not is_abandoned(path)
    path.touch()
    assert not is_abandoned(path)
    day = time.time() - 24 * 3600
    os.utime(path, (day + 100, day + 100))
    assert not is_abandoned(path)
    os.utime(path, (day - 100, day - 100))
    assert is_abandoned(path)


def test_files_below_a_folder_come_in_order_without_clutter_and_links_are_followed_once(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    names = [
        "b/c/d.txt",
        "a.jpg",
        "b/a.jpg",
        "._a.jpg",
        ".hidden/a.jpg",
        "__MACOSX/a.jpg",
        "Thumbs.db",
        "b/desktop.ini",
    ]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "e.jpg").touch()
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    (folder / "b" / "ring").symlink_to(folder)
    found = list(files_below(folder))
    assert [name for name, _ in found] == ["a.jpg", "b/a.jpg", "b/c/d.txt", "link/e.jpg"]
    assert all(path == folder / name for name, path in found)


@pytest.mark.parametrize("name", ["._a.jpg", ".DS_Store", "Thumbs.db", "THUMBS.DB", "desktop.ini", "__MACOSX"])
def test_what_systems_leave_is_clutter(name: str) -> None:
    assert is_clutter(name)
    assert not is_clutter(f"a{name}")


def test_text_is_read_without_its_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("\ufeffcat\n".encode())
    assert read_text(tmp_path / "a.txt", "names") == "cat\n"
    assert read_start(tmp_path / "a.txt", 4) == b"\xef\xbb\xbfc"


def test_what_cannot_be_read_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ArgumentError, match=r"a\.txt: not text; expected names$"):
        read_text(tmp_path / "a.txt", "names")
    with pytest.raises(ArgumentError, match=r"missing\.txt: no such file$"):
        read_text(tmp_path / "missing.txt", "names")
    with pytest.raises(BoxableError, match=r"cannot read it \(Is a directory\)$"):
        read_start(tmp_path, 4)


def test_a_folder_is_searched_by_its_own_path_before_that_of_a_link(tmp_path: Path) -> None:
    (tmp_path / "set" / "z").mkdir(parents=True)
    (tmp_path / "set" / "z" / "a.jpg").touch()
    (tmp_path / "set" / "b").symlink_to("z")
    assert [name for name, _ in files_below(tmp_path / "set")] == ["z/a.jpg"]


def test_folders_are_listed_so_many_levels_deep_without_clutter(tmp_path: Path) -> None:
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    for name in ("x.txt", "._x.txt", "a/y.txt", "a/b/z.txt"):
        (tmp_path / name).touch()
    (tmp_path / "__MACOSX").mkdir()
    assert list(folders_within(tmp_path, 2)) == [
        (tmp_path, ["a"], ["x.txt"]), (tmp_path / "a", ["b"], ["y.txt"]),
    ]  # fmt: skip
