"""Download a file of known size and hash over HTTP: resumed where it stopped, with progress."""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from boxable.errors import FetchError, WeightsError, WrongHashError
from boxable.files import writing
from boxable.hashing import Algorithm, hash_of_file, sha256_of
from boxable.http import fetching
from boxable.progress import byte_progress

if TYPE_CHECKING:
    import httpx

_PARTIAL_CONTENT, _RANGE_NOT_SATISFIABLE = 206, 416
MAX_BYTES = 2 * 2**30  # of a file whose size is not known


def _never() -> Iterator[float]:
    return iter(())


def download(
    addresses: Iterable[str],
    part: Path,
    size: int,
    digest: str,
    algorithm: Algorithm = "sha256",
    pauses: Callable[[], Iterator[float]] = _never,
) -> list[FetchError]:
    """Download a file from the first address that has it into `part`, resuming an earlier download.

    A `size` of 0 or an empty `digest` (hexadecimal) is unknown, and not checked. Without a digest a download is resumed
    only with a strong validator (HTTP ETag) or a date, and the server has to tell the length. A transient error is
    retried after each of the `pauses`, in seconds, which start anew when more bytes arrive.
    Returns an empty list when `part` is complete and has the hash, else the error of each address. An interrupted
    download stays in `part` for the next time; one with a wrong hash is removed.
    """
    errors: list[FetchError] = []
    for address in addresses:
        # A part left by a broken download may spoil the first try; the second starts from nothing.
        for resumed in (part.exists(), False):
            try:
                _retry(address, part, size, digest, pauses)
                _check_hash(address, part, digest, algorithm)
            except FetchError as error:
                if not resumed or part.exists():
                    errors.append(error)
                    break
            else:
                _validator_of(part).unlink(missing_ok=True)
                return []
    return errors


def _retry(address: str, part: Path, size: int, digest: str, pauses: Callable[[], Iterator[float]]) -> None:
    """Complete `part` in as many attempts as it takes. Raises FetchError."""
    waits, most, connected = pauses(), _size_of(part), False
    while True:
        try:
            return _fetch(address, part, size, digest)
        except FetchError as error:
            connected = connected or (error.connected and error.retryable)  # there is a server
            have = _size_of(part)
            if have > most:
                waits, most = pauses(), have
            transient = error.retryable and (error.connected or connected)
            pause = next(waits, None) if transient else None
            if pause is None:
                error.args = (f"{address}: {error}",)
                raise
            time.sleep(pause)


def _fetch(address: str, part: Path, size: int, digest: str) -> None:
    """Complete `part` in one attempt. Raises FetchError."""
    with writing(part):
        part.parent.mkdir(parents=True, exist_ok=True)
    have = _size_of(part)
    if size and have == size:
        return
    headers = {"Accept-Encoding": "identity"} | (_range_request(part, have, digest) if have < size or not size else {})
    try:
        with fetching(address, headers) as response:
            resumed = response.status_code == _PARTIAL_CONTENT
            done = have if resumed else 0
            length = response.headers.get("Content-Length")
            if length is None and not (size or digest):
                raise FetchError("expected a Content-Length, got none: nobody could tell whether the file is complete")
            size = size or (0 if length is None else done + int(length))
            if not (resumed or digest):
                _save_validator(part, response)
            mode = "ab" if resumed else "wb"
            with writing(part), part.open(mode) as file, byte_progress(part.stem, done, size) as show:
                for block in response.iter_raw():
                    done += len(block)
                    if done > (size or MAX_BYTES):
                        raise FetchError(f"expected {size or MAX_BYTES} bytes, got more")
                    file.write(block)
                    show(done)
    except FetchError as error:
        if have and error.status == _RANGE_NOT_SATISFIABLE:  # the part is as long as the file, or longer
            with writing(part):
                part.unlink()
        raise
    if size and done != size:
        raise FetchError(f"expected {size} bytes, got {done}")


def _range_request(part: Path, have: int, digest: str) -> dict[str, str]:
    """Return headers that ask for the missing bytes; without a hash to check, of the same version of the file only."""
    if not have:
        return {}
    wanted = {"Range": f"bytes={have}-"}
    if digest:
        return wanted
    try:
        return wanted | {"If-Range": _validator_of(part).read_text("latin-1")}
    except OSError:
        return {}


def _save_validator(part: Path, response: "httpx.Response") -> None:
    """Save the strong validator or the date of this version of the file; nothing if the server sends neither."""
    etag = response.headers.get("ETag", "")
    validator = etag if etag.startswith('"') else response.headers.get("Last-Modified", "")
    path = _validator_of(part)
    with writing(path):
        part.unlink(missing_ok=True)  # of another version, perhaps
        path.unlink(missing_ok=True)
        if validator:
            path.write_text(validator, "latin-1")


def _validator_of(part: Path) -> Path:
    return part.with_name(f"{part.name}.version")


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _check_hash(address: str, part: Path, digest: str, algorithm: Algorithm) -> None:
    """Remove a complete file whose hash is wrong. Raises WrongHashError."""
    if digest and (found := hash_of_file(part, algorithm)) != digest:
        part.unlink()
        raise WrongHashError(address, algorithm, digest, found)


def require_hash(data: bytes, sha256: str, name: str) -> bytes:
    """Return the data if it has this hash. Raises WeightsError."""
    found = sha256_of(data)
    if found != sha256:
        raise WeightsError(f"{name}: expected sha256 {sha256}, got {found}; it is damaged or another file")
    return data
