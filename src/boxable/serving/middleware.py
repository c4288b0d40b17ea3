"""Around every request: an id, keys, security headers, figures, and the access log. Plain ASGI."""

import asyncio
import hashlib
import hmac
import json
import logging
import re
import secrets
import time
from collections.abc import Iterable, Mapping

from starlette.datastructures import State
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from boxable.serving.figures import Figures
from boxable.serving.problems import BEGAN, REASON, RESERVED, STAGES, RequestError, busy, refusal

logger = logging.getLogger("boxable")
access_log = logging.getLogger("boxable.access")

# What needs no key: probes, and the page, which asks for the key.
_OPEN = frozenset(["/", "/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"])
_ASSETS = "/assets/"
# Requests at once, of which most wait for their bodies or in the queue; each takes some memory of its own.
MOST_REQUESTS = 1024
_ID = re.compile(r"[\w.\-]{1,64}")
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        b"media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
)


_TOO_MANY = busy(f"more than {MOST_REQUESTS} requests at once", "too_many")
INTERNAL = RequestError(500, "internal error; see the log of the server", reason="internal")
_ENDED = busy("the server ends", "ended")
_CHALLENGE = {"WWW-Authenticate": "Bearer"}
_NO_KEY = RequestError(
    401, "expected a key, as in Authorization: Bearer KEY", reason="unauthorized", headers=_CHALLENGE
)
_OTHER_KEY = RequestError(401, "this key is not one of those accepted", reason="unauthorized", headers=_CHALLENGE)


class Around:
    """The layer around the application of a service; only CORS is outside of it."""

    def __init__(self, app: ASGIApp, state: State, key_hashes: Iterable[str]) -> None:
        self._app, self._state, self._hashes = app, state, [item.encode() for item in key_hashes]
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        given = headers.get("x-request-id", "")
        request_id = given if _ID.fullmatch(given) else secrets.token_hex(8)
        status: int | None = None

        async def send_more(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                stages = [(b"server-timing", state[STAGES].encode())] if STAGES in state else []
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode()), *stages, *_HEADERS]
            await send(message)

        async def refuse(error: RequestError) -> None:
            state[REASON] = error.reason
            await refusal(scope["path"], error)(scope, receive, send_more)

        state = scope.setdefault("state", {})
        state[BEGAN] = time.monotonic()
        self._running += 1
        try:
            if refused := self._refusal(scope, headers):
                await refuse(refused)
            else:
                await self._app(scope, receive, send_more)
        except asyncio.CancelledError:  # by uvicorn, at the end of the grace time
            if status is None:
                await refuse(_ENDED)
        except Exception:
            logger.exception("internal error in request %s", request_id)
            if status is None:
                await refuse(INTERNAL)
        finally:
            self._running -= 1
            self._state.service.budget.release(state.pop(RESERVED, 0))
            self._note(scope, status or 500, time.perf_counter() - began, request_id)

    def _refusal(self, scope: Scope, headers: Mapping[str, str]) -> RequestError | None:
        """Return why a request is not even looked at, None if it is."""
        if self._running > MOST_REQUESTS:
            return _TOO_MANY
        is_open = scope["path"] in _OPEN or scope["path"].startswith(_ASSETS)
        needs_key = self._hashes and not is_open
        return self._check_key(headers) if needs_key else None

    def _check_key(self, headers: Mapping[str, str]) -> RequestError | None:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        given = key.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        if not given:
            return _NO_KEY
        digest = hashlib.sha256(given.encode()).hexdigest().encode()
        # All are compared, so that the time does not tell which one is near.
        is_known = sum(hmac.compare_digest(digest, known) for known in self._hashes) > 0
        return None if is_known else _OTHER_KEY

    def _note(self, scope: Scope, status: int, seconds: float, request_id: str) -> None:
        figures: Figures = self._state.service.figures
        figures.answered(self._state.paths.get(scope.get("endpoint"), "other"), status, seconds)
        reason = scope["state"].get(REASON)
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
