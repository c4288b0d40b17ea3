"""Fetch over HTTP: one place for what can go wrong."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from boxable import __version__
from boxable.errors import FetchError
from boxable.settings import require_network

if TYPE_CHECKING:
    import httpx

# It tells what asks, as servers of images demand, and nothing about the machine.
USER_AGENT = f"boxable/{__version__} (object detection in images)"
_TIMEOUT_S = 30.0


@contextmanager
def fetching(url: str, headers: Mapping[str, str] | None = None) -> "Iterator[httpx.Response]":
    """Open the successful response to a GET, redirects followed; its body is read within the block.

    Raises FetchError for an address that does not answer, answers with an error or breaks off, and for a wrong proxy
    or certificate. Its text does not repeat the address. Raises BoxableError where the network is forbidden. Other
    errors of the block are raised as they are.
    """
    require_network(url)
    import httpx

    headers = {"User-Agent": USER_AGENT} | dict(headers or {})
    with ExitStack() as stack:
        try:
            stream = httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=_TIMEOUT_S)
            response = stack.enter_context(stream)
        # The last three: impossible host names, missing certificates, proxies of an unknown kind.
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError, ImportError) as error:
            raise _fetch_error(error) from None
        if response.is_error:
            status = response.status_code
            text = f"the server answered {status} {response.reason_phrase}"
            raise FetchError(text, status=status, retryable=is_retryable(status))
        try:
            yield response
        except httpx.HTTPError as error:
            raise _fetch_error(error) from None


def is_retryable(status: int) -> bool:
    """Tell whether another attempt may succeed after this HTTP error: all but 4xx, 408 and 429 excepted."""
    return status in (408, 429) or not 400 <= status < 500


def _fetch_error(error: Exception) -> FetchError:
    import httpx

    connected = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
    transient = isinstance(error, httpx.NetworkError | httpx.TimeoutException | httpx.RemoteProtocolError)
    reason = " ".join(str(error).split()) or type(error).__name__
    return FetchError(f"cannot fetch it ({reason})", retryable=connected and transient, connected=connected)
