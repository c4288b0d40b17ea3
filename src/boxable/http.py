"""Fetching over HTTP: one place for what can go wrong."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from boxable.errors import FetchError
from boxable.settings import require_network

if TYPE_CHECKING:
    import httpx

_TIMEOUT_S = 30.0


@contextmanager
def fetching(url: str, headers: Mapping[str, str] | None = None) -> "Iterator[httpx.Response]":
    """An open, successful answer to a GET, redirects followed; its body is read within the block.

    Raises FetchError, which says only what went wrong, for an address that does not answer or answers with an
    error, and for a proxy or certificate that is set up wrongly; and BoxableError when the network is off limits.
    """
    require_network(url)
    import httpx

    try:
        with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=_TIMEOUT_S) as response:
            if response.is_error:
                raise FetchError(f"the server answered {response.status_code} {response.reason_phrase}")
            yield response
    # The last three: host names that cannot exist, certificates that are not there, proxies of an unknown kind.
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError, ImportError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FetchError(f"cannot fetch it ({reason})") from None
