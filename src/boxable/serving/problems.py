"""Errors of a request: the status and one line of text, in the form of each protocol (RFC 9457 for the own API)."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import JSONResponse, Response

from boxable.errors import BoxableError, UnknownModelError

# Of the state of a request: when it began, the bytes that it holds of the budget, why it was refused, and how long each
# stage took.
BEGAN, RESERVED, REASON, STAGES = "began", "reserved", "reason", "stages"
# The paths of the own API; the others belong to protocols of other servers.
_OWN = ("/v1/detect", "/v1/classes")


class RequestError(Exception):
    """A request that is refused, with its HTTP status. `reason` is a word for metrics."""

    def __init__(self, status: int, detail: str, *, reason: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.reason, self.headers = status, detail, reason, dict(headers or {})


def busy(detail: str, reason: str) -> RequestError:
    """Make the error of a service that cannot answer now but may in a second."""
    return RequestError(503, detail, reason=reason, headers={"Retry-After": "1"})


def as_request_error(error: BoxableError) -> RequestError:
    """Convert a BoxableError to a RequestError."""
    is_unknown = isinstance(error, UnknownModelError)
    return RequestError(404 if is_unknown else 400, str(error), reason="unknown_model" if is_unknown else "bad_input")


def refusal(path: str, error: RequestError) -> Response:
    """Make the answer in the form of the protocol that a path belongs to."""
    return (problem if path.startswith(_OWN) or path == "/v1/models" else plain_error)(error)


def problem(error: RequestError) -> Response:
    """Make the answer of the own API: application/problem+json."""
    content = {
        "type": "about:blank", "title": HTTPStatus(error.status).phrase, "status": error.status, "detail": error.detail,
        "reason": error.reason,
    }  # fmt: skip
    return JSONResponse(content, error.status, error.headers, media_type="application/problem+json")


def plain_error(error: RequestError) -> Response:
    """Make the answer of TensorFlow Serving and of the Open Inference Protocol: `{"error": text}`."""
    return JSONResponse({"error": error.detail}, error.status, error.headers)
