"""The ASGI application of a service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from boxable import __version__
from boxable.errors import BoxableError
from boxable.serving import open_inference, operations, own_api, page, tf_serving
from boxable.serving.middleware import INTERNAL, Around
from boxable.serving.options import ServeOptions
from boxable.serving.problems import REASON, RequestError, as_request_error, refusal
from boxable.serving.service import Service

DESCRIPTION = """Object detection in images.

The REST API of TensorFlow Serving and the Open Inference Protocol v2 are served too."""

# The errors that are described to clients.
REFUSED = (RequestError, BoxableError, HTTPException)


def make_app(options: ServeOptions, service: Service) -> FastAPI:
    """Make the application of a service, which it closes at its end."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(service.close)

    app = FastAPI(
        title="Boxable", version=__version__, description=DESCRIPTION, lifespan=lifespan, docs_url=None, redoc_url=None,
    )  # fmt: skip
    app.state.service = service
    app.include_router(own_api.router)
    others = [*operations.routes, *tf_serving.routes, *open_inference.routes, *page.routes]
    app.router.routes += others
    # The path of each function that answers, for metrics: of several the last, which is the shortest.
    app.state.paths = {
        route.endpoint: route.path for route in (*own_api.router.routes, *others) if isinstance(route, Route)
    }
    for kind in (*REFUSED, Exception):
        app.add_exception_handler(kind, _refuse)
    return app


def around(app: FastAPI, options: ServeOptions) -> ASGIApp:
    """Put around the application what every request passes."""
    inner = Around(_detecting_directly(app), app.state, options.key_hashes)
    if not options.origins:
        return inner
    return CORSMiddleware(  # outermost: a browser shows a refusal only if it has these headers too
        inner, allow_origins=list(options.origins), allow_methods=["GET", "POST"], allow_headers=["*"],
        expose_headers=["Server-Timing", "X-Request-ID", "Retry-After"],
    )  # fmt: skip


def _detecting_directly(app: FastAPI) -> ASGIApp:
    """Call the endpoint that detects itself: the layers of FastAPI add 0.4 ms to a request of an idle server.

    FastAPI describes it, and answers what is no POST.
    """

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != own_api.DETECT or scope["method"] != "POST":
            await app(scope, receive, send)
            return
        scope.update(app=app, endpoint=own_api.detect)
        request = Request(scope, receive, send)
        try:
            answer = await own_api.detect(request)
        except REFUSED as error:
            answer = await _refuse(request, error)
        await answer(scope, receive, send)

    return call


async def _refuse(request: Request, error: Exception) -> Response:
    """Answer in the form of the protocol that was spoken to; errors of ours are not described."""
    found = _as_refusal(error)
    request.scope.setdefault("state", {})[REASON] = found.reason
    return refusal(request.url.path, found)


def _as_refusal(error: Exception) -> RequestError:
    if isinstance(error, RequestError):
        return error
    if isinstance(error, BoxableError):
        return as_request_error(error)
    if isinstance(error, HTTPException):
        return RequestError(error.status_code, str(error.detail), reason="bad_request", headers=error.headers)
    return INTERNAL
