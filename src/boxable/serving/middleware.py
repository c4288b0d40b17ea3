"""Around every request: an id, keys, security headers, figures, and the access log. Plain ASGI."""

import hashlib
import hmac
import json
import logging
import re
import secrets
import time
from collections.abc import Iterable

from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from boxable.serving.figures import Figures
from boxable.serving.problems import RequestError, plain_error, problem

access_log = logging.getLogger("boxable.access")

# What needs no key: probes, and the page, which asks for the key.
_OPEN = frozenset(["/", "/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"])
_ASSETS = "/assets/"
_ID = re.compile(r"[\w.\-]{1,64}")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}


class Around:
    """The outermost layer, around the application of a service."""

    def __init__(self, app: FastAPI, key_hashes: Iterable[str]) -> None:
        self._app, self._hashes = app, [item.encode() for item in key_hashes]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        given = headers.get("x-request-id", "")
        request_id = given if _ID.fullmatch(given) else secrets.token_hex(8)
        status = 500

        async def send_more(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                added = [("X-Request-ID", request_id), *_HEADERS.items()]
                message["headers"] = [
                    *message["headers"], *((name.lower().encode(), value.encode("latin-1")) for name, value in added),
                ]  # fmt: skip
            await send(message)

        scope.setdefault("state", {})
        if self._hashes and not self._is_open(scope["path"]) and not self._has_key(headers):
            refusal = RequestError(
                401, "expected a key, as in Authorization: Bearer KEY", reason="unauthorized",
                headers={"WWW-Authenticate": "Bearer"},
            )  # fmt: skip
            is_own = scope["path"].startswith(("/v1/detect", "/v1/classes"))
            scope["state"]["reason"] = refusal.reason
            await (problem if is_own else plain_error)(refusal)(scope, receive, send_more)
        else:
            await self._app(scope, receive, send_more)
        self._note(scope, status, time.perf_counter() - began, request_id)

    def _is_open(self, path: str) -> bool:
        return path in _OPEN or path.startswith(_ASSETS)

    def _has_key(self, headers: dict[str, str]) -> bool:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        given = key.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        digest = hashlib.sha256(given.encode()).hexdigest().encode()
        # All are compared, so that the time does not tell which one is near.
        return sum(hmac.compare_digest(digest, known) for known in self._hashes) > 0

    def _note(self, scope: Scope, status: int, seconds: float, request_id: str) -> None:
        endpoint = scope.get("endpoint")
        figures: Figures = self._app.state.service.figures
        figures.answered(getattr(endpoint, "__name__", "none"), status, seconds)
        reason = scope["state"].get("reason")
        if reason:
            figures.refused(reason)
        client = scope.get("client")
        access_log.info(
            json.dumps(
                {
                    "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "id": request_id,
                    "client": client[0] if client else "",
                    "method": scope["method"], "path": scope["path"], "status": status,
                    "ms": round(seconds * 1e3, 1), **({"reason": reason} if reason else {}),
                }
            )
        )  # fmt: skip
