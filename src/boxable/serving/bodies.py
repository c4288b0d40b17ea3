"""Reading the body of a request: bounded in bytes and in time, before anything parses it."""

import asyncio
import base64
import gzip
import zlib
from typing import TYPE_CHECKING, Any

import orjson
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from boxable.serving.problems import RESERVED, RequestError, busy

if TYPE_CHECKING:
    from boxable.serving.service import Service

# A body that a thread parses, so that other requests are answered meanwhile.
_LARGE = 64 * 1024
# How many times its size a body of JSON takes: the lists and numbers of Python.
PARSED = 4


class Budget:
    """Bytes that the bodies of all requests may take together, parsed ones included."""

    def __init__(self, most: int) -> None:
        self._left = most

    def reserve(self, request: Request, count: int) -> None:
        """Reserve bytes until the request ends. Raises RequestError."""
        if count > self._left:
            raise busy("the requests that are being read take all memory that they may", "memory")
        self._left -= count
        request.scope["state"][RESERVED] = request.scope["state"].get(RESERVED, 0) + count

    def release(self, count: int) -> None:
        """Give back what a request has reserved."""
        self._left += count


async def read_body(request: Request, most: int, parsed: int = 1) -> bytes:
    """Read the body, of `most` bytes at most, which takes `parsed` times as much once it is parsed.

    Raises RequestError: too large, too slow, no memory left, or the client went away.
    """
    service: Service = request.app.state.service
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > most:
        raise _too_large(most)
    parts, size = [], 0
    try:
        async with asyncio.timeout(service.left(request)):
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise _too_large(most)
                service.budget.reserve(request, len(part) * parsed)
                parts.append(part)
    except TimeoutError:
        text = "the body did not come in time"
        raise RequestError(408, text, reason="slow_body", headers={"Connection": "close"}) from None
    except ClientDisconnect:
        raise RequestError(400, "the client closed the connection", reason="disconnected") from None
    return b"".join(parts)


async def read_json(request: Request, most: int) -> Any:
    """Read and parse a body of JSON. Raises RequestError."""
    return await parse_json(await read_body(request, most, PARSED))


async def parse_json(body: bytes) -> Any:
    """Parse JSON (UTF-8). Raises RequestError."""
    try:
        return await asyncio.to_thread(orjson.loads, body) if len(body) > _LARGE else orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, f"the body is not JSON: {error}", reason="bad_input") from None


async def read_form(request: Request, most: int, files: int) -> FormData:
    """Read a form (multipart/form-data) with so many files at most. Raises RequestError."""
    body = await read_body(request, most)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        return await Request(request.scope, receive).form(max_files=files, max_fields=files)
    except HTTPException as error:
        raise RequestError(400, f"the form cannot be read: {error.detail}", reason="bad_input") from None


def decode_base64(text: str, name: str) -> bytes:
    """Decode base64. Raises RequestError, which begins with `name`."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise RequestError(400, f"{name}: expected base64", reason="bad_input") from None


def decompress(body: bytes, encoding: str, most: int) -> bytes:
    """Decompress a body as its Content-Encoding says, to `most` bytes at most. Raises RequestError."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        raise RequestError(
            415, f"Content-Encoding: expected gzip or deflate, got {encoding[:40]!r}", reason="bad_input"
        )
    try:
        stream = zlib.decompressobj(zlib.MAX_WBITS | (16 if encoding == "gzip" else 0))
        found = stream.decompress(body, most + 1)
    except zlib.error as error:
        raise RequestError(400, f"the body is not {encoding}: {error}", reason="bad_input") from None
    if len(found) > most:
        raise _too_large(most)
    if not stream.eof:
        raise RequestError(400, f"the {encoding} body is truncated", reason="bad_input")
    return found


def compress(body: bytes, accepted: str) -> tuple[bytes, str | None]:
    """Compress an answer as Accept-Encoding asks; return it with its Content-Encoding."""
    wanted = {item.partition(";")[0].strip().lower() for item in accepted.split(",")}
    if "gzip" in wanted:
        return gzip.compress(body, 1), "gzip"
    if "deflate" in wanted:
        return zlib.compress(body, 1), "deflate"
    return body, None


def _too_large(most: int) -> RequestError:
    text = f"the body has more than {most:,} bytes"
    # What is left of it is not read.
    return RequestError(413, text, reason="too_large", headers={"Connection": "close"})
