"""Check that the ledger of a data folder and its image files agree."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from boxable.datasets.layout import LEDGER, DataFolder
from boxable.datasets.read_image import image_path
from boxable.errors import ImageError
from boxable.findings import Finding, until
from boxable.openimages.fetch.ledger import Ledger


def check_ledger(folder: DataFolder, stop: threading.Event) -> list[Finding]:
    """Compare the ledger with the files, as far as it gets until `stop`; no findings without a ledger."""
    if not (folder.path / LEDGER).is_file():
        return []
    done = Finding(LEDGER, "images that are done have a file of the noted size")
    failed = Finding(LEDGER, "images that are not done have no file")
    with Ledger(folder.path / LEDGER) as ledger:
        for image_id, size in until(stop, ledger.done()):
            found = _size(folder, image_id)
            have = "no file" if found is None else f"{found} in the file"
            done.add(1, found != size, [f"{image_id}: {size} bytes in the ledger, {have}"] * (found != size))
        for image in until(stop, ledger.missing()):
            has_file = _size(folder, image.id) is not None
            example = f"{image.id}: has a file, but is not done in the ledger; fetch again to check it"
            failed.add(1, has_file, [example] * has_file)
    return [done, failed]


@contextmanager
def md5_of_fetched(folder: DataFolder) -> Iterator[Callable[[str], str | None]]:
    """Open the ledger; yield a function `image id -> MD5 of the fetched file or None`, to call in order of the ids."""
    if not (folder.path / LEDGER).is_file():
        yield lambda image_id: None
        return
    with Ledger(folder.path / LEDGER) as ledger:
        notes = ledger.md5s()
        head = next(notes, None)

        def md5_of(image_id: str) -> str | None:
            nonlocal head
            while head is not None and head[0] < image_id:
                head = next(notes, None)
            return head[1] if head is not None and head[0] == image_id else None

        yield md5_of


def _size(folder: DataFolder, image_id: str) -> int | None:
    try:
        path: Path = image_path(folder, image_id)
        return path.stat().st_size
    except (ImageError, OSError):
        return None
