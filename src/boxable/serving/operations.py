"""What operators ask: `/healthz`, `/readyz`, `/metrics`."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from boxable.serving.figures import CONTENT_TYPE


async def health(request: Request) -> Response:
    """Tell that the process answers."""
    return JSONResponse({"status": "ok"})


async def ready(request: Request) -> Response:
    """Tell that models are loaded and warmed up: before that, nothing answers."""
    return JSONResponse({"status": "ready"})


async def metrics(request: Request) -> Response:
    """Write the metrics in the format of Prometheus."""
    return Response(request.app.state.service.figures.text(), media_type=CONTENT_TYPE)


routes = [
    Route("/healthz", health),
    Route("/readyz", ready),
    Route("/monitoring/prometheus/metrics", metrics),
    Route("/metrics", metrics),
]
