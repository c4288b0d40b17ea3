"""Files that are written whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from boxable.errors import BoxableError


@contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """A binary file that appears under `path` when the block ends, and not at all if it raises.

    Folders are made as needed. Raises BoxableError, naming the file and the reason, when writing fails.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(4)}.part")
        file = temporary.open("x+b")
    try:
        with writing(path), file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with writing(path):
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


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
