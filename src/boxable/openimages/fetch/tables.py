"""The published tables, in the cache: fetched once, resumed where it stopped, checked."""

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
    """The tables of this split from the cache; those that are not there are fetched.

    Raises FetchError where one cannot be had, BoxableError where BOXABLE_OFFLINE forbids to fetch it or it cannot be
    written.
    """
    published = tables_of(version, split)
    # The small ones first: what is wrong with the network shows before gigabytes have come.
    classes, images = _fetched(published.classes), _fetched(published.images)
    return TableFiles(_fetched(published.boxes), _fetched(published.image_labels), images, classes)


def cache_folder() -> Path:
    """Where the tables of the address in use are kept: each address has tables of its own."""
    base = open_images_tables()
    place = "official" if base == OFFICIAL_TABLES else hashlib.sha256(base.encode()).hexdigest()[:12]
    return home() / "openimages" / place


def _fetched(published: Published) -> Path:
    base = open_images_tables()
    path = cache_folder() / published.path
    # What is known is known of the official files; another server may have a slice of them.
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
        problems = download([address], part, known.size, known.md5, "md5", delays)
        if problems:
            raise FetchError(
                f"cannot fetch a table of Open Images: {'; '.join(map(str, problems))}; look at the network and at "
                "BOXABLE_OPENIMAGES, the address of another server, then run it again to go on"
            )
        with writing(path):
            part.replace(path)
    return path


def _is_whole(path: Path, known: Published) -> bool:
    """Whether the file is there. It got its name when it was complete and checked; its size shows later damage."""
    return path.is_file() and known.size in (0, path.stat().st_size)
