"""The id of an image: made here for every reader, writer and verb."""

import re
from collections.abc import Iterable
from pathlib import Path, PurePath, PureWindowsPath

from boxable.errors import ArgumentError

# Stands for the slash between folders; it is safe in file names, and an id is the name of a file in most formats.
SEPARATOR = "__"
# What the folder of images is called in annotated sets, in any case; no part of an id.
IMAGE_FOLDERS = ("images", "jpegimages", "data")

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://([^?#]*).*", re.DOTALL)
_SUFFIX = re.compile(r"(?<=.)\.[A-Za-z][A-Za-z0-9]{0,4}$")


def image_id(path: str | PurePath) -> str:
    """Make the id of an image from its path relative to the image folder, or to the folder of the annotated set.

    It is the path without suffix; folders are joined by `__`, and those that are named as in `IMAGE_FOLDERS` are left
    out: `images/cam1/0001.jpg` is `cam1__0001`. Backslashes count as slashes. Of an absolute path, which is of another
    machine, and of a URL the part below the last image folder counts, or the file name alone. The result depends on no
    other file.
    """
    name = _of_url(str(path))
    *folders, file = [part for part in re.split(r"[/\\]", name) if part not in ("", ".", "..")] or [""]
    if PureWindowsPath(name).is_absolute() or name.startswith(("/", "\\")) or PureWindowsPath(name).drive:
        named = [number for number, folder in enumerate(folders) if folder.lower() in IMAGE_FOLDERS]
        folders = folders[named[-1] :] if named else []
    kept = [folder for folder in folders if folder.lower() not in IMAGE_FOLDERS]
    return SEPARATOR.join([*kept, _SUFFIX.sub("", file)])


def _of_url(name: str) -> str:
    """Return the path of a URL, absolute and without query; another name as it is."""
    match = _URL.fullmatch(name)
    return f"/{match[1]}" if match else name


def end_with_id(path: str | PurePath, wanted: str) -> str | None:
    """Return the shortest end of a path, with `/`, of which this id is made; None if there is none."""
    parts = PurePath(path).parts
    ends = (PurePath(*parts[start:]).as_posix() for start in reversed(range(len(parts))))
    return next((end for end in ends if image_id(end) == wanted), None)


def files_by_id(files: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    """Map ids to files. Raises ArgumentError, which names both files, where two have the same id."""
    found: dict[str, Path] = {}
    for name, path in files:
        other = found.setdefault(name, path)
        if other != path:
            raise ArgumentError(f"{other} and {path} both have the image id {name!r}; rename one of them")
    return found
