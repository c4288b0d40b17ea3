"""Map a function over many items in threads, in bounded memory: in order, or as results are completed."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice
from queue import Empty, SimpleQueue
from typing import TypeVar

from boxable.findings import counted

logger = logging.getLogger("boxable")

Item = TypeVar("Item")
Result = TypeVar("Result")

# Batches taken from the source ahead of the results, for each worker: one in work and one that waits.
AHEAD = 2
# How often a wait checks whether it should end.
_POLL_S = 0.1
# How long calls under way may take after a stop without a notice.
_NOTICE_S = 0.3


def in_order(
    items: Iterable[Item],
    work: Callable[[list[Item]], list[Result]],
    batch_size: int,
    workers: int,
    stop: threading.Event | None = None,
) -> Iterator[Result]:
    """Map `work` over batches of up to `batch_size` items in `workers` threads; yield the results in order.

    `AHEAD` batches for each worker are taken from `items` before the first result is yielded. Once `stop` is set,
    results that are ready are still yielded, and no more. The exit of the process waits for calls of `work`: native
    code must not run while the process ends.
    """
    source = iter(items)
    pending: deque[Future[list[Result]]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="boxable-stream")
    try:
        while stop is None or not stop.is_set():
            while len(pending) < AHEAD * workers and (batch := list(islice(source, batch_size))):
                pending.append(pool.submit(work, batch))
            if not pending:
                return
            if _is_ready(pending[0], stop):
                yield from pending.popleft().result()
        while pending and pending[0].done():
            yield from pending.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _is_ready(future: Future[list[Result]], stop: threading.Event | None) -> bool:
    """Wait for the result; return False if `stop` is set before."""
    while not future.done():
        if stop is not None and stop.is_set():
            return False
        wait([future], timeout=_POLL_S)
    return True


def unordered(
    items: Iterable[Item], work: Callable[[Item], Result], workers: int, stop: threading.Event, closed: threading.Event
) -> Generator[Result, None, None]:
    """Map `work` over items in `workers` threads; yield results as they are completed, or raise the error of a call.

    Few more than `workers` items are taken ahead. Once `stop` is set, calls under way are completed, and none is begun.
    `closed` is set when nobody takes results any more. The threads are daemons: the exit of the process does not wait
    for them, as it would for those of an executor.
    """
    source = iter(items)
    todo: SimpleQueue[tuple[Item, Future[Result]] | None] = SimpleQueue()
    finished: SimpleQueue[Future[Result]] = SimpleQueue()
    waiting: set[Future[Result]] = set()

    def run() -> None:
        while task := todo.get():
            item, future = task
            if stop.is_set() or closed.is_set():
                future.cancel()
            elif future.set_running_or_notify_cancel():
                try:
                    future.set_result(work(item))
                except BaseException as error:  # raised where the results are taken
                    future.set_exception(error)
            finished.put(future)

    for _ in range(workers):
        threading.Thread(target=run, name="boxable-unordered", daemon=True).start()
    try:
        told = False
        while True:
            for item in islice(source, 0 if stop.is_set() else 2 * workers - len(waiting)):
                future: Future[Result] = Future()
                waiting.add(future)
                todo.put((item, future))
            if not waiting:
                return
            try:
                future = finished.get(timeout=_NOTICE_S)
            except Empty:
                if stop.is_set() and not told:
                    told = True
                    count = sum(future.running() for future in waiting)
                    logger.info("waiting for %s that began; Ctrl-C again ends at once", counted(count, "image|s"))
                continue
            waiting.remove(future)
            if not future.cancelled():
                yield future.result()
    finally:
        closed.set()
        for _ in range(workers):
            todo.put(None)
