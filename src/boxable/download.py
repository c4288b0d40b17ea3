"""Download a file over HTTP: resumed, checked by size and hash, with a progress bar."""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from boxable.errors import FetchError, HashError, WeightsError
from boxable.files import writing
from boxable.hashing import Algorithm, check_hash, hash_of_file, sha256_of
from boxable.http import fetching
from boxable.progress import progress

if TYPE_CHECKING:
    import httpx

_PARTIAL_CONTENT, _RANGE_NOT_SATISFIABLE = 206, 416
MAX_BYTES = 2 * 2**30  # of a file of unknown size


def _never() -> Iterator[float]:
    return iter(())


def download(
    addresses: Iterable[str],
    part: Path,
    size: int,
    digest: str,
    algorithm: Algorithm = "sha256",
    pauses: Callable[[], Iterator[float]] = _never,
) -> dict[str, FetchError]:
    """Download a file into `part` from the first address that works; resume a partial download.

    A `size` of 0 or an empty `digest` (hexadecimal) is unknown, and not checked. Without a digest only the same
    version of the file is resumed, and the server must tell its length. A transient error is retried after each of
    the `pauses`, in seconds, which start again after progress.
    Returns the error of each address; none when `part` is complete and has the hash. A partial download stays in
    `part` for the next time; one with a wrong hash is removed.
    """
    errors = {}
    for address in addresses:
        # A part left by a broken download may spoil the first try; the second starts from nothing.
        for resumed in (part.exists(), False):
            try:
                _fetch_patiently(address, part, size, digest, pauses)
                _check(part, digest, algorithm)
            except FetchError as error:
                if not resumed or part.exists():
                    errors[address] = error
                    break
            else:
                _version_of(part).unlink(missing_ok=True)
                return {}
    return errors


def _fetch_patiently(address: str, part: Path, size: int, digest: str, pauses: Callable[[], Iterator[float]]) -> None:
    """Complete `part`, with retries after transient errors."""
    waits, most, connected = pauses(), _size_of(part), False
    while True:
        try:
            return _fetch(address, part, size, digest)
        except FetchError as error:
            connected = connected or error.retryable  # there is a server, even if it is down for a while
            if (have := _size_of(part)) > most:
                waits, most = pauses(), have
            pause = next(waits, None) if error.retryable or (connected and not error.connected) else None
            if pause is None:
                raise
        time.sleep(pause)


def _fetch(address: str, part: Path, size: int, digest: str) -> None:
    """Complete `part` in one attempt."""
    with writing(part):
        part.parent.mkdir(parents=True, exist_ok=True)
    have = _size_of(part)
    if size and have == size:
        return
    headers = {"Accept-Encoding": "identity"} | (_rest_of(part, have, digest) if have < size or not size else {})
    try:
        with fetching(address, headers) as response:
            resumed = response.status_code == _PARTIAL_CONTENT
            done = have if resumed else 0
            length = response.headers.get("Content-Length")
            if length is None and not (size or digest):
                raise FetchError("the server does not tell the length, so a truncated file would not be noticed")
            size = size or (0 if length is None else done + int(length))
            if not (resumed or digest):
                _note_version(part, response)
            with (
                writing(part),
                part.open("ab" if resumed else "wb") as file,
                progress(part.stem, size or None, done=done, unit="bytes") as advance,
            ):
                for block in response.iter_raw():
                    done += len(block)
                    if done > (size or MAX_BYTES):
                        raise FetchError(f"expected {size or MAX_BYTES} bytes, got more")
                    file.write(block)
                    advance(len(block))
    except FetchError as error:
        if have and error.status == _RANGE_NOT_SATISFIABLE:  # the part is as long as the file, or longer
            with writing(part):
                part.unlink()
        raise
    if size and done != size:
        raise FetchError(f"expected {size} bytes, got {done}")


def _rest_of(part: Path, have: int, digest: str) -> dict[str, str]:
    """Build the headers of a range request; without a hash, one that holds for the same version only (If-Range)."""
    if not have:
        return {}
    wanted = {"Range": f"bytes={have}-"}
    if digest:
        return wanted
    try:
        return wanted | {"If-Range": _version_of(part).read_text("latin-1")}
    except OSError:
        return {}


def _note_version(part: Path, response: "httpx.Response") -> None:
    """Store the strong validator of this version of the file, if the server sends one, and drop the old part."""
    etag = response.headers.get("ETag", "")
    version = etag if etag.startswith('"') else response.headers.get("Last-Modified", "")
    path = _version_of(part)
    with writing(path):
        part.unlink(missing_ok=True)  # of another version, perhaps
        path.unlink(missing_ok=True)
        if version:
            path.write_text(version, "latin-1")


def _version_of(part: Path) -> Path:
    return part.with_name(f"{part.name}.version")


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _check(part: Path, digest: str, algorithm: Algorithm) -> None:
    """Check the hash of a complete file, if it is known; remove a file with a wrong one."""
    try:
        if digest:
            check_hash(digest, hash_of_file(part, algorithm), algorithm)
    except HashError:
        part.unlink()
        raise


def require_hash(data: bytes, sha256: str, name: str) -> bytes:
    """Return the data if it has this hash. Raises WeightsError."""
    try:
        check_hash(sha256, sha256_of(data))
    except HashError as error:
        raise WeightsError(f"{name}: {error}; it is damaged or another file") from None
    return data
