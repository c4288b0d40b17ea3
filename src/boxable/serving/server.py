"""Run a service with uvicorn: one process, or a supervisor of several."""

import asyncio
import logging
import os
import signal
import socket
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess

from boxable.errors import BoxableError
from boxable.serving.options import ServeOptions

logger = logging.getLogger("boxable")
# Connections that wait to be accepted, and idle seconds after which one is closed.
_BACKLOG, _KEEP_ALIVE_S = 2048, 30
# Open connections; more get 503. Seconds that a new process may take to load its models.
_MOST_CONNECTIONS, _LOADING_S = 1024, 120


@dataclass(frozen=True)
class AppFactory:
    """Makes the application in each server process; can be pickled."""

    options: ServeOptions

    def __call__(self) -> Any:
        """Make it."""
        from boxable.serving.app import make_app

        return make_app(self.options)


class _Server(uvicorn.Server):
    """Reloads the models at SIGHUP, where the system has it."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if hasattr(signal, "SIGHUP"):
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload)

    def _reload(self) -> None:
        service = self.config.loaded_app.app
        self._reloading = asyncio.ensure_future(asyncio.to_thread(_reload, service))


def _reload(app: Any) -> None:
    while not hasattr(app, "state"):  # the middleware around it
        app = app._app if hasattr(app, "_app") else app.app
    try:
        app.state.service.models.reload()
    except BoxableError as error:
        logger.warning("the models stay as they are: %s", error)
    else:
        logger.info("the models were loaded again")


def serve(options: ServeOptions) -> None:
    """Serve until SIGTERM or Ctrl-C; requests that were accepted are answered first. Raises BoxableError."""
    config = _config(options)
    with ExitStack() as stack:
        if options.workers > 1:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="boxable-metrics-"))
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        listener = _bind(options)
        stack.callback(listener.close)
        host, port = listener.getsockname()[:2]
        logger.info("http://%s:%d", f"[{host}]" if ":" in host else host, port)
        if options.workers > 1:
            Multiprocess(config, [listener]).run()
        else:
            server = _Server(config)
            with suppress(KeyboardInterrupt):
                server.run(sockets=[listener])
            if not server.started:
                raise BoxableError("the service did not start")


def _config(options: ServeOptions) -> uvicorn.Config:
    return uvicorn.Config(
        AppFactory(options), factory=True, workers=options.workers, log_config=None, access_log=False, lifespan="on",
        timeout_graceful_shutdown=int(options.grace_s) or 1, timeout_keep_alive=_KEEP_ALIVE_S, backlog=_BACKLOG,
        server_header=False, http="httptools", ws="none", limit_concurrency=_MOST_CONNECTIONS,
        timeout_worker_healthcheck=_LOADING_S,
    )  # fmt: skip


def _bind(options: ServeOptions) -> socket.socket:
    """Open the socket, before any model is loaded. Raises BoxableError."""
    try:
        family = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0][0]
        found = socket.socket(family)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((options.host, options.port))
        found.set_inheritable(True)
    except (OSError, OverflowError) as error:
        raise BoxableError(
            f"cannot listen on {options.host}:{options.port}: {getattr(error, 'strerror', None) or error}"
        ) from None
    return found
