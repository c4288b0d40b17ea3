"""Find the annotations, images and lists of a Pascal VOC set.

A set is Annotations/, JPEGImages/ and ImageSets/ (VOC, CVAT), one or several of these below it (VOCdevkit/VOC2007),
folders of other names and capitals (Label Studio, Kaggle), or XML beside its images (LabelImg, Roboflow).
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from boxable.errors import ArgumentError
from boxable.files import files_below, folders_within, read_start, read_text
from boxable.formats.annotated.splits import SPLIT_NAMES, split_of
from boxable.formats.openimages_reading import has_tables
from boxable.images.codecs import SUFFIXES
from boxable.images.image_ids import files_by_id, image_id

_ANNOTATIONS, _LISTS = "annotations", "imagesets"
# Masks are images, but none of the set.
_MASKS = ("segmentationclass", "segmentationobject", _ANNOTATIONS)
_DEEPEST, _SNIFFED_BYTES, _SNIFFED_FILES = 4, 1 << 12, 20
# A line of a list: a name, which Datumaro quotes where it has spaces, and in those of a class a number.
_LINE = re.compile(r'\s*(?:"(?P<quoted>[^"]+)"|(?P<name>.+?))(?:\s+-?[01])?\s*')
# Lists of one class hold the same images again.
_OF_CLASS = re.compile(r".+_(train|val|trainval|test)", re.IGNORECASE)


def is_voc(path: Path) -> bool:
    """Whether this is such a set: a folder Annotations, or a folder with XML of this kind, in it or a little below.

    A folder with tables of Open Images is one only if it has Annotations itself.
    """
    if not path.is_dir():
        return False
    if (path / "Annotations").is_dir():
        return True
    return not has_tables(path) and any(
        any(_is_annotation(place / name) for name in _xml(files)[:_SNIFFED_FILES])
        for place, _, files in folders_within(path, _DEEPEST)
    )


def _xml(files: list[str]) -> list[str]:
    return sorted(name for name in files if name.lower().endswith(".xml"))


def _is_annotation(path: Path) -> bool:
    return bool(re.search(rb"<annotation[\s>]", read_start(path, _SNIFFED_BYTES).replace(b"\0", b"")))


@dataclass(frozen=True, slots=True)
class Entry:
    """An image of the set: its id, annotation, image file, None where there is none, and split."""

    image_id: str
    annotation: Path | None
    image: Path | None
    split: str


class VocFiles:
    """The files of a set. `missing` are the ids that a list names and that are not there, once `entries` were made."""

    def __init__(self, folder: Path) -> None:
        self.annotations: dict[str, Path] = {}
        self.images: dict[str, Path] = {}
        self.lists: dict[str, Path] = {}
        self.missing: list[str] = []
        for name, path in files_below(folder):
            folders = [part.lower() for part in name.split("/")[:-1]]
            if name.lower().endswith(".xml"):
                self.annotations[name] = path
            elif name.lower().endswith(SUFFIXES) and not any(part in _MASKS for part in folders):
                self.images[name] = path
            elif name.lower().endswith(".txt") and _LISTS in folders and not _OF_CLASS.fullmatch(path.stem):
                self.lists[name] = path
        if not self.annotations:
            raise ArgumentError(f"{folder}: no .xml of Pascal VOC in this folder")

    def entries(self, filenames: dict[str, str]) -> list[Entry]:
        """Pair annotations with images, and add images that a list names; `filenames` are those that annotations tell.

        An image is the one with the path of the annotation, else the file that the annotation names, else the only
        one with either name. Raises ArgumentError where two annotations are of one image.
        """
        splits = self._listed
        entries: dict[str, Entry] = {}
        free = self._by_id.keys() - {_id_of(name) for name in filenames}
        for name, filename in filenames.items():
            own = _id_of(name)
            image = own if own in self._by_id else next(filter(free.__contains__, self._others(name, filename)), own)
            path = self._by_id.get(image)
            split = splits.get(own, splits.get(image, "")) or split_of(name)
            entry = Entry(image, self.annotations[name], path, split)
            other = entries.setdefault(image, entry)
            if other is not entry:
                raise ArgumentError(
                    f"{other.annotation} and {entry.annotation} are both of the image {image!r}; expected one"
                )
        for image, split in splits.items():
            if image not in entries and image in self._by_id:
                entries[image] = Entry(image, None, self._by_id[image], split)
        self.missing = sorted(splits.keys() - entries.keys() - {_id_of(name) for name in filenames})
        return sorted(entries.values(), key=lambda entry: entry.image_id)

    def _others(self, name: str, filename: str) -> Iterator[str]:
        """Ids that the image of an annotation may have if it is not called like it, the likeliest first."""
        folders, parts = name.split("/")[:-1], [part for part in re.split(r"[/\\]", filename) if part]
        for start in range(len(parts)):
            yield _id_of("/".join([*folders, *parts[start:]]))
        for stem in (image_id(PurePosixPath(name).name), image_id("".join(parts[-1:]))):
            if stem in self._by_stem:
                yield self._by_stem[stem]

    @cached_property
    def _by_id(self) -> dict[str, Path]:
        return files_by_id((image_id(name), path) for name, path in self.images.items())

    @cached_property
    def _by_stem(self) -> dict[str, str]:
        """The ids of the images whose name no other has."""
        stems = {key: image_id(path.name) for key, path in self._by_id.items()}
        counts = Counter(stems.values())
        return {stem: key for key, stem in stems.items() if counts[stem] == 1}

    @cached_property
    def _listed(self) -> dict[str, str]:
        """The ids in the lists, each with its split; "" where only other lists name it."""
        splits: dict[str, str] = {}
        for name, path in self.lists.items():
            split = SPLIT_NAMES.get(path.stem.lower(), "")
            folders = name.split("/")[:-1]
            start = folders[: [folder.lower() for folder in folders].index(_LISTS)]
            for line in _lines(path):
                key = image_id("/".join([*start, line if line.lower().endswith(SUFFIXES) else f"{line}.jpg"]))
                splits[key] = splits.get(key) or split
        return splits


def _lines(path: Path) -> Iterator[str]:
    for line in read_text(path, "a list of images of Pascal VOC").splitlines():
        if match := _LINE.fullmatch(line):
            yield match["quoted"] or match["name"]


def _id_of(name: str) -> str:
    """Return the id of the image that an annotation of this path is of."""
    *folders, file = name.split("/")
    return image_id("/".join([*(folder for folder in folders if folder.lower() != _ANNOTATIONS), file]))
