"""Find the image files of a folder."""

import logging
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from boxable.files import files_below
from boxable.images.codecs import HEIF_EXTRA, SUFFIXES, UNREAD_SUFFIXES, lacks_heif

logger = logging.getLogger("boxable")

_NAMED = 10  # files of a kind that a message names


def find_images(folder: Path) -> Iterator[tuple[Path, str | None]]:
    """Yield the path of each image file below a folder, in name order; and what cannot be searched, with the reason.

    Folders are searched as by `files_below`. Image files of a kind that is never read are named and counted on the log.
    """
    problems: list[OSError] = []
    others: dict[str, list[Path]] = defaultdict(list)
    found = 0
    for _, path in files_below(folder, problems.append):
        suffix = path.suffix.lower()
        if suffix in SUFFIXES:
            found += 1
            yield path, None
            if lacks_heif(suffix):
                others["HEIC"].append(path)
        elif suffix in UNREAD_SUFFIXES:
            others[UNREAD_SUFFIXES[suffix]].append(path)
        elif not suffix and path.is_symlink() and not path.exists():  # perhaps of a folder
            yield path, broken_link(path)
    for problem in problems:
        yield Path(problem.filename or folder), f"cannot read the folder ({problem.strerror})"
    for kind in sorted(others):
        _warn(folder, kind, others[kind])
    if not found and not problems:
        yield folder, f"no images in this folder; expected files that end in {' '.join(SUFFIXES)}"


def broken_link(path: Path) -> str:
    """Say where a link leads that leads to nothing."""
    return f"a broken link, to {path.readlink()}"


def _warn(folder: Path, kind: str, paths: list[Path]) -> None:
    count = "1 file is" if len(paths) == 1 else f"{len(paths)} files are"
    if kind == "HEIC":  # each of them has an error of its own
        logger.warning("%s: %s HEIC; to read HEIC, run: pip install '%s'", folder, count, HEIF_EXTRA)
        return
    names = ", ".join(os.path.relpath(path, folder) for path in paths[:_NAMED])
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    logger.warning("%s: %s %s, which is not read; convert to JPEG or PNG: %s%s", folder, count, kind, names, more)
