"""The ASGI application of a service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from boxable import __version__
from boxable.errors import BoxableError
from boxable.serving import open_inference, operations, own_api, page, tf_serving
from boxable.serving.middleware import Around
from boxable.serving.options import ServeOptions
from boxable.serving.problems import RequestError, as_request_error, plain_error, problem
from boxable.serving.service import Service

DESCRIPTION = """Object detection in images.

The REST API of TensorFlow Serving and the Open Inference Protocol v2 are served too."""


def make_app(options: ServeOptions) -> ASGIApp:
    """Make the application; models are loaded and warmed up when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.service = await asyncio.to_thread(Service, options)
        yield
        await asyncio.to_thread(app.state.service.close)

    app = FastAPI(
        title="Boxable", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None,
        description=DESCRIPTION,
    )  # fmt: skip
    app.include_router(own_api.router)
    app.router.routes += [*operations.routes, *tf_serving.routes, *open_inference.routes, *page.routes]
    app.add_exception_handler(RequestError, _refuse)
    app.add_exception_handler(BoxableError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse)
    app.add_exception_handler(HTTPException, _refuse)
    app.add_exception_handler(Exception, _refuse)
    if options.origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=list(options.origins), allow_methods=["GET", "POST"], allow_headers=["*"],
        )  # fmt: skip
    return Around(app, options.key_hashes)


async def _refuse(request: Request, error: Exception) -> Response:
    """Answer in the form of the protocol that was spoken to; errors of ours are not described."""
    refusal = _as_refusal(error)
    request.scope.setdefault("state", {})["reason"] = refusal.reason
    own = request.url.path.startswith(("/v1/detect", "/v1/classes")) or request.url.path == "/v1/models"
    return (problem if own else plain_error)(refusal)


def _as_refusal(error: Exception) -> RequestError:
    if isinstance(error, RequestError):
        return error
    if isinstance(error, BoxableError):
        return as_request_error(error)
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        return RequestError(400, f"{place}: {first['msg']}", reason="bad_input")
    if isinstance(error, HTTPException):
        return RequestError(error.status_code, str(error.detail), reason="bad_request", headers=error.headers)
    return RequestError(500, "internal error; see the log of the server", reason="internal")
