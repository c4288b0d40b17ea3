"""Prefetch items in a thread, in bounded memory."""

import threading
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Generic, TypeVar

Item = TypeVar("Item")

# How often a wait checks whether it should end, and how long the thread may take to end after that.
_POLL_S = 0.1
_GRACE_S = 1.0


def prefetch(
    items: Generator[Item], size: int, *, drop_oldest: bool = False, stop: threading.Event | None = None
) -> Iterator[Item]:
    """Run a generator in a thread of its own and yield its items from a buffer of `size` items.

    An error of the generator is raised after the items before it. With `drop_oldest` the generator never waits: in a
    full buffer the newest item replaces the oldest. Once `stop` is set, nothing more is yielded.
    """
    buffer: _Buffer[Item] = _Buffer(size, drop_oldest)
    # A daemon: a camera that delivers no image must not delay the exit.
    thread = threading.Thread(target=_fill, args=(items, buffer), name="prefetch", daemon=True)
    thread.start()
    try:
        while stop is None or not stop.is_set():
            yield from buffer.get()
            if buffer.is_done():
                return
    finally:
        buffer.close()
        thread.join(_GRACE_S)


def _fill(items: Generator[Item], buffer: "_Buffer[Item]") -> None:
    error: BaseException | None = None
    try:
        with closing(items):
            for item in items:
                if not buffer.put(item):
                    return
    except BaseException as caught:  # raised in the thread that gets the items
        error = caught
    buffer.end(error)


class _Buffer(Generic[Item]):
    def __init__(self, size: int, drop_oldest: bool) -> None:
        self._items: deque[Item] = deque()
        self._size, self._drop_oldest = size, drop_oldest
        self._change = threading.Condition()
        self._closed = self._ended = False
        self._error: BaseException | None = None

    def put(self, item: Item) -> bool:
        """Add an item, when there is space; return False if the buffer was closed."""
        with self._change:
            if self._drop_oldest and len(self._items) == self._size:
                self._items.popleft()
            self._change.wait_for(lambda: self._closed or len(self._items) < self._size)
            self._items.append(item)
            self._change.notify_all()
            return not self._closed

    def get(self) -> list[Item]:
        """Remove the oldest item; return none after a timeout. Raises the error of the generator."""
        with self._change:
            self._change.wait_for(lambda: self._items or self._ended, timeout=_POLL_S)
            self._change.notify_all()
            if self._items:
                return [self._items.popleft()]
            if self._error is not None:
                raise self._error
            return []

    def is_done(self) -> bool:
        with self._change:
            return self._ended and not self._items and self._error is None

    def end(self, error: BaseException | None) -> None:
        with self._change:
            self._error, self._ended = error, True
            self._change.notify_all()

    def close(self) -> None:
        with self._change:
            self._closed = True
            self._change.notify_all()
