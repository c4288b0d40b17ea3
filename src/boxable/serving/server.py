"""Run a service with uvicorn in this process, or in several that share a socket."""

import asyncio
import logging
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import connection, get_context
from multiprocessing.context import SpawnProcess
from types import FrameType

import uvicorn
from fastapi import FastAPI

from boxable.detection.load import load
from boxable.errors import BoxableError
from boxable.serving.app import make_app
from boxable.serving.figures import SHARED
from boxable.serving.middleware import Around
from boxable.serving.options import ServeOptions
from boxable.serving.service import Service

logger = logging.getLogger("boxable")
# Connections that wait to be accepted, seconds after which an idle one is closed, open ones at most: more get 503.
_BACKLOG, _KEEP_ALIVE_S, _MOST_CONNECTIONS = 2048, 30, 1024
# After SIGTERM, for requests that were sent before the listener was closed.
_ON_THEIR_WAY_S = 0.5
# A worker that ends by itself is started again, no sooner than after so long; all are killed so long after the grace.
_PAUSE_S, _MARGIN_S = 1.0, 5.0
_RELOAD = getattr(signal, "SIGHUP", None)


def serve(options: ServeOptions, prepare: Callable[[], None]) -> None:
    """Serve until SIGTERM or Ctrl-C; requests that were accepted are answered first. Raises BoxableError.

    `prepare` is called first in each worker process; it can be pickled.
    """
    with _listener(options) as listener:
        host, port = listener.getsockname()[:2]
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        if options.workers == 1:
            _run(options, listener, address)
        else:
            _supervise(options, listener, address, prepare)


def _run(options: ServeOptions, listener: socket.socket, address: str) -> None:
    """Load the models, and serve in this process. Raises BoxableError."""
    service = Service(options)
    logger.info("serving %s at %s", ", ".join(service.models.names()), address)
    server = _Server(options, make_app(options, service))
    server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """Loads the models again at SIGHUP, ends without an error at SIGTERM, and loses no request at the end."""

    def __init__(self, options: ServeOptions, app: FastAPI) -> None:
        config = uvicorn.Config(
            Around(app, options.key_hashes), log_config=None, access_log=False, lifespan="on", http="httptools",
            ws="none",
            timeout_graceful_shutdown=max(1, int(options.grace_s)), timeout_keep_alive=_KEEP_ALIVE_S, backlog=_BACKLOG,
            server_header=False, limit_concurrency=_MOST_CONNECTIONS,
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
        self._reloading = asyncio.ensure_future(asyncio.to_thread(_reload, self._service))


def _reload(service: Service) -> None:
    try:
        service.models.reload()
    except BoxableError as error:
        logger.warning("the models stay as they are: %s", error)
    else:
        logger.info("the models were loaded again")


def _supervise(options: ServeOptions, listener: socket.socket, address: str, prepare: Callable[[], None]) -> None:
    """Run worker processes until SIGTERM or Ctrl-C. Raises BoxableError."""

    def start() -> SpawnProcess:
        worker = get_context("spawn").Process(target=_work, args=(prepare, options, listener, address))
        worker.start()
        return worker

    for name in options.models or (None,):
        load(name, **options.running)  # what is wrong is said once, before any worker starts
    with tempfile.TemporaryDirectory(prefix="boxable-figures-") as folder:
        os.environ[SHARED] = folder
        workers = [start() for _ in range(options.workers)]
        stopping = False

        def stop(number: int, frame: FrameType | None) -> None:
            nonlocal stopping
            stopping = True

        def pass_on(number: int, frame: FrameType | None) -> None:
            for worker in workers:
                if worker.pid is not None and worker.is_alive():
                    os.kill(worker.pid, number)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        if _RELOAD is not None:
            signal.signal(_RELOAD, pass_on)
        while not stopping:
            connection.wait([worker.sentinel for worker in workers], timeout=0.2)
            for place, worker in enumerate(workers):
                if not worker.is_alive() and not stopping:
                    logger.warning("a worker ended with exit code %s; starting another", worker.exitcode)
                    time.sleep(_PAUSE_S)
                    workers[place] = start()
        listener.close()  # else what connects after the last worker has closed its own would wait in vain
        _end(workers, options.grace_s)


def _work(prepare: Callable[[], None], options: ServeOptions, listener: socket.socket, address: str) -> None:
    """Serve in a worker process."""
    prepare()
    _run(options, listener, address)


def _end(workers: list[SpawnProcess], grace_s: float) -> None:
    end = time.monotonic() + grace_s + _MARGIN_S
    for worker in workers:
        worker.terminate()
    for worker in workers:
        worker.join(max(0.0, end - time.monotonic()))
        worker.kill()


def _listener(options: ServeOptions) -> socket.socket:
    """Bind the socket, before any model is loaded. Raises BoxableError."""
    try:
        family = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0][0]
        found = socket.socket(family)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((options.host, options.port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BoxableError(f"cannot listen on {options.host}:{options.port}: {reason}") from None
    return found
