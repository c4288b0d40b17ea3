"""Bytes from an address, by obstore: one connection pool a server, no interpreter lock while it waits or copies."""

import re
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from boxable.errors import MissingExtraError

# For a whole file: an original may have tens of megabytes.
TIMEOUT_S = 120.0
_CONNECT_TIMEOUT_S = 10.0
# Of one file: it is held in memory, as many of them as there are connections. Originals have up to tens of megabytes.
_MOST_BYTES = 128 << 20
# "Generic HTTP error: Error performing GET <address> in <time> - <reason>", then details over many lines.
_PREAMBLE = re.compile(r"^.*?(Error performing \w+ .* in [\d.]+\S* - )")

# What no other attempt would change: the 4xx but for "timeout" and "too many requests".
_FINAL = re.compile(r"4(?!08|29)\d\d")
_MEANINGS = {
    "Connect": "no connection to the server",
    "Timeout": "the server was silent for too long",
    "Decode": "the answer broke off",
    "Interrupted": "the answer broke off",
}


class NotFetchedError(Exception):
    """One attempt that gave no file. `final`: another one would give none either."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


@dataclass(frozen=True, slots=True)
class Answer:
    """A file as it came, and what the server says its MD5 is (hexadecimal), if its ETag is one."""

    data: bytes
    md5: str | None


class Transport:
    """GET requests to any number of servers, safe to share between threads. MissingExtraError without obstore."""

    def __init__(self, base: str) -> None:
        require_transport()
        self._base = base
        self._servers: dict[str, Any] = {}
        self._lock = threading.Lock()

    def get(self, address: str) -> Answer:
        """The file at this address, below the base or whole, in full.

        Raises NotFetchedError for anything else: one attempt, redirects followed.
        """
        import obstore
        from obstore import exceptions

        parts = urlsplit(address if address.startswith(("http://", "https://")) else f"{self._base}/{address}")
        if parts.query:
            raise NotFetchedError(f"{address}: an address with a query cannot be fetched", final=True)
        try:
            answer = obstore.get(self._server(f"{parts.scheme}://{parts.netloc}"), unquote(parts.path).lstrip("/"))
            meta = answer.meta
            if meta["size"] > _MOST_BYTES:
                raise NotFetchedError(f"the server announced {meta['size']} bytes; at most {_MOST_BYTES}", final=True)
            data = answer.bytes().to_bytes()
        except (exceptions.BaseError, ValueError, OSError) as error:
            raise _not_fetched(error) from None
        if len(data) != meta["size"]:
            raise NotFetchedError(f"{len(data)} bytes came, the server announced {meta['size']}")
        return Answer(data, _plain_md5(meta["e_tag"]))

    def _server(self, origin: str) -> Any:
        from obstore.store import HTTPStore

        with self._lock:
            if origin not in self._servers:
                self._servers[origin] = HTTPStore.from_url(
                    origin,
                    client_options={
                        "allow_http": True,
                        "timeout": timedelta(seconds=TIMEOUT_S),
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


def _plain_md5(etag: str | None) -> str | None:
    """The MD5 that an ETag is if the file was uploaded in one piece: 32 hexadecimal digits between quotes."""
    found = re.fullmatch(r'"([0-9a-f]{32})"', etag or "")
    return found[1] if found else None


def _not_fetched(error: Exception) -> NotFetchedError:
    """What obstore says, in the first line of many, or what its details mean."""
    text = str(error)
    status = re.search(r"non-2xx status code: (\d{3})", text)
    if status:
        return NotFetchedError(f"the server answered {status[1]}", final=_FINAL.fullmatch(status[1]) is not None)
    kind = re.search(r"kind: (Connect|Timeout|Decode|Interrupted)\b", text)
    if kind:
        return NotFetchedError(_MEANINGS[kind[1]])
    return NotFetchedError(" ".join(_PREAMBLE.sub("", text.partition("\n")[0]).split())[:200] or type(error).__name__)
