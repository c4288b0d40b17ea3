"""Work ahead in a thread, in bounded memory."""

import threading
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Generic, TypeVar

Item = TypeVar("Item")

# How often a wait looks whether it should end, and how long the thread is given to end after that.
_POLL_S = 0.1
_GRACE_S = 1.0


def prefetch(
    items: Generator[Item], room: int, *, drop: bool = False, stop: threading.Event | None = None
) -> Iterator[Item]:
    """The items of a generator that runs in a thread of its own, up to `room` of them ahead; its error in their place.

    With `drop` the generator never waits: where there is no room, the oldest item makes room for the newest. Once
    `stop` is set, nothing more comes.
    """
    shelf: _Shelf[Item] = _Shelf(room, drop)
    # A daemon: a camera that gives no picture must not hold up the exit.
    thread = threading.Thread(target=_fill, args=(items, shelf), name="ahead", daemon=True)
    thread.start()
    try:
        while stop is None or not stop.is_set():
            yield from shelf.take()
            if shelf.is_done():
                return
    finally:
        shelf.close()
        thread.join(_GRACE_S)


def _fill(items: Generator[Item], shelf: "_Shelf[Item]") -> None:
    error: BaseException | None = None
    try:
        with closing(items):
            for item in items:
                if not shelf.put(item):
                    return
    except BaseException as caught:  # whatever it is, it belongs to the thread that takes the items
        error = caught
    shelf.end(error)


class _Shelf(Generic[Item]):
    def __init__(self, room: int, drop: bool) -> None:
        self._items: deque[Item] = deque()
        self._room, self._drop = room, drop
        self._change = threading.Condition()
        self._closed = self._ended = False
        self._error: BaseException | None = None

    def put(self, item: Item) -> bool:
        """Add it, waiting for room or making it; False if nobody takes items any more."""
        with self._change:
            if self._drop and len(self._items) == self._room:
                self._items.popleft()
            self._change.wait_for(lambda: self._closed or len(self._items) < self._room)
            self._items.append(item)
            self._change.notify_all()
            return not self._closed

    def take(self) -> list[Item]:
        """The oldest item; none if for a while there is none. Raises the error of the generator."""
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
