"""Run a service with uvicorn in this process, or in several that share a socket."""

import asyncio
import logging
import os
import select
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import connection, get_context
from multiprocessing.context import SpawnProcess
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI
from prometheus_client.multiprocess import mark_process_dead

from boxable.errors import BoxableError
from boxable.serving.app import around, make_app
from boxable.serving.connections import BoundedProtocol, raise_descriptor_limit
from boxable.serving.figures import SHARED
from boxable.serving.models import load_all
from boxable.serving.options import ServeOptions
from boxable.serving.service import Service

logger = logging.getLogger("boxable")
# Connections that wait to be accepted, and seconds after which an idle one is closed.
_BACKLOG, _KEEP_ALIVE_S = 2048, 30
# After SIGTERM, for requests that were sent before the listener was closed.
_ON_THEIR_WAY_S = 0.5
# Seconds before a worker that ended is started again, and after the grace time before workers are killed.
_PAUSE_S, _MARGIN_S = 1.0, 5.0
# So many workers may end within so many seconds; then the service is broken.
_DEATHS, _WITHIN_S = 5, 60.0
# Seconds for which a worker thread may keep the interpreter while the loop waits for it; a tenth of Python's default.
_SWITCH_S = 0.0005
_RELOAD = getattr(signal, "SIGHUP", None)


def serve(options: ServeOptions, prepare: Callable[[], None]) -> None:
    """Serve until SIGTERM or Ctrl-C; requests that were accepted are answered first. Raises BoxableError.

    `prepare` is called first in each worker process; it can be pickled.
    """
    if _RELOAD is not None:
        signal.signal(_RELOAD, signal.SIG_IGN)  # until there is something to load again
    with _listener(options) as listener:
        host, port = listener.getsockname()[:2]
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        if options.workers == 1:
            _run(options, listener, address)
        else:
            _supervise(options, listener, address, prepare)


def _run(options: ServeOptions, listener: socket.socket, address: str) -> None:
    """Load the models, and serve in this process. Raises BoxableError."""
    sys.setswitchinterval(_SWITCH_S)
    raise_descriptor_limit()
    service = Service(options)
    logger.info("serving %s at %s", ", ".join(service.models.names()), address)
    server = _Server(options, make_app(options, service))
    server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """Loads the models again at SIGHUP, ends without an error at SIGTERM, and loses no request at the end."""

    def __init__(self, options: ServeOptions, app: FastAPI) -> None:
        config = uvicorn.Config(
            around(app, options), log_config=None, access_log=False, lifespan="on", http=BoundedProtocol,
            ws="none",
            timeout_graceful_shutdown=max(1, int(options.grace_s)), timeout_keep_alive=_KEEP_ALIVE_S, backlog=_BACKLOG,
            server_header=False,
        )  # fmt: skip
        super().__init__(config)
        self._service: Service = app.state.service
        self._reloading: asyncio.Future[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and listen to SIGHUP."""
        await super().startup(sockets)
        if _RELOAD is not None:
            asyncio.get_running_loop().add_signal_handler(_RELOAD, self._begin_reload)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the listener, give requests that were sent a moment to be read, then end as uvicorn does."""
        await _accept_all(sockets or [])
        for server in self.servers:
            server.close()
        for one in sockets or []:
            one.close()
        await asyncio.sleep(_ON_THEIR_WAY_S)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle SIGTERM and Ctrl-C; uvicorn's own method raises them again at the end."""
        former = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    def _begin_reload(self) -> None:
        if self._reloading is None or self._reloading.done():
            self._reloading = asyncio.ensure_future(asyncio.to_thread(_reload, self._service))


async def _accept_all(listeners: list[socket.socket]) -> None:
    """Wait until no connection waits to be accepted: closing the listener would reset it."""
    end = time.monotonic() + _ON_THEIR_WAY_S
    while listeners and select.select(listeners, [], [], 0)[0] and time.monotonic() < end:
        await asyncio.sleep(0)


def _reload(service: Service) -> None:
    try:
        service.models.reload()
    except (BoxableError, OSError, MemoryError) as error:
        logger.warning("the models stay as they are: %s", error)
    else:
        logger.info("the models were loaded again")


def _supervise(options: ServeOptions, listener: socket.socket, address: str, prepare: Callable[[], None]) -> None:
    """Run worker processes until SIGTERM or Ctrl-C. Raises BoxableError."""
    load_all(options)  # what is wrong is said once, before any worker starts
    with tempfile.TemporaryDirectory(prefix="boxable-figures-") as folder:
        os.environ[SHARED] = folder
        _Supervisor(options, (prepare, options, listener, address)).run()


class _Supervisor:
    """Starts workers, starts those that ended again, and passes signals on."""

    def __init__(self, options: ServeOptions, arguments: tuple[Any, ...]) -> None:
        self._options, self._arguments = options, arguments
        self._workers: list[SpawnProcess] = []
        self._deaths: list[float] = []
        self._stopping = False

    def run(self) -> None:
        """Run until a signal ends it. Raises BoxableError where workers end again and again."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        if _RELOAD is not None:
            signal.signal(_RELOAD, self._pass_on)
        try:
            self._workers = [self._start() for _ in range(self._options.workers)]
            while not self._stopping:
                connection.wait([worker.sentinel for worker in self._workers], timeout=0.2)
                self._restart()
        finally:
            # Else what connects after the last worker has closed its own would wait in vain.
            self._arguments[2].close()
            self._end()

    def _start(self) -> SpawnProcess:
        worker = get_context("spawn").Process(target=_work, args=self._arguments)
        with _ignoring_reload():  # which the process inherits: it would end by SIGHUP until it handles it
            worker.start()
        return worker

    def _restart(self) -> None:
        for place, worker in enumerate(self._workers):
            if worker.is_alive() or self._stopping:
                continue
            mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
            now = time.monotonic()
            self._deaths = [death for death in self._deaths if death > now - _WITHIN_S] + [now]
            if len(self._deaths) > _DEATHS:
                raise BoxableError(
                    f"{len(self._deaths)} workers ended within {_WITHIN_S:.0f} seconds; the log says why"
                )
            logger.warning("a worker ended with exit code %s; starting another", worker.exitcode)
            time.sleep(_PAUSE_S)
            self._workers[place] = self._start()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        for worker in self._workers:
            if worker.pid is not None and worker.is_alive():
                os.kill(worker.pid, number)

    def _end(self) -> None:
        end = time.monotonic() + self._options.grace_s + _MARGIN_S
        for worker in self._workers:
            worker.terminate()
        for worker in self._workers:
            worker.join(max(0.0, end - time.monotonic()))
            if worker.is_alive():
                logger.warning("a worker did not end in time and is killed")
                worker.kill()


@contextmanager
def _ignoring_reload() -> Iterator[None]:
    former = None if _RELOAD is None else signal.signal(_RELOAD, signal.SIG_IGN)
    try:
        yield
    finally:
        if _RELOAD is not None:
            signal.signal(_RELOAD, former)


def _work(prepare: Callable[[], None], options: ServeOptions, listener: socket.socket, address: str) -> None:
    """Serve in a worker process."""
    if _RELOAD is not None:
        signal.signal(_RELOAD, signal.SIG_IGN)
    prepare()
    _run(options, listener, address)


def _listener(options: ServeOptions) -> socket.socket:
    """Bind the socket, before any model is loaded. Raises BoxableError."""
    try:
        family = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0][0]
        # With the protocol given, asyncio turns Nagle's algorithm off, which would delay answers by 40 ms.
        found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((options.host, options.port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BoxableError(f"cannot listen on {options.host}:{options.port}: {reason}") from None
    return found
