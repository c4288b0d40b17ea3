"""Fetch a file of known size and hash over HTTP: resumed where it stopped, shown while it runs."""

import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from boxable.errors import FetchError, WeightsError
from boxable.files import writing
from boxable.http import fetching

_PARTIAL_CONTENT = 206
_NOTHING_LEFT = "416"
WRONG_HASH = "its sha256 is"
Algorithm = Literal["sha256", "md5"]
MAX_BYTES = 2 * 2**30  # of a file whose size is not known


def download(
    addresses: Iterable[str], part: Path, size: int, digest: str, algorithm: Algorithm = "sha256"
) -> list[str]:
    """Fetch the file from the first address that gives it into `part`, continuing what is there already.

    A `size` of 0 or an empty `digest` (hexadecimal) is not known, and not checked.
    Returns an empty list when `part` is complete and has the hash, else what went wrong at each address. An
    interrupted download stays in `part` for the next time; one with a wrong hash is removed.
    """
    problems = []
    for address in addresses:
        # A part left by a broken download may spoil the first try; the second starts from nothing.
        for resumed in (part.exists(), False):
            problem = _fetch(address, part, size) or _damage(part, digest, algorithm)
            if problem is None:
                return []
            if not resumed or part.exists():
                problems.append(f"{address}: {problem}")
                break
    return problems


def sha256_of_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of(data: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def _fetch(address: str, part: Path, size: int) -> str | None:
    """Complete `part`; returns what went wrong, or None."""
    with writing(part):
        part.parent.mkdir(parents=True, exist_ok=True)
        have = part.stat().st_size if part.exists() else 0
    if size and have == size:
        return None
    headers = {"Accept-Encoding": "identity"} | (
        {"Range": f"bytes={have}-"} if have and (have < size or not size) else {}
    )
    try:
        with fetching(address, headers) as response:
            continued = response.status_code == _PARTIAL_CONTENT
            done = have if continued else 0
            size = size or done + int(response.headers.get("Content-Length", 0))
            with (
                writing(part),
                part.open("ab" if continued else "wb") as file,
                _progress(part.stem, done, size) as show,
            ):
                for block in response.iter_raw():
                    done += len(block)
                    if done > (size or MAX_BYTES):
                        return f"more than the expected {size} bytes came"
                    file.write(block)
                    show(done)
    except FetchError as error:
        if have and _NOTHING_LEFT in str(error):  # the part is as long as the file, or longer: it must start anew
            with writing(part):
                part.unlink()
        return str(error)
    return None if done == size or not size else f"{done} bytes came, expected {size}"


def _damage(part: Path, digest: str, algorithm: Algorithm) -> str | None:
    """Remove a complete file whose hash is wrong and say so."""
    if not digest:
        return None
    with part.open("rb") as file:
        found = hashlib.file_digest(file, algorithm).hexdigest()
    if found == digest:
        return None
    part.unlink()
    return f"its {algorithm} is {found}, expected {digest}"


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
