"""Folders that appear whole or not at all: written beside their place, and moved at the end."""

import glob
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from boxable.files import writing

# Locked while a process writes into the folder.
_LOCK = ".lock"


@contextmanager
def new_folder(dest: Path) -> Iterator[Path]:
    """Make a folder to write into; it becomes `dest` when the block ends, and is removed if it raises."""
    with scratch_folder(dest) as scratch:
        folder = scratch / "whole"
        folder.mkdir()
        yield folder
        with writing(dest):
            folder.replace(dest)


@contextmanager
def scratch_folder(dest: Path) -> Iterator[Path]:
    """Make a temporary folder beside `dest`, removed at the end; also remove those that killed processes left."""
    start = f".{dest.name[:40]}."
    scratch = dest.with_name(f"{start}{secrets.token_hex(4)}.part")
    lock = filelock.FileLock(scratch / _LOCK)
    with writing(dest):
        for left in dest.parent.glob(f"{glob.escape(start)}????????.part/{_LOCK}"):
            _remove_unless_held(left)
        scratch.mkdir(parents=True)
    try:
        with writing(dest):
            lock.acquire()
        yield scratch
    finally:
        lock.release()
        shutil.rmtree(scratch, ignore_errors=True)


def _remove_unless_held(path: Path) -> None:
    lock = filelock.FileLock(path)
    with suppress(filelock.Timeout, OSError):
        lock.acquire(timeout=0)
        lock.release()
        shutil.rmtree(path.parent, ignore_errors=True)
