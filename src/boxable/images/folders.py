"""Find the image files of a folder."""

import logging
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from boxable.images.codecs import HEIF_EXTRA, SUFFIXES, UNREAD_SUFFIXES, lacks_heif

logger = logging.getLogger("boxable")

_NAMED = 10  # files of a kind that a message names


def find_images(folder: Path) -> Iterator[tuple[Path, str | None]]:
    """Yield the path of each image file below a folder, in name order; and what cannot be searched, with the reason.

    Links are followed; every folder is searched once. Hidden files and folders, whose names begin with a dot, are
    skipped. Image files of a kind that is never read are named and counted on the log.
    """
    problems: list[OSError] = []
    others: dict[str, list[Path]] = defaultdict(list)
    found = 0
    for path in _files(folder, problems):
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
        yield folder, f"no images in this folder; looked for {' '.join(SUFFIXES)}"


def broken_link(path: Path) -> str:
    """Say where a link leads that leads to nothing."""
    return f"a broken link, to {path.readlink()}"


def _files(folder: Path, problems: list[OSError]) -> Iterator[Path]:
    """Yield the path of each file that is not hidden, in name order."""
    root = os.path.realpath(folder)
    seen = {root}
    for place, folders, files in os.walk(folder, onerror=problems.append, followlinks=True):
        shown = (name for name in sorted(folders) if not name.startswith("."))
        folders[:] = [name for name in shown if _is_new(Path(place, name), root, seen)]
        yield from (Path(place, name) for name in sorted(files) if not name.startswith("."))


def _is_new(path: Path, root: str, seen: set[str]) -> bool:
    """Tell whether a folder is to be searched by this path: not for the second time, nor for its own path."""
    real = os.path.realpath(path)
    if real in seen or (path.is_symlink() and _has_own_path(real, root)):
        return False
    seen.add(real)
    return True


def _has_own_path(real: str, root: str) -> bool:
    """Tell whether a folder is below the root without a link or a hidden folder between them."""
    if not Path(real).is_relative_to(root):
        return False
    return not any(part.startswith(".") for part in Path(real).relative_to(root).parts)


def _warn(folder: Path, kind: str, paths: list[Path]) -> None:
    count = "1 file is" if len(paths) == 1 else f"{len(paths)} files are"
    if kind == "HEIC":  # each of them has an error of its own
        logger.warning("%s: %s HEIC; to read HEIC, run: pip install '%s'", folder, count, HEIF_EXTRA)
        return
    names = ", ".join(os.path.relpath(path, folder) for path in paths[:_NAMED])
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    logger.warning("%s: %s %s, which is not read; convert to JPEG or PNG: %s%s", folder, count, kind, names, more)
