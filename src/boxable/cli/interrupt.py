"""Ctrl-C as a request to finish properly, and SIGTERM as Ctrl-C."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from boxable.errors import BoxableError


@contextmanager
def polite_interrupt() -> Iterator[threading.Event]:
    """Set an event at the first Ctrl-C within the block; the second raises KeyboardInterrupt."""
    stop = threading.Event()

    def handle(number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    previous = signal.signal(signal.SIGINT, handle)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, previous)


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Raise KeyboardInterrupt at SIGTERM too, which clusters send some seconds before they kill a job.

    Another error after that, as an import raises that was interrupted, becomes a KeyboardInterrupt too.
    """
    came = False

    def handle(number: int, frame: object) -> None:
        nonlocal came
        came = True
        raise KeyboardInterrupt

    wanted = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) != signal.SIG_IGN]
    previous = {number: signal.signal(number, handle) for number in wanted}
    try:
        yield
    except Exception as error:
        if came and not isinstance(error, BoxableError):
            raise KeyboardInterrupt from error
        raise
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
