"""Reading the body of a request: bounded in bytes and in time, before anything parses it."""

import asyncio
import gzip
import json
import zlib
from typing import Any

from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request

from boxable.serving.problems import RequestError

# A body that a thread parses, so that other requests are answered meanwhile.
_LARGE = 64 * 1024


async def read_body(request: Request, most: int) -> bytes:
    """Read the body, of `most` bytes at most. Raises RequestError: too large, too slow, or the client went away."""
    timeout = request.app.state.service.timeout_of(request)
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        raise _too_large(most)
    parts, size = [], 0
    try:
        async with asyncio.timeout(timeout):
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise _too_large(most)
                parts.append(part)
    except TimeoutError:
        text = f"the body did not come within {timeout:g} seconds"
        raise RequestError(408, text, reason="slow_body", headers={"Connection": "close"}) from None
    except ClientDisconnect:
        raise RequestError(400, "the client closed the connection", reason="disconnected") from None
    return b"".join(parts)


async def read_json(request: Request, most: int) -> Any:
    """Read and parse a body of JSON. Raises RequestError."""
    return await parse_json(await read_body(request, most))


async def parse_json(body: bytes) -> Any:
    """Parse JSON (UTF-8), which may hold NaN. Raises RequestError."""
    try:
        return await asyncio.to_thread(json.loads, body) if len(body) > _LARGE else json.loads(body)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise RequestError(400, f"the body is not JSON: {reason}", reason="bad_input") from None


async def read_form(request: Request, most: int, files: int) -> FormData:
    """Read a form (multipart/form-data) with so many files at most. Raises RequestError."""
    body = await read_body(request, most)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        return await Request(request.scope, receive).form(max_files=files, max_fields=files)
    except Exception as error:
        if not isinstance(error, MultiPartException) and type(error).__name__ != "HTTPException":
            raise
        detail = getattr(error, "message", None) or getattr(error, "detail", "")
        raise RequestError(400, f"the form cannot be read: {detail}", reason="bad_input") from None


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
