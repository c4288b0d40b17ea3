"""Prefetch: order, buffer, errors and the end."""

import threading
import time
from collections.abc import Generator

import pytest

from boxable.prefetch import prefetch


def counting(count: int, made: list[int], pause_s: float = 0.0) -> Generator[int]:
    for number in range(count):
        time.sleep(pause_s)
        made.append(number)
        yield number


def test_everything_comes_in_order_and_only_so_far_ahead() -> None:
    made: list[int] = []
    lead = []
    for number in prefetch(counting(50, made), 3):
        time.sleep(0.002)
        lead.append(made[-1] - number)
    assert len(lead) == len(made) == 50
    assert max(lead) <= 4  # three in the buffer and one in hand


def test_a_live_source_is_not_held_up_and_its_newest_item_is_taken() -> None:
    made: list[int] = []
    taken = []
    for number in prefetch(counting(40, made, pause_s=0.005), 1, drop_oldest=True):
        assert made[-1] - number <= 1
        taken.append(number)
        time.sleep(0.05)
    assert len(made) == 40
    assert 2 <= len(taken) < 20
    assert taken == sorted(set(taken))
    assert taken[-1] == 39


def test_a_full_buffer_drops_its_oldest_items() -> None:
    first, done = threading.Event(), threading.Event()

    def counted() -> Generator[int]:
        yield 0
        first.wait(10)
        yield from range(1, 10)
        done.set()

    items = prefetch(counted(), 3, drop_oldest=True)
    assert next(items) == 0
    first.set()
    assert done.wait(10)
    assert list(items) == [7, 8, 9]


def test_an_error_comes_after_the_items_before_it() -> None:
    def breaking() -> Generator[int]:
        yield 1
        yield 2
        raise ValueError("enough")

    taken = []
    with pytest.raises(ValueError, match="enough"):
        taken.extend(prefetch(breaking(), 4))
    assert taken == [1, 2]


@pytest.mark.parametrize("drop", [False, True])
def test_the_generator_is_closed_when_nobody_takes_any_more(drop: bool) -> None:
    closed = threading.Event()

    def endless() -> Generator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    items = prefetch(endless(), 2, drop_oldest=drop)
    assert next(items) == 1
    items.close()  # type: ignore[attr-defined]
    assert closed.wait(2)


def test_stop_is_heeded_while_the_generator_is_silent() -> None:
    stop, silent = threading.Event(), threading.Event()

    def waiting() -> Generator[int]:
        yield 1
        silent.wait(30)
        yield 2

    taken = []
    start = time.monotonic()
    for number in prefetch(waiting(), 1, stop=stop):
        taken.append(number)
        threading.Timer(0.05, stop.set).start()
    silent.set()
    assert taken == [1]
    assert time.monotonic() - start < 5
