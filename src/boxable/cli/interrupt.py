"""Ctrl-C as a request to finish properly."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


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
