"""The cache of the published tables: fetched once, resumed, checked."""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

import filelock

from boxable.download import download
from boxable.errors import BoxableError, FetchError
from boxable.files import writing
from boxable.openimages.fetch.addresses import Published, Split, Version, tables_of
from boxable.openimages.fetch.back_off import delays
from boxable.settings import OFFICIAL_TABLES, home, offline, open_images_tables

logger = logging.getLogger("boxable")


@dataclass(frozen=True, slots=True)
class TableFiles:
    """The tables of one split, on disk."""

    boxes: Path
    image_labels: Path
    images: Path
    classes: Path

    @property
    def paths(self) -> tuple[Path, ...]:
        """All of them."""
        return self.boxes, self.image_labels, self.images, self.classes


def fetch_tables(version: Version, split: Split) -> TableFiles:
    """Return the tables of a split from the cache; fetch those that are missing.

    Raises FetchError where one is unavailable, and BoxableError where BOXABLE_OFFLINE forbids to fetch it or it
    cannot be written.
    """
    published = tables_of(version, split)
    # The small ones first: network problems show before gigabytes are fetched.
    classes, images = _fetched(published.classes), _fetched(published.images)
    return TableFiles(_fetched(published.boxes), _fetched(published.image_labels), images, classes)


def cache_folder() -> Path:
    """Return the folder of the tables; each base address has its own."""
    base = open_images_tables()
    place = "official" if base == OFFICIAL_TABLES else hashlib.sha256(base.encode()).hexdigest()[:12]
    return home() / "openimages" / place


def _fetched(published: Published) -> Path:
    base = open_images_tables()
    path = cache_folder() / published.path
    # Sizes and hashes are those of the official files; another server may have a slice of them.
    known = published if base == OFFICIAL_TABLES else Published(published.path)
    if _is_whole(path, known):
        return path
    address = f"{base}/{published.path}"
    if offline():
        raise BoxableError(
            f"{path} is not there, and BOXABLE_OFFLINE forbids to fetch it from {address}; unset it, or put the file "
            "there"
        )
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        waiting = filelock.FileLock(path.with_name(f"{path.name}.lock"))
    with waiting:
        if _is_whole(path, known):  # by another process, meanwhile
            return path
        logger.info("fetching %s", address)
        part = path.with_name(f"{path.name}.part")
        for error in download([address], part, known.size, known.md5, "md5", delays).values():
            raise FetchError(
                f"cannot fetch a table of Open Images: {address}: {error}; look at the network and at "
                "BOXABLE_OPENIMAGES, the address of another server, then run it again to go on"
            )
        with writing(path):
            part.replace(path)
    return path


def _is_whole(path: Path, known: Published) -> bool:
    """Tell whether the file exists in the known size. It got its name after it was complete and checked."""
    return path.is_file() and known.size in (0, path.stat().st_size)
