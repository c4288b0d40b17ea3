"""The progress bar."""

import io
import re
import sys
import time
from typing import Literal

import pytest

from boxable.progress import progress


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def use_terminal(monkeypatch: pytest.MonkeyPatch) -> _Terminal:
    """Make stderr a terminal; in the test itself, because pytest replaces stderr after the fixtures."""
    monkeypatch.setenv("TERM", "xterm-256color")
    stderr = _Terminal()
    monkeypatch.setattr(sys, "stderr", stderr)
    return stderr


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize(
    ("unit", "total", "done", "shown"),
    [
        ("steps", 7, 0, "5/7"),
        ("steps", None, 0, "5/?"),
        ("bytes", 9000, 4000, "9.0/9.0 kB"),
        ("frames", 7, 0, "5/7"),
        ("frames", 3, 0, "5/5"),
    ],
)
def test_it_shows_what_is_done(
    unit: Literal["steps", "bytes", "frames"],
    total: int | None,
    done: int,
    shown: str,
    live: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = use_terminal(monkeypatch)
    with progress("reading", total, done=done, unit=unit, live=live) as advance:
        advance()
        advance(4999 if unit == "bytes" else 4)
    assert "reading" in terminal.getvalue()
    assert shown in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.getvalue())


@pytest.mark.parametrize("total", [0, 1])
def test_a_single_step_shows_nothing(total: int, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = use_terminal(monkeypatch)
    with progress("reading", total) as advance:
        advance()
    assert terminal.getvalue() == ""


def test_frames_have_a_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = use_terminal(monkeypatch)
    with progress("detecting", None, unit="frames", live=False) as advance:
        for _ in range(3):
            advance()
            time.sleep(0.01)
    assert "frames/s" in terminal.getvalue()


def test_a_text_is_shown_beside_a_bar_that_leaves_room_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    terminal = use_terminal(monkeypatch)
    with progress("training", 1000, live=False, texts=True) as advance:
        advance(5, "loss 1.234 [not markup], 1,234 images/s")
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.getvalue())
    assert "5/1000" in shown
    assert "loss 1.234 [not markup], 1,234 images/s" in shown


def test_it_shows_nothing_where_it_is_not_wanted_or_stderr_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = use_terminal(monkeypatch)
    with progress("reading", 9, shown=False, texts=True) as advance:
        advance(1, "text")
    monkeypatch.setattr(terminal, "isatty", lambda: False)
    with progress("reading", 9) as advance:
        advance()
    assert terminal.getvalue() == ""
