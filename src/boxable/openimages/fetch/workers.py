"""Threads that do many things at a time, and are left behind when that is wanted."""

import logging
import queue
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from typing import Generic, TypeVar

logger = logging.getLogger("boxable")

Item = TypeVar("Item")
Result = TypeVar("Result")

_LOOK_S = 0.3


class Workers(Generic[Item, Result]):
    """`count` threads that do `work` on items until `stop` is set, when they complete what is under way.

    Not a pool of the standard library: at exit that one waits for what is under way, however long it takes.
    """

    def __init__(self, count: int, work: Callable[[Item], Result], stop: threading.Event) -> None:
        self._count, self._work, self._stop = count, work, stop
        self._halt = threading.Event()
        self._todo: queue.SimpleQueue[tuple[Item] | None] = queue.SimpleQueue()
        self._finished: queue.SimpleQueue[tuple[Result] | BaseException | None] = queue.SimpleQueue()
        self._busy: set[int] = set()
        self._told = False

    def results(self, items: Iterable[Item]) -> Generator[Result, None, None]:
        """What comes of the items, as it comes; few more than `count` items are taken ahead. Raises what `work` did."""
        for _ in range(self._count):
            threading.Thread(target=self._run, name="fetch", daemon=True).start()
        waiting = 0
        try:
            for item in items:
                if self._stop.is_set():
                    break
                self._todo.put((item,))
                waiting += 1
                while waiting >= 2 * self._count:
                    waiting -= 1
                    yield from self._next()
            for _ in range(waiting):
                yield from self._next()
        finally:
            self._halt.set()
            for _ in range(self._count):
                self._todo.put(None)

    @property
    def halted(self) -> bool:
        """Whether nobody waits for what is under way."""
        return self._halt.is_set()

    def _run(self) -> None:
        while (item := self._todo.get()) is not None:
            done: tuple[Result] | BaseException | None = None
            if not (self._stop.is_set() or self.halted):
                self._busy.add(threading.get_ident())
                try:
                    done = (self._work(item[0]),)
                except BaseException as error:  # it is raised where the results are taken
                    done = error
                self._busy.discard(threading.get_ident())
            self._finished.put(done)

    def _next(self) -> tuple[Result, ...]:
        """The next result; empty for what was not begun."""
        while True:
            with suppress(queue.Empty):
                done = self._finished.get(timeout=_LOOK_S)
                break
            if self._stop.is_set() and not self._told:
                self._told = True
                logger.info("waiting for %d images that are under way; Ctrl-C again ends at once", len(self._busy))
        if isinstance(done, BaseException):
            raise done
        return done or ()
