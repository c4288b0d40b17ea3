"""Fetching over HTTP: one place for what can go wrong."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from boxable.errors import FetchError
from boxable.settings import require_network

if TYPE_CHECKING:
    import httpx

_TIMEOUT_S = 30.0
_RETRYABLE_STATUSES = (408, 429)


@contextmanager
def fetching(url: str, headers: Mapping[str, str] | None = None) -> "Iterator[httpx.Response]":
    """Open a successful answer to a GET, redirects followed; its body is read within the block.

    Raises FetchError for an address that does not answer or answers with an error, a body that breaks off, and for a
    wrong proxy or certificate setting; BoxableError if BOXABLE_OFFLINE is set. Exceptions of the block's own code pass.
    """
    require_network(url)
    import httpx

    with ExitStack() as stack:
        try:
            stream = httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=_TIMEOUT_S)
            response = stack.enter_context(stream)
        # The last three: host names that cannot exist, missing certificates, proxies of an unknown kind.
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError, ImportError) as error:
            raise _fetch_error(error) from None
        if response.is_error:
            status = response.status_code
            raise FetchError(
                f"the server answered {status} {response.reason_phrase}", status=status,
                retryable=status in _RETRYABLE_STATUSES or status >= 500,
            )  # fmt: skip
        try:
            yield response
        except httpx.HTTPError as error:  # while the body is read
            raise _fetch_error(error) from None


def _fetch_error(error: Exception) -> FetchError:
    import httpx

    reason = " ".join(str(error).split()) or type(error).__name__
    return FetchError(
        f"cannot fetch it ({reason})",
        retryable=isinstance(error, httpx.NetworkError | httpx.TimeoutException | httpx.RemoteProtocolError),
        connected=not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout),
    )
