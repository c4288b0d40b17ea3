"""Fetch a file of known size and hash over HTTP: resumed where it stopped, shown while it runs."""

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from boxable.errors import FetchError, WeightsError
from boxable.files import writing
from boxable.hashing import Algorithm, hash_of_file, sha256_of
from boxable.http import fetching

if TYPE_CHECKING:
    import httpx

_PARTIAL_CONTENT = 206
_NOTHING_LEFT = "416"
_WRONG = "its {} is"
WRONG_HASH = _WRONG.format("sha256")
MAX_BYTES = 2 * 2**30  # of a file whose size is not known
# Statuses that another attempt may not meet with.
_BUSY = re.compile(r"answered (408|429|5\d\d)\b")


@dataclass(frozen=True, slots=True)
class _Problem:
    """What went wrong. It may be `passing`; `unreached`: there was no connection at all."""

    text: str
    passing: bool = False
    unreached: bool = False


def _never() -> Iterator[float]:
    return iter(())


def download(
    addresses: Iterable[str],
    part: Path,
    size: int,
    digest: str,
    algorithm: Algorithm = "sha256",
    pauses: Callable[[], Iterator[float]] = _never,
) -> list[str]:
    """Fetch the file from the first address that gives it into `part`, continuing what is there already.

    A `size` of 0 or an empty `digest` (hexadecimal) is not known, and not checked; without a digest, only the same
    version of the file is continued, and it has to come with its length. An address that is busy or breaks off is
    asked again after each of the `pauses`, in seconds, which begin anew when it gets further.
    Returns an empty list when `part` is complete and has the hash, else what went wrong at each address. An
    interrupted download stays in `part` for the next time; one with a wrong hash is removed.
    """
    problems = []
    for address in addresses:
        # A part left by a broken download may spoil the first try; the second starts from nothing.
        for resumed in (part.exists(), False):
            problem = _patiently(address, part, size, digest, pauses) or _damage(part, digest, algorithm)
            if problem is None:
                _version_of(part).unlink(missing_ok=True)
                return []
            if not resumed or part.exists():
                problems.append(f"{address}: {problem}")
                break
    return problems


def _patiently(address: str, part: Path, size: int, digest: str, pauses: Callable[[], Iterator[float]]) -> str | None:
    """Complete `part` in as many attempts as it takes; returns what went wrong, or None."""
    waits, most, begun = pauses(), _size_of(part), False
    while True:
        problem = _fetch(address, part, size, digest)
        if problem is None:
            return None
        begun = begun or problem.passing  # there is a server, even if it cannot be reached for a while
        have = _size_of(part)
        if have > most:
            waits, most = pauses(), have
        pause = next(waits, None) if problem.passing or (problem.unreached and begun) else None
        if pause is None:
            return problem.text
        time.sleep(pause)


def _fetch(address: str, part: Path, size: int, digest: str) -> _Problem | None:
    """Complete `part` in one attempt; returns what went wrong, or None."""
    with writing(part):
        part.parent.mkdir(parents=True, exist_ok=True)
    have = _size_of(part)
    if size and have == size:
        return None
    headers = {"Accept-Encoding": "identity"} | (_rest_of(part, have, digest) if have < size or not size else {})
    try:
        with fetching(address, headers) as response:
            continued = response.status_code == _PARTIAL_CONTENT
            done = have if continued else 0
            length = response.headers.get("Content-Length")
            if length is None and not (size or digest):
                return _Problem("the server does not say how long it is, and nobody could tell if all of it came")
            size = size or (0 if length is None else done + int(length))
            if not (continued or digest):
                _note_version(part, response)
            with (
                writing(part),
                part.open("ab" if continued else "wb") as file,
                _progress(part.stem, done, size) as show,
            ):
                for block in response.iter_raw():
                    done += len(block)
                    if done > (size or MAX_BYTES):
                        return _Problem(f"more than the expected {size or MAX_BYTES} bytes came")
                    file.write(block)
                    show(done)
    except FetchError as error:
        if have and _NOTHING_LEFT in str(error):  # the part is as long as the file, or longer: it must start anew
            with writing(part):
                part.unlink()
        return _problem(error)
    return None if done == size or not size else _Problem(f"{done} bytes came, expected {size}")


def _rest_of(part: Path, have: int, digest: str) -> dict[str, str]:
    """Headers that ask for what is missing; without a hash that would tell, of the same version of the file only."""
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
    """Keep what the server calls this version of the file; nothing if it gives no name that is good for that."""
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


def _problem(error: FetchError) -> _Problem:
    import httpx

    unreached = (httpx.ConnectError, httpx.ConnectTimeout)
    broken = (httpx.NetworkError, httpx.TimeoutException, httpx.RemoteProtocolError)
    if isinstance(error.__context__, unreached):
        return _Problem(str(error), unreached=True)
    return _Problem(str(error), passing=isinstance(error.__context__, broken) or _BUSY.search(str(error)) is not None)


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _damage(part: Path, digest: str, algorithm: Algorithm) -> str | None:
    """Remove a complete file whose hash is wrong and say so."""
    if not digest:
        return None
    found = hash_of_file(part, algorithm)
    if found == digest:
        return None
    part.unlink()
    return f"{_WRONG.format(algorithm)} {found}, expected {digest}"


@contextmanager
def _progress(name: str, done: int, size: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    # rich would send what goes to stdout to the bar's terminal.
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False) as progress:
        task = progress.add_task(name, total=size, completed=done)
        yield lambda done: progress.update(task, completed=done)


def require_hash(data: bytes, sha256: str, name: str) -> bytes:
    """The data, if it has this hash; else WeightsError."""
    found = sha256_of(data)
    if found != sha256:
        raise WeightsError(f"{name}: its sha256 is {found}, expected {sha256}; it is damaged or another file")
    return data
