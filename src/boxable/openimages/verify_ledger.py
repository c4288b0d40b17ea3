"""Check that the ledger of a data folder and its photos agree."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from boxable.errors import ImageError
from boxable.openimages.fetch.ledger import Ledger
from boxable.openimages.findings import Finding, until
from boxable.openimages.layout import LEDGER, DataFolder
from boxable.openimages.photos import photo_path


def verify_ledger(folder: DataFolder, stop: threading.Event) -> list[Finding]:
    """What the ledger says of photos that are not so, as far as it came until `stop`; nothing without a ledger."""
    if not (folder.path / LEDGER).is_file():
        return []
    done = Finding(LEDGER, "what is done is there, in its size")
    failed = Finding(LEDGER, "what is not done is not there")
    with Ledger(folder.path / LEDGER) as ledger:
        for image_id, size in until(stop, ledger.done()):
            found = _size(folder, image_id)
            if found == size:
                done.add(1)
            else:
                done.fail(
                    f"{image_id}: {size} bytes in the ledger, {'no photo' if found is None else f'{found} there'}"
                )
        for image in until(stop, ledger.missing()):
            if _size(folder, image.id) is None:
                failed.add(1)
            else:
                failed.fail(f"{image.id}: there, but not done in the ledger; fetch again to have it checked")
    return [done, failed]


@contextmanager
def noted_md5(folder: DataFolder) -> Iterator[Callable[[str], str | None]]:
    """A function that tells the MD5 of a photo when it was fetched, if it was; it is asked in the order of the ids."""
    if not (folder.path / LEDGER).is_file():
        yield lambda image_id: None
        return
    with Ledger(folder.path / LEDGER) as ledger:
        notes = ledger.md5s()
        head = next(notes, None)

        def noted(image_id: str) -> str | None:
            nonlocal head
            while head is not None and head[0] < image_id:
                head = next(notes, None)
            return head[1] if head is not None and head[0] == image_id else None

        yield noted


def _size(folder: DataFolder, image_id: str) -> int | None:
    try:
        path: Path = photo_path(folder, image_id)
        return path.stat().st_size
    except (ImageError, OSError):
        return None
