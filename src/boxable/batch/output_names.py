"""Names of the annotated images: unique, and never the name of a source."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from boxable.errors import ArgumentError
from boxable.images.save import IMAGE_FORMATS
from boxable.images.sources import Source, expand, stem_of


def image_names(sources: list[Source]) -> list[Path]:
    """Choose the relative path of the annotated image of each source; they differ in more than the suffix.

    It is the stem of the source; where two have the same one, its path below the folder that holds all.
    """
    names = [Path(stem_of(source.name) + _suffix(source)) for source in sources]
    shared = {stem for stem, number in Counter(name.stem for name in names).items() if number > 1}
    if not shared:
        return names
    paths = [source.path.absolute() for source in sources if source.path is not None]
    root = Path(os.path.commonpath([path.parent for path in paths])) if paths else Path()
    for index, source in enumerate(sources):
        if source.path is not None and names[index].stem in shared:
            names[index] = source.path.absolute().relative_to(root).with_suffix(_suffix(source))
    return _numbered(names)


def sources_outside(images: Iterable[str], folder: Path | None) -> Iterator[Source]:
    """Expand paths, folders and patterns to images, without results of an earlier run inside a searched folder."""
    results = _real(folder) if folder is not None else None
    for image in images:
        is_searched = os.path.isdir(image) and results is not None and _real(Path(image)) in results.parents
        for source in expand([image]):
            if not (is_searched and source.path is not None and results in _real(source.path).parents):
                yield source


def refuse_overwriting(sources: list[Source], names: list[Path], folder: Path) -> None:
    """Raise ArgumentError if an annotated image would replace its source."""
    for source, name in zip(sources, names, strict=True):
        if source.path is not None and _real(folder / name) == _real(source.path):
            raise ArgumentError(
                f"--out {folder}: the annotated image would replace {source.path}; choose another folder"
            )


def _numbered(names: list[Path]) -> list[Path]:
    """Make names unique by a number, where they are equal but for the suffix."""
    taken: dict[Path, int] = {}  # path without suffix -> numbers given to it
    result = []
    for name in names:
        bare = name.with_suffix("")
        unique = name
        while unique.with_suffix("") in taken:
            taken[bare] += 1
            unique = name.with_stem(f"{name.stem}-{taken[bare]}")
        taken[unique.with_suffix("")] = 1
        result.append(unique)
    return result


def _suffix(source: Source) -> str:
    """Return the suffix of the source where an image can be saved in that format, else that of JPEG."""
    suffix = source.path.suffix.lower() if source.path else ""
    return suffix if suffix in IMAGE_FORMATS else ".jpg"


def _real(path: Path) -> Path:
    """Resolve links; unlike Path.resolve this does not raise for links in a ring."""
    return Path(os.path.realpath(path))
