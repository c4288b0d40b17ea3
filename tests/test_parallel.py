"""Order, bounds and the end of work in parallel."""

import threading
import time
from collections.abc import Iterator

import pytest

from boxable.parallel import AHEAD, in_order, unordered


def doubled(batch: list[int]) -> list[int]:
    time.sleep(0.001 * (batch[0] % 3))  # later ones are done earlier
    return [2 * item for item in batch]


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_results_come_in_the_order_of_the_items(batch_size: int, workers: int) -> None:
    assert list(in_order(range(50), doubled, batch_size, workers)) == list(range(0, 100, 2))


def test_of_an_endless_source_only_so_much_is_taken_ahead() -> None:
    taken = 0

    def endless() -> Iterator[int]:
        nonlocal taken
        while True:
            taken += 1
            yield taken

    results = in_order(endless(), doubled, 2, 3)
    for number in range(1, 31):
        assert next(results) == 2 * number
        assert taken <= number + 2 * 3 * AHEAD
    results.close()


def test_no_more_threads_work_at_once_than_are_asked_for() -> None:
    at_work, most, lock = 0, 0, threading.Lock()

    def counted(batch: list[int]) -> list[int]:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        time.sleep(0.005)
        with lock:
            at_work -= 1
        return batch

    assert len(list(in_order(range(40), counted, 1, 3))) == 40
    assert most == 3


def test_what_is_ready_when_told_to_stop_still_comes_and_nothing_after_it() -> None:
    stop, gate = threading.Event(), threading.Event()

    def held_at_four(batch: list[int]) -> list[int]:
        if batch[0] == 4:
            gate.wait(10)
        return batch

    found = []
    for item in in_order(range(100), held_at_four, 1, 3, stop):
        found.append(item)
        if item == 1:
            time.sleep(0.1)  # until the next ones are done
            stop.set()
    gate.set()
    assert found == [0, 1, 2, 3]


def test_a_stop_is_heeded_while_the_first_result_is_waited_for() -> None:
    stop, gate = threading.Event(), threading.Event()

    def held(batch: list[int]) -> list[int]:
        gate.wait(10)
        return batch

    threading.Timer(0.05, stop.set).start()
    assert list(in_order(range(9), held, 1, 2, stop)) == []
    gate.set()


def test_an_exception_in_the_work_reaches_the_caller_and_ends_it() -> None:
    def failing(batch: list[int]) -> list[int]:
        if batch[0] == 3:
            raise ZeroDivisionError
        return batch

    results = in_order(range(100), failing, 1, 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_unordered_results_come_as_they_are_completed() -> None:
    gate = threading.Event()

    def first_is_last(item: int) -> int:
        if item == 0:
            gate.wait(10)
        return item

    found = []
    for item in unordered(range(20), first_is_last, 3, threading.Event(), threading.Event()):
        found.append(item)
        if len(found) == 19:
            gate.set()
    assert found[-1] == 0
    assert sorted(found) == list(range(20))


def test_unordered_work_takes_few_items_ahead() -> None:
    taken = 0

    def endless() -> Iterator[int]:
        nonlocal taken
        while True:
            taken += 1
            yield taken

    results = unordered(endless(), abs, 3, threading.Event(), threading.Event())
    for number in range(1, 50):
        next(results)
        assert taken <= number + 2 * 3
    results.close()


def test_unordered_work_under_way_is_completed_after_a_stop_and_none_is_begun() -> None:
    stop, begun = threading.Event(), []

    def stopping(item: int) -> int:
        begun.append(item)
        if len(begun) == 3:
            stop.set()
        stop.wait(10)
        return item

    closed = threading.Event()
    found = list(unordered(range(100), stopping, 3, stop, closed))
    assert sorted(found) == sorted(begun) == [0, 1, 2]
    assert closed.is_set()


def test_an_exception_in_unordered_work_reaches_the_caller_and_ends_it() -> None:
    closed = threading.Event()

    def failing(item: int) -> int:
        return 1 // (item - 5)

    with pytest.raises(ZeroDivisionError):
        list(unordered(range(100), failing, 2, threading.Event(), closed))
    assert closed.is_set()
