"""The ledger of a data folder."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from boxable.errors import ArgumentError, BoxableError
from boxable.openimages.fetch.ledger import Ledger, Outcome, Wanted

WANTED = [Wanted("a", "split/a.jpg"), Wanted("b", "split/b.jpg", 7, "0a"), Wanted("c", "https://there/c.jpg")]
DONE = Outcome("a", 2, 100, "ff", 64, 48)
FAILED = Outcome("c", 6, reason="the server answered 404")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with Ledger(path) as opened:
        opened.want(WANTED)
        yield opened


def test_outcomes_are_kept_and_change_the_state(ledger: Ledger, path: Path) -> None:
    assert list(ledger.missing()) == WANTED
    ledger.record(DONE)
    ledger.record(FAILED)
    ledger.commit()
    with Ledger(path) as again:
        assert list(again.ids()) == ["a", "b", "c"]
        assert list(again.missing()) == WANTED[1:]
        assert list(again.done()) == [("a", 100)]
        assert list(again.md5s()) == [("a", "ff")]
        assert list(again.failures()) == [("c", "the server answered 404")]
        assert again.sizes("a", "b") == {"a": (64, 48)}
        assert again.counts() == {"wanted": (1, 0), "done": (1, 100), "failed": (1, 0)}


def test_an_image_that_is_wanted_again_keeps_its_state_and_gets_the_new_address(ledger: Ledger) -> None:
    ledger.record(DONE)
    ledger.commit()
    ledger.want([Wanted("a", "https://other/a.jpg"), Wanted("b", "https://other/b.jpg")])
    assert list(ledger.done()) == [("a", 100)]
    assert list(ledger.missing()) == [Wanted("b", "https://other/b.jpg"), WANTED[2]]


def test_a_forgotten_image_is_missing(ledger: Ledger) -> None:
    ledger.record(DONE)
    ledger.commit()
    ledger.forget(["a"])
    assert list(ledger.missing()) == WANTED
    assert ledger.sizes("a", "c") == {}


def test_outcomes_may_be_recorded_while_missing_images_are_read(ledger: Ledger) -> None:
    ids = [f"d{number:05}" for number in range(2500)]  # more than two pages
    ledger.want(Wanted(image_id, image_id) for image_id in ids)
    read = []
    for image in ledger.missing():
        read.append(image.id)
        ledger.record(Outcome(image.id, 1, 1, "", 1, 1))
        if len(read) % 700 == 0:
            ledger.commit()
    assert read == ["a", "b", "c", *ids]


def test_a_ledger_of_another_kind_is_refused(path: Path) -> None:
    with sqlite3.connect(path) as base:
        base.execute("PRAGMA user_version = 2")
    base.close()
    with pytest.raises(ArgumentError, match="a ledger of kind 2"):
        Ledger(path)


def test_a_damaged_ledger_is_an_error_that_says_what_to_do(path: Path) -> None:
    path.write_bytes(b"no database" * 100)
    with pytest.raises(BoxableError, match="if it is damaged, remove it"):
        Ledger(path)


@pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL")
def test_a_killed_process_loses_nothing_that_was_committed(path: Path) -> None:
    code = (
        "import os, pathlib, signal, sys; from boxable.openimages.fetch.ledger import Ledger, Outcome, Wanted\n"
        "ledger = Ledger(pathlib.Path(sys.argv[1])); ledger.want([Wanted('a', 'a'), Wanted('b', 'b')])\n"
        "ledger.record(Outcome('a', 1, 5, '', 1, 1)); ledger.commit(); ledger.record(Outcome('b', 1, 5, '', 1, 1))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    with Ledger(path) as ledger:
        assert list(ledger.done()) == [("a", 5)]
        assert [image.id for image in ledger.missing()] == ["b"]
