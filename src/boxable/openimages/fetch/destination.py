"""The destination folder of a fetch: checks, its description, and a lock."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from boxable.datasets import layout
from boxable.errors import ArgumentError, BoxableError
from boxable.files import writing
from boxable.findings import counted
from boxable.formats.tables import require_utf8
from boxable.openimages.fetch.ledger import Ledger
from boxable.openimages.fetch.request import Request

_LOCK = ".fetching.lock"
# The temporary files of a killed run, see files.py and narrow.py.
_TABLE = r"\.(annotations-bbox|annotations-human-imagelabels|images|classes|boxable-data)\.(parquet|csv|json)\."
_LEFT = re.compile(rf"{_TABLE}[0-9a-f]{{8}}\.(part|rows\.parquet)|\.{_TABLE}.*\.[0-9a-f]{{8}}\.part")


def check_folder(folder: Path, request: Request) -> None:
    """Raise ArgumentError unless the folder is new, or has the same version, split and source."""
    require_utf8(folder)
    if folder.exists() and not folder.is_dir():
        raise ArgumentError(f"{folder}: a file; expected a folder, or a name for a new one")
    about = layout.read_description(folder)
    if not about:
        if taken := _others(folder):
            raise ArgumentError(
                f"{folder}: has {', '.join(taken[:3])}, but no {layout.DESCRIPTION}; name a new folder to fetch into; "
                f"images that you move into its {layout.IMAGE_FOLDER}/ are taken if they are whole"
            )
        return
    if "part" in about:
        raise ArgumentError(f"{folder}: a part that `boxable data split` made; fetch into a folder of its own")
    here = tuple(about.get(name) for name in ("version", "split", "source"))
    if here != (request.version, request.split, request.source):
        what = " ".join(str(word) for word in here if word) or "something that was not fetched"
        raise ArgumentError(
            f"{folder}: holds {what}; {request.version} {request.split} {request.source} needs a folder of its own"
        )


def _others(folder: Path) -> list[str]:
    """List the content of a folder besides images and hidden files."""
    with writing(folder):
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    return [name for name in names if name != layout.IMAGE_FOLDER and not name.startswith(".")]


def check_growth(folder: Path, ledger: Ledger, request: Request, wanted: Collection[str]) -> None:
    """Raise ArgumentError where the folder has images outside `wanted` (a set), or boxes of other classes."""
    others = [image_id for image_id in ledger.ids() if image_id not in wanted]
    if others:
        raise ArgumentError(
            f"{folder}: has {counted(len(others), 'image|s')} that this selection leaves out, such as {others[0]}; a "
            "folder can only grow: select at least as much as before, or name a new folder"
        )
    before = layout.read_description(folder).get("classes")
    if not _covers(request.mids, Request(request.split, before).mids):
        raise ArgumentError(
            f"{folder}: has the boxes of {before or 'all classes'}, and {request.classes} leaves some of them "
            "out; a folder can only grow: select at least as much as before, or name a new folder"
        )


def _covers(classes: frozenset[str] | None, before: frozenset[str] | None) -> bool:
    """Tell whether `classes` is a superset of `before`; None stands for all classes."""
    return classes is None or (before is not None and before <= classes)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary tables of a killed run; needs the lock of the folder."""
    with writing(folder):
        for path in folder.iterdir():
            if _LEFT.fullmatch(path.name):
                path.unlink()


def prepared(folder: Path, request: Request) -> Path:
    """Write the description into a new folder, so that a killed run can be resumed, and return the folder."""
    check_folder(folder, request)  # again: another process may have come first
    if not layout.read_description(folder):
        describe(folder, request)
    return folder


def describe(folder: Path, request: Request) -> None:
    """Write the request into the description of the folder."""
    layout.write_description(
        folder,
        {
            "made_by": layout.MADE_BY_FETCH, "version": request.version, "split": request.split,
            "source": request.source, "classes": request.classes, "max_images": request.max_images,
            "per_class": request.per_class,
        },
    )  # fmt: skip


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Lock the folder against other processes that fetch into it."""
    lock = filelock.FileLock(folder / _LOCK)
    with writing(folder / _LOCK):
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise BoxableError(f"{folder}: another process fetches into it; wait, or name another folder") from None
    try:
        yield
    finally:
        lock.release()
