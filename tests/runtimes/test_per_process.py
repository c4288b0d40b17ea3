"""A runtime is opened once in each process."""

import os
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from boxable.runtimes.per_process import PerProcess


class Counting:
    """Gives its number."""

    opened = 0

    def __init__(self) -> None:
        type(self).opened += 1
        self.number = type(self).opened

    def run(self, graph: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        return {graph: self.number}


@pytest.fixture(autouse=True)
def _from_zero() -> None:
    Counting.opened = 0


def test_it_is_opened_when_it_is_first_used_and_then_stays() -> None:
    runtime = PerProcess(Counting)
    assert Counting.opened == 0
    assert [runtime.run("graph", {}) for _ in range(3)] == [{"graph": 1}] * 3


def test_in_another_process_it_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = PerProcess(Counting)
    runtime.here()
    own = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: own + 1)
    assert [runtime.run("graph", {}) for _ in range(2)] == [{"graph": 2}] * 2


def test_threads_open_it_once() -> None:
    begin = threading.Barrier(8)

    def slow() -> Counting:
        threading.Event().wait(0.05)
        return Counting()

    runtime, found = PerProcess(slow), []

    def use() -> None:
        begin.wait()
        found.append(runtime.here())

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counting.opened == 1
    assert len(set(map(id, found))) == 1


def test_a_lock_that_the_parent_held_does_not_stop_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime, own = PerProcess(Counting), os.getpid()
    lock = runtime._locks.setdefault(own, threading.Lock())
    with lock:
        monkeypatch.setattr(os, "getpid", lambda: own + 1)
        assert runtime.here().run("graph", {}) == {"graph": 1}


def test_an_error_of_opening_is_raised_and_the_next_use_tries_again() -> None:
    outcomes = iter([OSError("not yet"), Counting()])

    def open_() -> Counting:
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    runtime = PerProcess(open_)
    with pytest.raises(OSError, match="not yet"):
        runtime.here()
    assert runtime.run("graph", {}) == {"graph": 1}
