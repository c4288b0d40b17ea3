"""Files that are written whole or not at all."""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from boxable.errors import BoxableError

# No work on temporary files takes so long.
_ABANDONED_S = 24 * 3600


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`, which becomes `path` at the end of the block, and is removed if it raises.

    Folders are made as needed; of a symbolic link the file behind it is written. Raises BoxableError, naming the file
    and the reason, when writing fails, and for a device or a pipe, which would be replaced by a file.
    """
    with writing(path):
        path = path.resolve() if path.is_symlink() else path
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise BoxableError(f"cannot write {path}: it is a device or a pipe; name a file")
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(4)}.part")
    try:
        with writing(path):
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """As `atomic_path`, but an open binary file."""
    with atomic_path(path) as temporary, temporary.open("x+b") as file:
        yield file


def write_atomically(path: Path, data: bytes) -> None:
    """Write the whole file or nothing. Raises BoxableError as `atomic_file` does."""
    with atomic_file(path) as file:
        file.write(data)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an OSError of the block into a BoxableError that names the file."""
    try:
        yield
    except BrokenPipeError:  # of stdout, if results are printed in the block: no file breaks so
        raise
    except OSError as error:
        raise BoxableError(f"cannot write {path}: {error.strerror or error}") from error


def is_abandoned(temporary: Path) -> bool:
    """Whether whatever made this temporary file or folder was killed: it is a day old. False if it is not there."""
    with suppress(OSError):
        return temporary.stat().st_mtime < time.time() - _ABANDONED_S
    return False
