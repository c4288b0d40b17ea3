"""The progress bar."""

import io
import sys
from typing import Literal

import pytest

from boxable.progress import progress


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> _Terminal:
    stderr = _Terminal()
    monkeypatch.setattr(sys, "stderr", stderr)
    return stderr


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize(
    ("unit", "total", "done", "shown"),
    [("steps", 7, 0, "5/7"), ("steps", None, 0, "5/?"), ("bytes", 9000, 4000, "9.0/9.0 kB")],
)
def test_it_shows_what_is_done(
    unit: Literal["steps", "bytes"], total: int | None, done: int, shown: str, live: bool, terminal: _Terminal
) -> None:
    with progress("reading", total, done=done, unit=unit, live=live) as advance:
        advance()
        advance(4 if unit == "steps" else 4999)
    assert "reading" in terminal.getvalue()
    assert shown in terminal.getvalue()


@pytest.mark.parametrize("total", [0, 1])
def test_a_single_step_shows_nothing(total: int, terminal: _Terminal) -> None:
    with progress("reading", total) as advance:
        advance()
    assert terminal.getvalue() == ""


def test_it_shows_nothing_where_it_is_not_wanted_or_stderr_is_no_terminal(
    terminal: _Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with progress("reading", 9, shown=False) as advance:
        advance()
    monkeypatch.setattr(terminal, "isatty", lambda: False)
    with progress("reading", 9) as advance:
        advance()
    assert terminal.getvalue() == ""
