"""Names of the annotated images: their image ids, and never the name of a source."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from boxable.errors import ArgumentError
from boxable.images.save import IMAGE_FORMATS
from boxable.images.sources import Source, expand
from boxable.run_folder import RunFolder


def image_names(sources: list[Source]) -> list[str]:
    """Choose the file name of the annotated image of each source: its image id, and a suffix."""
    return [f"{source.image_id}{_suffix(source)}" for source in sources]


def require_ids_of_their_own(sources: list[Source]) -> None:
    """Raise ArgumentError, which names both, where two sources have the same image id."""
    seen: dict[str, Source] = {}
    for source in sources:
        if source.problem:
            continue
        other = seen.setdefault(source.image_id, source)
        if other is not source:
            if other.name == source.name:
                raise ArgumentError(f"{source.name} is given twice; give it once")
            raise ArgumentError(
                f"{other.name} and {source.name} both have the image id {source.image_id!r}, which names results and "
                f"files; rename one of them{_or_give_folder(other, source)}"
            )


def _or_give_folder(first: Source, second: Source) -> str:
    """Advise to give the folder where ids, then of paths below it, would differ: that of files of several folders."""
    if first.folder or second.folder or not (first.path and second.path) or first.path.parent == second.path.parent:
        return ""
    return ", or give the folder that both are in"


def sources_outside(images: Iterable[str], folder: Path | None) -> Iterator[Source]:
    """Expand paths, folders and patterns to images, without results of an earlier run inside a searched folder."""
    results = RunFolder(folder).written() if folder is not None else set()
    for image in images:
        is_outside = folder is not None and os.path.isdir(image) and _real(Path(image)) in _real(folder).parents
        for source in expand([image]):
            if not (is_outside and source.path is not None and _real(source.path) in results):
                yield source


def refuse_overwriting(sources: Iterable[Source], names: Iterable[str], folder: Path) -> None:
    """Raise ArgumentError if an annotated image would replace a source, its own or another."""
    paths = {_real(source.path): source.path for source in sources if source.path is not None}
    for name in names:
        replaced = paths.get(_real(folder / name))
        if replaced is not None:
            raise ArgumentError(f"--out {folder}: an annotated image would replace {replaced}; choose another folder")


def _suffix(source: Source) -> str:
    """Return the suffix of the source where an image can be saved in that format, else that of JPEG."""
    suffix = source.path.suffix.lower() if source.path else ""
    return suffix if suffix in IMAGE_FORMATS else ".jpg"


def _real(path: Path) -> Path:
    """Resolve links; unlike Path.resolve this does not raise for links in a ring."""
    return Path(os.path.realpath(path))
