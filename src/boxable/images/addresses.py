"""Addresses of images: which are read, and what the others are."""

import base64
import binascii
import re
from urllib.parse import unquote_to_bytes
from urllib.request import url2pathname

_WEB = ("http", "https")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://|(data):|(file):/", re.IGNORECASE)
# Paths are shorter on every system, and so are the addresses that servers accept.
_MAX_CHARACTERS = 32768
_SHOWN = 60


def scheme_of(name: str) -> str | None:
    """Return the scheme of an address, as `https`; None for a path."""
    found = _SCHEME.match(name)
    return found[0].partition(":")[0].lower() if found else None


def is_web(name: str) -> bool:
    """Tell whether this is the address of a file on the web."""
    return scheme_of(name) in _WEB


def shown(name: str) -> str:
    """Shorten an address for messages: a data URL to its media type, another to its beginning if it is very long."""
    if scheme_of(name) == "data":
        kind = re.match(r"[\w/+.-]*", name[5:], re.ASCII)
        return f"data:{kind[0][:_SHOWN] if kind else ''}"
    return name if len(name) <= _MAX_CHARACTERS else f"{name[:_SHOWN]}…"


def problem_of(name: str) -> str | None:
    """Return why an address or a path cannot be read, whatever is there; None if it may be."""
    scheme = scheme_of(name)
    if scheme not in (None, *_WEB, "file", "data"):
        return f"expected a path, or an address with http:, https:, file: or data:, got {scheme}:; download it first"
    if scheme in _WEB and re.match(r"\w+://(?:[/?#]|$)", name):
        return f"expected the name of a server after {scheme}://"
    if scheme != "data" and len(name) > _MAX_CHARACTERS:
        return f"expected a path or an address, got {len(name)} characters; an encoded image is passed as bytes"
    return None


def path_of(url: str) -> str:
    """Return the path in a file URL. Raises ValueError if it is on another machine."""
    path = url[5:]
    if path.startswith("//"):
        host, slash, rest = path[2:].partition("/")
        if host.lower() not in ("", "localhost"):
            raise ValueError(f"expected a file on this machine, as file:///folder/name, got one on {host}")
        path = slash + rest
    return url2pathname(path)


def data_of(url: str) -> bytes:
    """Return the content of a data URL, in base64 or percent-encoded. Raises ValueError if it is malformed."""
    header, comma, text = url[5:].partition(",")
    if not comma:
        raise ValueError("expected a comma between the media type and the image")
    content = unquote_to_bytes(text)
    if not header.rstrip().lower().endswith(";base64"):
        return content
    content = b"".join(content.split())
    try:
        return base64.b64decode(content.rstrip(b"=") + b"=" * (-len(content.rstrip(b"=")) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(f"expected base64 after the comma ({error})") from None
