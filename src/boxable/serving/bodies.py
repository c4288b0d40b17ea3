"""Reading the body of a request: bounded in bytes and in time, before anything parses it."""

import asyncio
import base64
import gzip
import zlib
from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

import orjson
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from boxable.serving.problems import RESERVED, RequestError, busy

if TYPE_CHECKING:
    from boxable.serving.service import Service

# Bytes that CPython takes at most for an item of a list or a list, for an object, and for each item of an object.
_ITEM, _OBJECT, _PAIR = 64, 256, 128
# Bytes that are decompressed before the budget is asked again; members of a gzip body, for each of which it is copied.
_STEP, _MEMBERS = 1024 * 1024, 64


class Budget:
    """Bytes that the bodies of all requests may take together, parsed ones included."""

    def __init__(self, most: int) -> None:
        self._most = self._left = most

    def reserve(self, request: Request, size: int) -> None:
        """Reserve bytes until the request ends. Raises RequestError."""
        reserved = request.scope["state"].get(RESERVED, 0) + size
        if reserved > self._most:
            raise RequestError(413, f"the body takes more than {self._most:,} bytes once parsed", reason="too_large")
        if size > self._left:
            raise busy("the requests that are being read take all memory that they may", "memory")
        self._left -= size
        request.scope["state"][RESERVED] = reserved

    def release(self, size: int) -> None:
        """Give back what a request has reserved."""
        self._left += size


async def read_body(request: Request, most: int) -> bytes:
    """Read the body, of `most` bytes at most.

    Raises RequestError: too large, too slow, no memory left, or the client went away.
    """
    service: Service = request.app.state.service
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > most:
        raise _too_large(most)
    try:
        async with asyncio.timeout(service.left(request)):
            return await _joined(request, request.stream(), most)
    except TimeoutError:
        text = "the body did not come in time"
        raise RequestError(408, text, reason="slow_body", headers={"Connection": "close"}) from None
    except ClientDisconnect:
        raise RequestError(400, "the client closed the connection", reason="disconnected") from None


async def _joined(request: Request, parts: AsyncIterator[bytes], most: int) -> bytes:
    """Join the parts of a body, which are reserved as they come. Raises RequestError for more than `most` bytes."""
    service: Service = request.app.state.service
    found, size = [], 0
    async for part in parts:
        size += len(part)
        if size > most:
            raise _too_large(most)
        service.budget.reserve(request, len(part))
        found.append(part)
    return b"".join(found)


async def read_decoded(request: Request, most: int) -> bytes:
    """Read the body, decompressed as its Content-Encoding says, of `most` bytes at most. Raises RequestError."""
    body, encoding = await read_body(request, most), request.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        raise RequestError(
            415, f"Content-Encoding: expected gzip or deflate, got {encoding[:40]!r}", reason="bad_input"
        )
    service: Service = request.app.state.service
    try:
        async with asyncio.timeout(service.left(request)):
            return await _joined(request, _from_threads(_decompressed(body, encoding)), most)
    except TimeoutError:
        raise service.late(request) from None
    except zlib.error as error:
        raise RequestError(400, f"the body is not {encoding}: {error}", reason="bad_input") from None
    except EOFError:
        raise RequestError(400, f"the {encoding} body is truncated", reason="bad_input") from None


async def _from_threads(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield what an iterator yields, each part computed in a thread."""
    while (part := await asyncio.to_thread(next, parts, None)) is not None:
        yield part


async def read_json(request: Request, most: int) -> Any:
    """Read and parse a body of JSON, which may be compressed. Raises RequestError."""
    return await parse_json(request, await read_decoded(request, most))


async def parse_json(request: Request, body: bytes) -> Any:
    """Parse JSON (UTF-8). Raises RequestError."""
    service: Service = request.app.state.service
    service.budget.reserve(request, _parsed_size(body))
    try:
        return orjson.loads(body)  # it keeps the interpreter, 0.1 s for 10 MB: a thread would change nothing
    except orjson.JSONDecodeError as error:
        raise RequestError(400, f"the body is not JSON: {error}", reason="bad_input") from None


def _parsed_size(body: bytes) -> int:
    """Bound the bytes that the lists, numbers and texts of a JSON document take."""
    lists = (body.count(b",") + body.count(b"[")) * _ITEM
    objects = body.count(b"{") * _OBJECT + body.count(b":") * _PAIR
    # CPython stores a text with 4 bytes for each character if one of them needs them.
    is_narrow = body.isascii() and b"\\u" not in body
    return len(body) * (1 if is_narrow else 4) + lists + objects


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


def _decompressed(body: bytes, encoding: str) -> Iterator[bytes]:
    """Yield the parts of a body. Raises zlib.error, and EOFError for a body that is truncated.

    A gzip body may have several members, one after the other (RFC 1952).
    """
    for number in count(1):
        if not body:
            return
        if number > _MEMBERS:
            raise zlib.error(f"it has more than {_MEMBERS} members")
        stream = zlib.decompressobj(zlib.MAX_WBITS | (16 if encoding == "gzip" else 0))
        while not stream.eof:
            if not body:
                raise EOFError
            yield stream.decompress(body, _STEP)
            body = stream.unconsumed_tail
        body = stream.unused_data if encoding == "gzip" else b""


def compress(body: bytes, accepted: str) -> tuple[bytes, str | None]:
    """Compress an answer as Accept-Encoding asks; return it with its Content-Encoding."""
    wanted = _wanted(accepted)
    if "gzip" in wanted:
        return gzip.compress(body, 1), "gzip"
    if "deflate" in wanted:
        return zlib.compress(body, 1), "deflate"
    return body, None


def _wanted(accepted: str) -> set[str]:
    """Return the encodings of an Accept-Encoding header whose weight is not 0."""
    items = (item.replace(" ", "").partition(";q=") for item in accepted.lower().split(","))
    return {name for name, _, weight in items if not weight or weight.strip("0.")}


def _too_large(most: int) -> RequestError:
    text = f"the body has more than {most:,} bytes"
    # What is left of it is not read.
    return RequestError(413, text, reason="too_large", headers={"Connection": "close"})
