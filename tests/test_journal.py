"""The journal of a resumable job."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from boxable.journal import Journal, stamp_of


def journal(path: Path) -> Journal:
    return Journal(path, lambda record: isinstance(record, dict))


def append(path: Path, *rows: tuple[str, list[int], Any]) -> None:
    with journal(path).appending() as write:
        for row in rows:
            write(*row)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "journal.jsonl"


def test_it_holds_what_was_appended_as_long_as_the_stamp_is_the_same(path: Path) -> None:
    append(path, ("a", [1, 2], {"n": 1}), ("b", [3, 4], {"n": 2}))
    assert path.read_bytes() == b'["a", [1, 2], {"n": 1}]\n["b", [3, 4], {"n": 2}]\n'
    held = journal(path)
    assert held.holds("a", [1, 2])
    assert not held.holds("a", [1, 3])
    assert not held.holds("c", [1, 2])
    assert list(held.records({"b": [3, 4], "a": [1, 3]})) == [{"n": 2}]


def test_a_later_line_supersedes_an_earlier_one_of_the_same_stamp(path: Path) -> None:
    append(path, ("a", [1], {"n": 1}), ("b", [1], {"n": 2}))
    append(path, ("a", [1], {"n": 3}))
    assert list(journal(path).records({"a": [1], "b": [1]})) == [{"n": 2}, {"n": 3}]


def test_an_input_that_changed_back_has_only_its_last_record(path: Path) -> None:
    append(path, ("a", [1], {"n": 1}), ("a", [2], {"n": 2}), ("a", [1], {"n": 3}))
    assert list(journal(path).records({"a": [1]})) == [{"n": 3}]
    assert not journal(path).holds("a", [2])


def test_records_that_were_just_appended_can_be_read(path: Path) -> None:
    written = journal(path)
    with written.appending() as write:
        write("a", [1], {"n": 1})
        assert list(written.records({"a": [1]})) == [{"n": 1}]


@pytest.mark.parametrize(
    "tail",
    [b'["b", [1], {"n"', b'["b", [1], {"n": 2}]', bytes(100), b"[1]\n", b"[1, 2, {}]\n", b'["b", [1], []]\n', b"7\n"],
)
def test_lines_from_an_invalid_one_on_are_dropped(path: Path, tail: bytes) -> None:
    append(path, ("a", [1], {"n": 1}))
    whole = path.read_bytes()
    path.write_bytes(whole + tail)
    append(path, ("d", [1], {"n": 4}))
    assert path.read_bytes() == whole + b'["d", [1], {"n": 4}]\n'


def test_valid_lines_after_an_invalid_one_are_dropped(path: Path) -> None:
    append(path, ("a", [1], {"n": 1}))
    path.write_bytes(path.read_bytes() + b'[1]\n["c", [1], {"n": 3}]\n')
    assert not journal(path).holds("c", [1])
    assert list(journal(path).records({"a": [1], "c": [1]})) == [{"n": 1}]


@pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL")
def test_a_killed_process_loses_no_appended_record(path: Path) -> None:
    code = (
        "import os, pathlib, signal, sys; from boxable.journal import Journal\n"
        "with Journal(pathlib.Path(sys.argv[1]), lambda record: True).appending() as append:\n"
        "    append('a', [1], {'n': 1}); append('b', [1], {'n': 2})\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert list(journal(path).records({"a": [1], "b": [1]})) == [{"n": 1}, {"n": 2}]


def test_a_stamp_tells_size_and_time_and_zeros_of_no_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"four")
    os.utime(path, ns=(0, 5))
    assert stamp_of(path) == [4, 5]
    assert stamp_of(tmp_path / "gone.jpg") == [0, 0]
