"""A folder with COCO files: one, or one for each split, as in annotations/ of COCO or in train/ of Roboflow."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from boxable.errors import ArgumentError
from boxable.files import is_clutter, reading
from boxable.formats.annotated import coco
from boxable.formats.annotated.image import AnnotatedImage, AnnotatedSet
from boxable.formats.annotated.splits import in_order, split_of, split_of_stem
from boxable.vocabulary import ClassList

_KEY = re.compile(rb'"images"\s*:\s*\[')
_SNIFFED_BYTES = 1 << 20
# What COCO has beside instances_*.json of the same images.
_OF_OTHERS = re.compile(r"(captions|person_keypoints|stuff|panoptic)_.*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _File:
    """A COCO file of the set: the folder that its ids begin with, and the split of its images, "" if it is unknown."""

    path: Path
    prefix: str
    split: str


def is_coco_folder(path: Path) -> bool:
    """Tell whether there are COCO files in this folder, in annotations/ or in the folders of splits."""
    return path.is_dir() and next(_files(path), None) is not None


def only_file(folder: Path) -> Path | None:
    """Return the COCO file of a folder with one that is all of the set, else None."""
    files = [*_files(folder)] if folder.is_dir() else []
    return files[0].path if len(files) == 1 and not files[0].prefix else None


def read(folder: Path) -> AnnotatedSet:
    """Read the files of a folder, one after the other; ids begin with the folder of the split if it has one.

    Raises ArgumentError for several files whose splits are not told apart by their names.
    """
    files = [*_files(folder)]
    if any(not file.split for file in files) or len({file.split for file in files}) < len(files):
        if len(files) > 1:
            names = " and ".join(str(file.path.relative_to(folder)) for file in files[:2])
            raise ArgumentError(f"{folder}: {names} are COCO files; expected one, or one for each split, so name it")
        files = [replace(file, split="") for file in files]
    sets = [coco.read(file.path, file.prefix) for file in files]
    classes = dict.fromkeys((item.mid, item.name) for one in sets for item in one.classes)
    found = AnnotatedSet(
        ClassList.from_mids(classes), _images(files, sets), sets[0].flags,
        splits=in_order(file.split for file in files),
    )  # fmt: skip
    for one in sets:
        found.add_findings(one.findings.values())
    return found


def _images(files: Sequence[_File], sets: Sequence[AnnotatedSet]) -> Iterator[AnnotatedImage]:
    for file, one in zip(files, sets, strict=True):
        for image in one.images:
            yield replace(image, split=file.split)


def _files(folder: Path) -> Iterator[_File]:
    """Yield the COCO files of the folder itself, else those in annotations/, else those in folders of splits."""
    folders = [item for item in sorted(folder.iterdir()) if item.is_dir() and not is_clutter(item.name)]
    own = [folder, *(item for item in folders if item.name.lower() == "annotations")]
    found = False
    for place in own:
        for path in _coco_files(place):
            found = True
            yield _File(path, "", split_of_stem(path.stem))
        if found:
            return
    for place in folders:
        if split := split_of(f"{place.name}/"):
            yield from (_File(path, place.name, split) for path in _coco_files(place))


def _coco_files(folder: Path) -> list[Path]:
    files = [path for path in sorted(folder.iterdir()) if coco.is_coco(path) and not is_clutter(path.name)]
    files = [path for path in files if not _OF_OTHERS.fullmatch(path.name) and _is_coco(path)]
    return [path for path in files if path.name.lower().startswith("instances_")] or files


def _is_coco(path: Path) -> bool:
    """Tell whether a list of images begins at the start or the end of a file."""
    with reading(path), path.open("rb") as file:
        head = file.read(_SNIFFED_BYTES)
        file.seek(max(path.stat().st_size - _SNIFFED_BYTES, 0))
        return bool(_KEY.search(head) or _KEY.search(file.read(_SNIFFED_BYTES)))
