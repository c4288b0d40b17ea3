"""Many pictures: decoded ahead in threads, run in batches, given back in order, in bounded memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from boxable.errors import BoxableError

Item = TypeVar("Item")
Prepared = TypeVar("Prepared")


def prepared_batches(
    items: Iterable[Item], prepare: Callable[[Item], Prepared], batch_size: int, workers: int
) -> Iterator[list[tuple[Item, Prepared | BoxableError]]]:
    """Batches of items in order, each with what `prepare` made of it or the BoxableError that it raised.

    At most one batch and one item a worker are held ready.
    """
    source = iter(items)
    pending: deque[tuple[Item, Future[Prepared]]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="boxable-decode")
    try:
        while True:
            room = batch_size + workers - len(pending)
            pending.extend((item, pool.submit(prepare, item)) for item in islice(source, room))
            if not pending:
                return
            ready = [pending.popleft() for _ in range(min(batch_size, len(pending)))]
            # Refill before waiting, so that the workers decode on while this batch is run.
            pending.extend((item, pool.submit(prepare, item)) for item in islice(source, len(ready)))
            batch: list[tuple[Item, Prepared | BoxableError]] = []
            for item, future in ready:
                outcome = _outcome(future)
                batch.append((item, outcome))
            yield batch
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _outcome(future: Future[Prepared]) -> Prepared | BoxableError:
    try:
        return future.result()
    except BoxableError as error:
        return error
