"""Bytes from an address, by obstore: one connection pool a server, no interpreter lock while it waits or copies."""

import re
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from boxable.errors import ImageError, MissingExtraError
from boxable.openimages.fetch.ledger import Trouble

# Without a byte; a slow line is no reason to stop.
SILENCE_S = 20.0
# For a whole file: an original of tens of megabytes that shares a slow line with all the others.
_WHOLE_S = 1800.0
_CONNECT_TIMEOUT_S = 10.0
# Of one file: it is held in memory, as many of them as there are connections. Originals have up to tens of megabytes.
_MOST_BYTES = 128 << 20
# Where nobody says how large it shall be. The copies in the bucket have less than a tenth of that.
_MOST_UNKNOWN_BYTES = 32 << 20
# An address has to be shorter than 64 KiB with its characters escaped, up to twelve bytes each, or obstore panics.
_MOST_CHARACTERS = 4000
# "Generic HTTP error: Error performing GET <address> in <time> - <reason>", then details over many lines.
_PREAMBLE = re.compile(r"^.*?(Error performing \w+ .* in [\d.]+\S* - )")

# What no other attempt would change: the 4xx but for "timeout" and "too many requests".
_FINAL = re.compile(r"4(?!08|29)\d\d")
_NO_PATH = "Could not parse path"
_NO_LENGTH = "Content-Length Header missing"
_MEANINGS = {
    "Connect": "no connection to the server",
    "Timeout": "the server was silent for too long",
    "Decode": "the answer broke off",
    "Interrupted": "the answer broke off",
}


class NotFetchedError(Exception):
    """One attempt that gave no file, and whose `trouble` that was; None: another attempt would give none either."""

    def __init__(self, reason: str, trouble: Trouble | None = None) -> None:
        super().__init__(reason)
        self.trouble = trouble


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

    def get(self, address: str, size: int | None = None) -> Answer:
        """The file at this address, below the base or whole, in full.

        Raises ImageError for a file that is announced with another size than `size`, where that is known, and
        NotFetchedError where no file comes: one attempt, redirects followed.
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
            raise _not_fetched(error) from None
        if len(data) != meta["size"]:
            raise NotFetchedError(f"{len(data)} bytes came, the server announced {meta['size']}", "network")
        return Answer(data, _plain_md5(meta["e_tag"]))

    def _place(self, address: str) -> tuple[Any, str]:
        """The server of an address and the path there. Raises NotFetchedError for what is no address."""
        from obstore import exceptions

        if len(address) > _MOST_CHARACTERS:
            raise NotFetchedError(f"an address of {len(address)} characters: {address[:60]}...")
        try:
            parts = urlsplit(address if address.startswith(("http://", "https://")) else f"{self._base}/{address}")
            server = self._server(f"{parts.scheme}://{parts.netloc}")
        except (exceptions.BaseError, ValueError) as error:
            raise NotFetchedError(f"no address: {address[:200]} ({error})") from None
        if parts.query:
            raise NotFetchedError(f"{address}: an address with a query cannot be fetched")
        return server, unquote(parts.path).lstrip("/")

    def _server(self, origin: str) -> Any:
        from obstore.store import HTTPStore

        with self._lock:
            if origin not in self._servers:
                self._servers[origin] = HTTPStore.from_url(
                    origin,
                    client_options={
                        "allow_http": True,
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
    """Raise for a file that is not to be waited for: it would be the wrong one, or take too much memory."""
    if expected is not None and announced != expected:
        raise ImageError(f"the server announced {announced} bytes, the list of images says {expected}")
    most = _MOST_UNKNOWN_BYTES if expected is None else _MOST_BYTES
    if announced > most:
        raise NotFetchedError(f"the server announced {announced} bytes; at most {most}")


def _plain_md5(etag: str | None) -> str | None:
    """The MD5 that an ETag is if the file was uploaded in one piece: 32 hexadecimal digits between quotes."""
    found = re.fullmatch(r'"([0-9a-f]{32})"', etag or "")
    return found[1] if found else None


def _not_fetched(error: Exception) -> NotFetchedError:
    """What obstore says, in the first line of many, or what its details mean."""
    text = str(error)
    status = re.search(r"non-2xx status code: (\d{3})", text)
    if status:
        return NotFetchedError(f"the server answered {status[1]}", None if _FINAL.fullmatch(status[1]) else "server")
    if _NO_LENGTH in text:
        return NotFetchedError("the server does not say how long the file is")
    if _NO_PATH in text or isinstance(error, ValueError):
        return NotFetchedError(" ".join(text.partition("\n")[0].split())[:200])
    kind = re.search(r"kind: (Connect|Timeout|Decode|Interrupted)\b", text)
    if kind:
        return NotFetchedError(_MEANINGS[kind[1]], "network")
    reason = " ".join(_PREAMBLE.sub("", text.partition("\n")[0]).split())[:200]
    return NotFetchedError(reason or type(error).__name__, "network")
