"""Atomic writing of files; reading them, and listing those below a folder."""

import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from boxable.errors import ArgumentError, BoxableError
from boxable.settings import home_hint

# What systems leave among the files of others, in lower case.
_CLUTTER = ("thumbs.db", "desktop.ini", "__macosx")
# No job takes that long.
_ABANDONED_S = 24 * 3600


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it replaces `path` when the block ends, and is removed if it raises.

    Folders are made as needed. A symbolic link is followed. Raises BoxableError, with the file and the reason, when
    writing fails, and for a device or a pipe.
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
    """Yield an open binary file that is written as by `atomic_path`."""
    with atomic_path(path) as temporary, temporary.open("x+b") as file:
        yield file


def write_atomically(path: Path, data: bytes) -> None:
    """Write the whole file or nothing. Raises BoxableError as `atomic_path` does."""
    with atomic_file(path) as file:
        file.write(data)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Convert an OSError of the block into a BoxableError that names the file."""
    try:
        yield
    except BrokenPipeError:  # of stdout, if results are printed in the block
        raise
    except OSError as error:
        raise BoxableError(f"cannot write {path}: {error.strerror or error}{home_hint(path)}") from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Convert an OSError of the block into a BoxableError that names the file: an ArgumentError if it is missing."""
    try:
        yield
    except FileNotFoundError:
        raise ArgumentError(f"{path}: no such file") from None
    except OSError as error:
        raise BoxableError(f"{path}: cannot read it ({error.strerror or error})") from error


def read_text(path: Path, expected: str) -> str:
    """Read a UTF-8 file, without its byte order mark.

    Raises ArgumentError, with what was `expected`, for a file that is not text, BoxableError for an unreadable one.
    """
    try:
        with reading(path):
            return path.read_text("utf-8-sig")
    except UnicodeError:
        raise ArgumentError(f"{path}: not text; expected {expected}") from None


def read_start(path: Path, size: int) -> bytes:
    """Read the first bytes of a file, at most `size`. Raises BoxableError for an unreadable one."""
    with reading(path), path.open("rb") as file:
        return file.read(size)


def is_clutter(name: str) -> bool:
    """Tell whether a file of this name is nobody's data: hidden, AppleDouble (`._a.jpg`), or of a file manager."""
    return name.startswith(".") or name.lower() in _CLUTTER


def files_below(folder: Path, on_error: Callable[[OSError], object] | None = None) -> Iterator[tuple[str, Path]]:
    """Iterate over the files of a folder, recursively, in the order of their names: relative path with `/`, and path.

    Clutter is skipped. Links to folders are followed; every folder is searched once, by its own path if it has one
    below `folder`. Folders that cannot be searched are skipped, and given to `on_error`.
    """
    root = os.path.realpath(folder)
    seen = {root}
    for place, folders, files in os.walk(folder, onerror=on_error, followlinks=True):
        names = sorted(name for name in folders if not is_clutter(name))
        folders[:] = [name for name in names if _is_new(Path(place, name), root, seen)]
        below = os.path.relpath(place, folder)
        prefix = "" if below == "." else below.replace(os.sep, "/") + "/"
        yield from ((prefix + name, Path(place, name)) for name in sorted(files) if not is_clutter(name))


def folders_within(folder: Path, depth: int) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Iterate over a folder and those in it, so many levels in all: path, names of folders and of files.

    Clutter is skipped. A folder comes before those in it, so a caller that has found what it looks for may stop.
    """
    with os.scandir(folder) as entries:
        there = [(entry.name, entry.is_dir()) for entry in entries if not is_clutter(entry.name)]
    folders = [name for name, is_folder in there if is_folder]
    yield folder, folders, [name for name, is_folder in there if not is_folder]
    if depth > 1:
        for name in folders:
            yield from folders_within(folder / name, depth - 1)


def _is_new(path: Path, root: str, seen: set[str]) -> bool:
    """Tell whether a folder is to be searched by this path: not for the second time, nor for its own path."""
    real = os.path.realpath(path)
    if real in seen or (path.is_symlink() and _has_own_path(real, root)):
        return False
    seen.add(real)
    return True


def _has_own_path(real: str, root: str) -> bool:
    """Tell whether a folder is below the root without a link or clutter between them."""
    if not Path(real).is_relative_to(root):
        return False
    return not any(map(is_clutter, Path(real).relative_to(root).parts))


def is_abandoned(temporary: Path) -> bool:
    """Tell whether a temporary file or folder is a day old, so that its process must have been killed."""
    with suppress(OSError):
        return temporary.stat().st_mtime < time.time() - _ABANDONED_S
    return False
