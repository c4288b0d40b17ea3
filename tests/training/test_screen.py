"""What people see of a run while it trains."""

import io
import logging
import re
import sys
import time

import pytest

from boxable.training.screen import StepFigures, screen


class _Clock:
    """Seconds that pass only when a step takes them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    def steps(self, show, steps, seconds: float, phase: str = "head") -> None:
        for step in steps:
            self.now += seconds
            show(StepFigures(step, phase, loss=100 / step, lr=0.0015, images_per_s=1234.4, left_s=270.2))


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    @property
    def text(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.getvalue())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    return _Clock(monkeypatch)


def use_terminal(monkeypatch: pytest.MonkeyPatch) -> _Terminal:
    """Make stderr a terminal; in the test itself, because pytest replaces stderr after the fixtures."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    return terminal


def test_without_a_terminal_there_is_a_line_every_half_minute(
    clock: _Clock, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO, "boxable")
    with screen(1600, 1000) as show:
        clock.steps(show, range(1001, 1150), 0.5)
    assert caplog.messages == [
        "step 1,060 of 1,600, head: loss 0.094, lr 0.0015, 1,234 images/s, 0:04:30 left",
        "step 1,120 of 1,600, head: loss 0.089, lr 0.0015, 1,234 images/s, 0:04:30 left",
    ]
    assert capsys.readouterr().err == ""


def test_a_terminal_has_one_live_line(
    clock: _Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "boxable")
    terminal = use_terminal(monkeypatch)
    with screen(1600, 1000) as show:
        clock.steps(show, [1200, 1400], 60)
        assert "1400/1600" in terminal.text
        assert "head: loss 0.071, lr 0.0015, 1,234 images/s" in terminal.text
        assert terminal.text.endswith("left"), "the line can be drawn over"
    assert caplog.messages == []


def test_a_terminal_is_updated_a_few_times_a_second_and_for_a_new_phase(
    clock: _Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = use_terminal(monkeypatch)
    with screen(1000) as show:
        clock.steps(show, range(1, 50), 1 / 64)
        assert re.findall(r"(\d+)/1000", terminal.text)[-4:] == ["1", "17", "33", "49"]
        clock.steps(show, [100], 0, phase="validation")
        assert "100/1000" in terminal.text
        assert "validation: loss 1.000" in terminal.text


def test_a_stop_leaves_the_terminal_as_it_was(clock: _Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped() -> None:
        with screen(1000) as show:
            clock.steps(show, [1], 1)
            raise KeyboardInterrupt

    terminal = use_terminal(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert terminal.getvalue().count("\x1b[?25l") == terminal.getvalue().count("\x1b[?25h") == 1, "the cursor"
    assert sys.stderr is terminal
