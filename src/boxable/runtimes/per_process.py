"""A runtime in each process: the threads of a native library do not survive a fork."""

import ctypes
import os
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any
from weakref import WeakSet

from boxable.runtimes.interface import Runtime

_opened: WeakSet[Any] = WeakSet()


class PerProcess:
    """Opens a runtime when it is first used, and again in each process that is forked from this one.

    A forked process never frees what it inherits: destructors of native libraries wait for threads that it does not
    have, and its exit would never end.
    """

    def __init__(self, open_: Callable[[], Runtime]) -> None:
        self._open = open_
        self._runtimes: dict[int, Runtime] = {}
        self._locks: dict[int, Lock] = {}

    def run(self, graph: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Run a graph; see `Runtime.run`."""
        return self.here().run(graph, inputs)

    def here(self) -> Runtime:
        """Return the runtime of this process. Raises as opening it does."""
        process = os.getpid()
        runtime = self._runtimes.get(process)
        if runtime is None:
            # A lock of its own: another thread may have held that of the parent at the fork.
            with self._locks.setdefault(process, Lock()):
                runtime = self._runtimes.get(process)
                if runtime is None:
                    runtime = self._open()
                    _opened.add(runtime)
                    self._runtimes = {process: runtime}
        return runtime


def _keep_inherited() -> None:
    for runtime in _opened:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(runtime))
    _opened.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_keep_inherited)
