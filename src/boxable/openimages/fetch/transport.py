"""GET requests by obstore: one connection pool per server; the GIL is released while it waits or copies."""

import re
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from boxable.errors import FetchError, ImageError, MissingExtraError
from boxable.http import USER_AGENT, is_retryable

# Without a byte; a slow connection is no error.
SILENCE_S = 20.0
# For a whole file: an original of tens of megabytes that shares a slow line with all the others.
_WHOLE_S = 1800.0
_CONNECT_TIMEOUT_S = 10.0
# Of one file: it is held in memory, as many of them as there are connections. Originals have up to tens of megabytes.
_MOST_BYTES = 128 << 20
# Of a file of unknown size. The copies in the bucket have less than a tenth of that.
_MOST_UNKNOWN_BYTES = 32 << 20
# An address has to be shorter than 64 KiB with its characters escaped, up to twelve bytes each, or obstore panics.
_MOST_CHARACTERS = 4000
# "Generic HTTP error: Error performing GET <address> in <time> - <reason>", then details over many lines.
_PREAMBLE = re.compile(r"^.*?(Error performing \w+ .* in [\d.]+\S* - )")

_NO_PATH = "Could not parse path"
_NO_LENGTH = "Content-Length Header missing"
_MEANINGS = {
    "Connect": "no connection to the server",
    "Timeout": "the server was silent for too long",
    "Decode": "the answer broke off",
    "Interrupted": "the answer broke off",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A fetched file, and its MD5 (hexadecimal) by the server, if the ETag is one."""

    data: bytes
    md5: str | None


class Transport:
    """GET requests to any number of servers, safe to share between threads. MissingExtraError without obstore."""

    def __init__(self, base: str) -> None:
        require_transport()
        self._base = base
        self._servers: dict[str, Any] = {}
        self._lock = threading.Lock()

    def get(self, address: str, size: int | None = None) -> Answer:
        """Fetch the whole file at an address, which is below the base or absolute.

        Makes one attempt and follows redirects. Raises ImageError for a file that is announced with another size
        than `size`, where that is known, and FetchError where no file comes.
        """
        import obstore
        from obstore import exceptions

        server, path = self._place(address)
        try:
            answer = obstore.get(server, path)
            meta = answer.meta
            _check_size(meta["size"], size)
            data = answer.bytes().to_bytes()
        except (exceptions.BaseError, ValueError, OSError) as error:
            raise _fetch_error(error) from None
        if len(data) != meta["size"]:
            raise FetchError(f"expected {meta['size']} bytes, got {len(data)}", retryable=True)
        return Answer(data, _plain_md5(meta["e_tag"]))

    def _place(self, address: str) -> tuple[Any, str]:
        """Split an address into its server and path. Raises FetchError for an invalid address."""
        from obstore import exceptions

        if len(address) > _MOST_CHARACTERS:
            raise FetchError(f"an address of {len(address)} characters: {address[:60]}...")
        try:
            parts = urlsplit(address if address.startswith(("http://", "https://")) else f"{self._base}/{address}")
            server = self._server(f"{parts.scheme}://{parts.netloc}")
        except (exceptions.BaseError, ValueError) as error:
            raise FetchError(f"no address: {address[:200]} ({error})") from None
        if parts.query:
            raise FetchError(f"{address}: an address with a query cannot be fetched")
        return server, unquote(parts.path).lstrip("/")

    def _server(self, origin: str) -> Any:
        from obstore.store import HTTPStore

        with self._lock:
            if origin not in self._servers:
                self._servers[origin] = HTTPStore.from_url(
                    origin,
                    client_options={
                        "allow_http": True,
                        "user_agent": USER_AGENT,
                        "read_timeout": timedelta(seconds=SILENCE_S),
                        "timeout": timedelta(seconds=_WHOLE_S),
                        "connect_timeout": timedelta(seconds=_CONNECT_TIMEOUT_S),
                    },
                    retry_config={"max_retries": 0},  # whoever asks counts the attempts
                )
            return self._servers[origin]


def require_transport() -> None:
    """Raise MissingExtraError if there is no obstore here."""
    try:
        import obstore  # noqa: F401
    except ImportError:
        raise MissingExtraError("fetching images", "boxable[data]") from None


def _check_size(announced: int, expected: int | None) -> None:
    """Raise for a file of the wrong size, or one that would take too much memory."""
    if expected is not None and announced != expected:
        raise ImageError(f"expected {expected} bytes, the server announced {announced}")
    most = _MOST_UNKNOWN_BYTES if expected is None else _MOST_BYTES
    if announced > most:
        raise FetchError(f"expected at most {most} bytes, the server announced {announced}")


def _plain_md5(etag: str | None) -> str | None:
    """Return the MD5 in an ETag, if it is one: 32 hexadecimal digits in quotes, of a file uploaded in one piece."""
    found = re.fullmatch(r'"([0-9a-f]{32})"', etag or "")
    return found[1] if found else None


def _fetch_error(error: Exception) -> FetchError:
    """Convert an error of obstore, which has a text alone: the first line, or what the details mean."""
    text = str(error)
    if found := re.search(r"non-2xx status code: (\d{3})", text):
        status = int(found[1])
        return FetchError(f"the server answered {status}", status=status, retryable=is_retryable(status))
    if _NO_LENGTH in text:
        return FetchError("the server does not tell the length of the file")
    if _NO_PATH in text or isinstance(error, ValueError):
        return FetchError(" ".join(text.partition("\n")[0].split())[:200])
    if kind := re.search(r"kind: (Connect|Timeout|Decode|Interrupted)\b", text):
        return FetchError(_MEANINGS[kind[1]], retryable=True)
    reason = " ".join(_PREAMBLE.sub("", text.partition("\n")[0]).split())[:200]
    return FetchError(reason or type(error).__name__, retryable=True)
