"""Ctrl-C and SIGTERM: never in the middle of a step, told in one line, and a resumed run ends with the same bytes."""

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from boxable.training.held_interrupts import held_interrupts
from tests.training.runs import Run, hashes, shapes_set


@pytest.fixture
def _handlers() -> Iterator[None]:
    """SIGTERM raises KeyboardInterrupt, as in the command."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("_handlers")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_they_wait_for_the_end_of_the_block(number: signal.Signals) -> None:
    done = []

    def hold() -> None:
        with held_interrupts() as is_interrupted:
            for _ in range(3):
                done.append(is_interrupted())
                os.kill(os.getpid(), number)
        done.append(False)

    with pytest.raises(KeyboardInterrupt):
        hold()
    assert done == [False, True, True]
    assert signal.getsignal(number) is signal.default_int_handler


@pytest.mark.usefixtures("_handlers")
def test_an_inner_block_hands_them_to_the_outer_one() -> None:
    done = []

    def hold() -> None:
        with held_interrupts() as is_interrupted:
            with held_interrupts():
                os.kill(os.getpid(), signal.SIGTERM)
            done.append(is_interrupted())

    with pytest.raises(KeyboardInterrupt):
        hold()
    assert done == [True]


@pytest.mark.usefixtures("_handlers")
def test_an_error_of_the_block_is_more_important() -> None:
    def hold() -> None:
        with held_interrupts():
            os.kill(os.getpid(), signal.SIGINT)
            raise ValueError("own")

    with pytest.raises(ValueError, match="own"):
        hold()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_is_ignored_or_left_to_the_system_stays() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with held_interrupts() as is_interrupted:
            assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
            os.kill(os.getpid(), signal.SIGINT)
            assert not is_interrupted()
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_nothing_is_held() -> None:
    found = []

    def hold() -> None:
        with held_interrupts() as is_interrupted:
            found.extend([is_interrupted(), signal.getsignal(signal.SIGINT)])

    thread = threading.Thread(target=hold)
    thread.start()
    thread.join()
    assert found == [False, signal.default_int_handler]


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shapes_set(tmp_path_factory.mktemp("shapes") / "set")


# The call before which the signal comes, from 1, and what is told.
STAGES = [
    ("boxable.training.execute:make_plan", 1, signal.SIGINT, "boxable: stopped; go on with --resume"),
    ("boxable.training.features:FeatureCache.append", 1, signal.SIGTERM, "boxable: stopped after step 0 of 8; go on"),
    ("boxable.training.learner:Learner._update", 2, signal.SIGINT, "boxable: stopped after step 2 of 8; go on with"),
    ("boxable.training.validation:Validation.measure", 2, signal.SIGTERM, "boxable: stopped after step 3 of 8; go on"),
    ("boxable.training.checkpoints:_replace", 1, signal.SIGINT, "boxable: stopped after step "),
    ("boxable.training.state:State.next_phase", 1, signal.SIGTERM, "boxable: stopped; go on with --resume"),
    ("boxable.training.execute:write_report", 1, signal.SIGINT, "boxable: stopped; go on with --resume"),
]  # fmt: skip


def test_stopped_at_each_stage(shapes: Path, tmp_path: Path, ssd23_weights: Path) -> None:
    printed = tmp_path / "printed.txt"
    common = ("train", shapes, "--from", "ssd23", "--steps", "8", "--batch-size", "4", "--workers", "1", "--resume")
    for name in ("whole", "stopped"):
        (tmp_path / name).mkdir()
    assert Run(*common, "--out", tmp_path / "whole" / "run", printed=printed, save_s=1000).end() == 0
    arguments = (*common, "--out", tmp_path / "stopped" / "run")
    for target, call, number, told in STAGES:
        run = Run(*arguments, printed=printed, save_s=1000, stop_at=(target, call, number))
        assert run.end() == 130, (target, run.output)
        assert run.output.splitlines()[-1].startswith(told), (target, run.output)
        assert "Traceback" not in run.output
        assert run.output.count("boxable: stopped") == 1
    run = Run(*arguments, printed=printed)
    assert run.end() == 0, run.output
    assert hashes(tmp_path / "stopped" / "run") == hashes(tmp_path / "whole" / "run")


def test_ctrl_c_in_a_terminal(shapes: Path, tmp_path: Path, ssd23_weights: Path) -> None:
    """All processes get it; bars are shown one in another and cleared."""
    terminal, inner = os.openpty()
    arguments = ("--from", "ssd23", "--train", "head", "--steps", "2000", "--batch-size", "4", "--workers", "1")
    running = subprocess.Popen(
        [sys.executable, "-m", "boxable", "train", shapes, "--out", tmp_path / "run", *arguments],
        stdin=inner, stdout=inner, stderr=inner, start_new_session=True, env=os.environ | {"TERM": "xterm-256color"},
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(inner)
    shown = b""
    while b"head: loss" not in shown or shown.count(b"validating") < 3:
        shown += os.read(terminal, 1 << 16)
    os.write(terminal, b"\x03")
    with contextlib.suppress(OSError):  # the end of the process
        while data := os.read(terminal, 1 << 16):
            shown += data
    os.close(terminal)
    assert running.wait(30) == 130
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    assert re.fullmatch(r"boxable: stopped after step \d+ of 2,000; go on with --resume", text.splitlines()[-1])
    assert "Traceback" not in text
    assert "Error" not in text
    assert (tmp_path / "run" / "last" / "state.json").exists()
