"""Fetch an image from an address that a client names, without letting it reach what only the server can (SSRF).

A name is resolved once, every address of it must be global, and the connection goes to that address. Redirects are
checked in the same way. Only http and https, on their own ports.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable
from functools import cache
from urllib.parse import urljoin, urlsplit

import httpx

from boxable.http import USER_AGENT
from boxable.serving.problems import RequestError

_PORTS = {"http": 80, "https": 443}
_MOST_REDIRECTS = 5
# Global unicast, and the networks in it whose addresses stand for IPv4 addresses: Teredo and 6to4.
_GLOBAL, _TRANSLATED = ipaddress.ip_network("2000::/3"), tuple(map(ipaddress.ip_network, ("2001::/32", "2002::/16")))
# The relay anycast of 6to4.
_RELAY = ipaddress.ip_network("192.88.99.0/24")


async def fetch(url: str, most: int, seconds: float, reserve: Callable[[int], None]) -> bytes:
    """Return the bytes at an address, `most` at most; `reserve` is told of each part. Raises RequestError."""
    try:
        tls = await asyncio.to_thread(_tls)
        async with asyncio.timeout(seconds), httpx.AsyncClient(verify=tls, trust_env=False, timeout=seconds) as client:
            for _ in range(_MOST_REDIRECTS + 1):
                request = await _request(client, url)
                response = await client.send(request, stream=True)
                try:
                    if not response.has_redirect_location:
                        return await _body(response, most, reserve)
                    url = urljoin(url, response.headers["location"])
                finally:
                    await response.aclose()
            raise _refused("it redirects too often")
    except TimeoutError:
        raise _refused(f"it did not answer within {seconds:g} seconds") from None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:  # UnicodeError is a ValueError
        raise _refused(f"it cannot be fetched ({type(error).__name__})") from None


@cache
def _tls() -> ssl.SSLContext:
    """Make the TLS context once: it takes some 30 ms."""
    return httpx.create_ssl_context(trust_env=False)


async def _request(client: httpx.AsyncClient, url: str) -> httpx.Request:
    """Make the request to the checked address of a URL. Raises RequestError."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _refused("it is no address") from None
    if parts.scheme not in _PORTS or not host or parts.username or parts.password:
        raise _refused("expected http:// or https://, a host and no password")
    if (port or _PORTS[parts.scheme]) != _PORTS[parts.scheme]:
        raise _refused("expected port 80 for http, 443 for https")
    address = await _global_address(host, _PORTS[parts.scheme])
    literal = f"[{address}]" if address.version == 6 else str(address)
    target = parts._replace(netloc=literal, fragment="").geturl()
    name = f"[{host}]" if ":" in host else host
    # An encoded body could become many times its size as it is decoded.
    headers = {"Host": name, "User-Agent": USER_AGENT, "Accept": "image/*", "Accept-Encoding": "identity"}
    return client.build_request("GET", target, headers=headers, extensions={"sni_hostname": host})


async def _global_address(host: str, port: int) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Resolve a host; all its addresses must be global. Raises RequestError."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise _refused("its host is unknown") from None
    addresses = [ipaddress.ip_address(str(item[4][0]).partition("%")[0]) for item in found]
    if not addresses or not all(map(is_global, addresses)):
        raise _refused("its host is not a public one")
    return addresses[0]


def is_global(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Tell whether an address is globally routable, and not a translation of an IPv4 address."""
    if address.version == 6 and (address not in _GLOBAL or any(address in network for network in _TRANSLATED)):
        return False
    return address.is_global and not address.is_multicast and address not in _RELAY


async def _body(response: httpx.Response, most: int, reserve: Callable[[int], None]) -> bytes:
    if response.status_code != 200:
        raise _refused(f"its server answered {response.status_code}")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise _refused("its server answered in an encoding that was not asked for")
    parts, size = [], 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > most:
            raise _refused(f"it has more than {most:,} bytes")
        reserve(len(part))
        parts.append(part)
    return b"".join(parts)


def _refused(why: str) -> RequestError:
    return RequestError(400, f"url: {why}", reason="bad_url")
