"""Many pictures: decoded ahead in threads, run in batches, given back in order, in bounded memory."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

from boxable.errors import BoxableError

Item = TypeVar("Item")
Prepared = TypeVar("Prepared")

# How often a wait looks whether it should end.
_POLL_S = 0.1


def prepared_batches(
    items: Iterable[Item],
    prepare: Callable[[Item], Prepared],
    batch_size: int,
    workers: int,
    stop: threading.Event | None = None,
) -> Iterator[list[tuple[Item, Prepared | BoxableError]]]:
    """Batches of items in order, each with what `prepare` made of it or the BoxableError that it raised.

    Besides the batch at hand, one more and an item for each worker are held ready. Once `stop` is set, the
    items that are ready still come, and no more.
    """
    source = iter(items)
    pending: deque[tuple[Item, Future[Prepared]]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="boxable-decode")
    try:
        while stop is None or not stop.is_set():
            room = 2 * batch_size + workers - len(pending)
            pending.extend((item, pool.submit(prepare, item)) for item in islice(source, room))
            if not pending:
                return
            batch: list[tuple[Item, Prepared | BoxableError]] = []
            while pending and len(batch) < batch_size and _is_ready(pending[0][1], stop):
                item, future = pending.popleft()
                outcome = _outcome(future)
                batch.append((item, outcome))
            yield batch
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _is_ready(future: Future[Prepared], stop: threading.Event | None) -> bool:
    """Wait until it is, or until there is to be no more waiting."""
    while not future.done():
        if stop is not None and stop.is_set():
            return False
        wait([future], timeout=_POLL_S)
    return True


def _outcome(future: Future[Prepared]) -> Prepared | BoxableError:
    try:
        return future.result()
    except BoxableError as error:
        return error
