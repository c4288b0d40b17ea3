"""Many pictures: worked on in parallel, a few at a time, given back in order, in bounded memory."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# Batches taken from the source ahead of the results, for each worker: the one at work and one that waits.
AHEAD = 2
# How often a wait looks whether it should end.
_POLL_S = 0.1


def in_order(
    items: Iterable[Item],
    work: Callable[[list[Item]], list[Result]],
    batch_size: int,
    workers: int,
    stop: threading.Event | None = None,
) -> Iterator[Result]:
    """What `work` makes of the items, in their order; it gets up to `batch_size` of them, in one of `workers` threads.

    `AHEAD` batches for each worker are taken from `items` before the first result is asked for. Once `stop` is
    set, the results that are ready still come, and no more.
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
    """Wait until it is, or until there is to be no more waiting."""
    while not future.done():
        if stop is not None and stop.is_set():
            return False
        wait([future], timeout=_POLL_S)
    return True
