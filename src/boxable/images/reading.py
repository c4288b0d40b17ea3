"""Read the bytes of an encoded image, up to a limit: from a file, an open file, standard input or the web."""

import stat
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from boxable.errors import ArgumentError, BoxableError, FetchError, ImageError
from boxable.http import fetching
from boxable.images.decode import DEFAULT_LIMITS, Limits
from boxable.images.folders import broken_link

_PART = 2**20
_WHOLE_TIMEOUT_S = 300.0


class BinaryFile(Protocol):
    """An open file, or what reads as one: `BytesIO`, an upload, the body of a response."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many of the bytes that follow; none at the end."""
        ...


def read_file(path: Path, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Read an image file. Raises ImageError for what is no file, too large, or unreadable."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ImageError(f"{path}: expected one image, got a folder (`detector.stream` takes folders)")
        if not stat.S_ISREG(status.st_mode):  # reading could take for ever
            raise ImageError(f"{path}: expected a file, or - for standard input, got a pipe or a device")
        if status.st_size > limits.max_bytes:
            raise _too_long(str(path), limits)
        with path.open("rb") as file:
            # One byte more than expected shows the end. Asked for the limit, `read` would allocate it, which takes
            # 0.1 to 0.3 ms, however small the file.
            data = file.read(status.st_size + 1)
            if len(data) > status.st_size:  # the file grows, or does not tell its size
                data += file.read(limits.max_bytes + 1 - len(data))
            return bounded(data, str(path), limits)
    except FileNotFoundError:
        raise ImageError(f"{path}: {broken_link(path) if path.is_symlink() else 'no such file'}") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise ImageError(f"{path}: cannot read it ({getattr(error, 'strerror', None) or error})") from None


def read_open(file: BinaryFile, name: str, limits: Limits) -> bytes:
    """Read an open file, from its beginning where it can go back to it. Raises ImageError and ArgumentError."""
    data = bytearray()
    try:
        with suppress(AttributeError, OSError):  # a pipe, or the body of a response
            file.seek(0)  # type: ignore[attr-defined]
        while part := file.read(_PART):
            if not isinstance(part, bytes | bytearray | memoryview):
                break
            data += part
            if len(data) > limits.max_bytes:
                break
    except Exception as error:  # an object of another library may raise anything
        raise ImageError(f"{name}: cannot read it ({reason(error)})") from None
    if not isinstance(part, bytes | bytearray | memoryview):
        raise ArgumentError(
            f"{name}: expected a file opened in binary mode, as open(path, 'rb'), got {type(part).__name__} from read()"
        )
    return bounded(bytes(data), name, limits)


def read_stdin(limits: Limits) -> bytes:
    """Read standard input to its end. Raises ImageError."""
    try:
        return bounded(sys.stdin.buffer.read(limits.max_bytes + 1), "-", limits)
    except (OSError, AttributeError):  # AttributeError: it is closed, or has been replaced by text
        raise ImageError("-: there is no standard input to read") from None


def bounded(data: bytes, name: str, limits: Limits) -> bytes:
    """Return the data. Raises ImageError if they are too many."""
    if len(data) > limits.max_bytes:
        raise _too_long(name, limits)
    return data


def _too_long(name: str, limits: Limits) -> ImageError:
    return ImageError(f"{name}: more than {limits.max_bytes // 2**20} MiB; too large for an image")


def download(url: str, limits: Limits) -> bytes:
    """Fetch an image from the web. Raises ImageError."""
    deadline = time.monotonic() + _WHOLE_TIMEOUT_S
    data = bytearray()
    try:
        with fetching(url) as response:
            for part in response.iter_bytes():
                data += part
                if len(data) > limits.max_bytes:
                    break
                if time.monotonic() > deadline:
                    raise FetchError(f"not complete after {_WHOLE_TIMEOUT_S:.0f} seconds")
    except FetchError as error:
        raise ImageError(f"{url}: {error}") from None
    except BoxableError as error:
        raise ImageError(str(error)) from None
    return bounded(bytes(data), url, limits)


def reason(error: Exception) -> str:
    """Return the text of an error as one short line."""
    return " ".join(str(error).split())[:160] or type(error).__name__
