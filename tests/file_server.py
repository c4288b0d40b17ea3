"""A web server on this machine that can do what servers do: ranges, redirects, errors, broken connections."""

import contextlib
import gzip
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Resource:
    """The content of an address. With `cut_after` the first response breaks off after that many bytes."""

    body: bytes = b""
    status: int = 200
    ranges: bool = True
    cut_after: int | None = None
    location: str | None = None
    compressed: bool = False
    etag: str | None = None


@dataclass
class FileServer:
    """Serves `resources` by name; `requests` holds name and Range header of every request."""

    port: int
    resources: dict[str, Resource] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)

    def put(self, name: str, resource: Resource) -> str:
        """Serve a resource and return its address."""
        self.resources[name] = resource
        return f"http://127.0.0.1:{self.port}/{name}"


@contextlib.contextmanager
def serving() -> Iterator[FileServer]:
    """Run a server until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            name = self.path.removeprefix("/")
            wanted = self.headers.get("Range")
            files.requests.append((name, wanted))
            resource = files.resources.get(name, Resource(status=404))
            body, status = resource.body, resource.status
            same = self.headers.get("If-Range", resource.etag) == resource.etag
            if wanted and same and resource.ranges and status == 200:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                body, status = (body[start:], 206) if start < len(body) else (b"", 416)
            self.send_response(status)
            if resource.etag:
                self.send_header("ETag", resource.etag)
            if resource.compressed and "gzip" in self.headers.get("Accept-Encoding", ""):
                body = gzip.compress(body)
                self.send_header("Content-Encoding", "gzip")
            if resource.location:
                self.send_header("Location", resource.location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            # A client may hang up in the middle, as it does when too much comes.
            with contextlib.suppress(ConnectionError):
                self.wfile.write(body[: resource.cut_after])
            resource.cut_after = None

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        files = FileServer(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield files
        finally:
            server.shutdown()
            thread.join()
