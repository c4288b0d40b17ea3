"""The page at `/`: plain HTML, CSS and ES modules, without a build step."""

from importlib import resources

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

FOLDER = str(resources.files("boxable.serving") / "assets")


async def index(request: Request) -> Response:
    """Return the page."""
    return FileResponse(f"{FOLDER}/index.html")


routes = [Route("/", index), Mount("/assets", StaticFiles(directory=FOLDER))]
