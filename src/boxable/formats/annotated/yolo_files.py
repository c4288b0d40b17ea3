"""The images and text files of a YOLO set, and which labels are of which image.

Labels are where a folder `images` of the path is `labels` instead (Ultralytics), in `labels` beside the images, or
beside each image (Darknet, LabelImg).
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from boxable.errors import ArgumentError
from boxable.files import files_below, read_start
from boxable.findings import counted
from boxable.formats.annotated.image import AnnotatedSet
from boxable.formats.annotated.yolo_description import EXPECTED, is_list, text_of
from boxable.images.codecs import SUFFIXES
from boxable.images.image_ids import IMAGE_FOLDERS

_LABEL_FOLDERS = ("labels", "Labels")
_SNIFFED_BYTES = 1 << 16
_FEWEST_CELLS = 5

# Image file and label file, relative to the set; one of them may be missing.
Pair = tuple[str | None, str | None]


class YoloFiles:
    """The images and text files of a set, by their path relative to it."""

    def __init__(self, folder: Path, found: AnnotatedSet) -> None:
        self.root = Path(os.path.normpath(folder.absolute()))
        self.found = found
        self.images: dict[str, Path] = {}
        self.texts: dict[str, Path] = {}
        self.lists: set[str] = set()
        for name, path in files_below(folder):
            if name.lower().endswith(SUFFIXES):
                self.images[name] = path
            elif name.lower().endswith(".txt") and not is_list(path.name):
                self.texts[name] = path
        self._in_any_case = {name.lower(): name for name in (*self.texts, *self.images)}

    def in_folder(self, place: str) -> list[Pair] | None:
        """Pair the images of a folder with their labels, and add labels without image; None if nothing is labelled."""
        pairs: list[Pair] = [(name, self._labels_of(name)) for name in self.images if is_below(name, place)]
        used = {labels for _, labels in pairs if labels}
        label_folders = {folder_of(name) for name in label_names(f"{place}/x" if place else "x")}
        others = [
            name
            for name in self.texts
            if name not in used and any(is_below(name, other) for other in label_folders) and _has_row(self.texts[name])
        ]
        if not (used or others or any(self.has_folder(other) for other in label_folders if other != place)):
            return None
        return [*pairs, *((None, name) for name in others)]

    def labelled(self) -> list[Pair]:
        """Pair all images that have labels, or are in a folder of those that may have some."""
        pairs = self.in_folder("")
        if pairs is None:
            raise ArgumentError(f"{self.root}: no labels of YOLO in this folder; {EXPECTED}")
        beside = {folder_of(name) for pair in pairs if None not in pair for name in pair if name}
        return [
            (image, labels)
            for image, labels in pairs
            if (image and labels) or folder_of(image or labels or "") in beside or _is_known(image or labels or "")
        ]

    def _labels_of(self, image: str) -> str | None:
        return next((found for name in label_names(image) if (found := self.find(name, self.texts))), None)

    def has_folder(self, name: str) -> bool:
        """Tell whether there is a folder of this relative path, or one in other capitals that is not empty."""
        return is_folder(self.root / name) or any(is_below(file, name) for file in self._in_any_case)

    def find(self, name: str, files: Mapping[str, Path]) -> str | None:
        """Find a file by its relative path, else by one in other capitals, as Windows would."""
        return next((found for found in (name, self._in_any_case.get(name.lower())) if found in files), None)

    def count_others(self, used: Collection[Path | None]) -> None:
        """Count the text files among labels that are not in use: of no image of the set, or no labels at all."""
        folders = {path.parent for path in used if path}
        for name, path in self.texts.items():
            if path not in used and name not in self.lists and (path.parent in folders or _is_known(name)):
                what = (
                    "YOLO label file|s whose image no split names"
                    if _has_row(path)
                    else "text file|s without YOLO labels"
                )
                self.found.count(what, 1, [name], effect="skipped")

    def of_list(self, name: str) -> list[Pair]:
        """Read a list of images; those that are not there are counted. Raises ArgumentError where none is there."""
        path = self.texts[name]
        self.lists.add(name)
        lines = [line.strip() for line in text_of(path).splitlines() if line.strip()]
        pairs: list[Pair] = []
        missing: list[str] = []
        for line in lines:
            pair = self._pair(line, folder_of(name))
            if pair:
                pairs.append(pair)
            else:
                missing.append(line[:80])
        if lines and not pairs:
            raise ArgumentError(
                f"{path}: a YOLO list of {counted(len(lines), 'image|s')}, none of which is there: {missing[0]!r}"
            )
        self.found.count(f"image|s listed in {name} but not there", len(missing), missing)
        return pairs

    def _pair(self, line: str, start: str) -> Pair | None:
        for name in meant(self.root, (start, ""), line, any_end=True):
            image = self.find(name, self.images)
            labels = self._labels_of(name)
            if image or labels:
                return image, labels
        return None


def meant(root: Path, starts: Iterable[str], written: str, *, any_end: bool) -> Iterator[str]:
    """Yield the paths below a folder that a written path may mean, relative to it: the likeliest first.

    It may be relative to a start or begin with '../' that nobody follows (Roboflow). With `any_end` it may be of
    another folder or machine: then the end of the path counts, the longest that is there.
    """
    text = written.strip().replace("\\", "/")
    for start in starts:
        path = os.path.normpath(root / start / text)
        if path.startswith(f"{root}{os.sep}"):
            yield path[len(f"{root}{os.sep}") :].replace(os.sep, "/")
    parts = [part for part in text.split("/") if part not in ("", ".", "..") and not part.endswith(":")]
    if any_end or text.startswith("../"):
        for first in range(len(parts) if any_end else min(1, len(parts))):
            yield "/".join(parts[first:])


def folder_of(name: str) -> str:
    """Return the folder of a relative path, "" for the set itself."""
    return name.rpartition("/")[0]


def is_below(name: str, folder: str) -> bool:
    """Tell whether a relative path is in this folder, or in one of its folders; capitals do not matter."""
    return not folder or name.lower().startswith(f"{folder.lower()}/")


def is_folder(path: Path) -> bool:
    """Tell whether this is a folder; what somebody wrote may be no name of a file at all."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _is_known(name: str) -> bool:
    """Tell whether the path has a folder of images or labels."""
    return any(folder.lower() in (*IMAGE_FOLDERS, "labels") for folder in name.split("/")[:-1])


def label_names(image: str) -> Iterator[str]:
    """Yield the paths that the label file of an image may have, the likeliest first."""
    *folders, file = image.split("/")
    file = f"{file.rpartition('.')[0] or file}.txt"
    for number in reversed(range(len(folders))):
        if folders[number].lower() in IMAGE_FOLDERS:
            for labels in _LABEL_FOLDERS:
                yield "/".join([*folders[:number], labels, *folders[number + 1 :], file])
    yield from ("/".join([*folders, labels, file]) for labels in _LABEL_FOLDERS)
    yield "/".join([*folders, file])


def as_image(labels: str) -> str:
    """Return the path that the image of a label file would have."""
    folders = labels.split("/")
    last = max((number for number, folder in enumerate(folders[:-1]) if folder.lower() == "labels"), default=None)
    return "/".join("images" if number == last else folder for number, folder in enumerate(folders))


def is_image_list(path: Path) -> bool:
    """Tell whether a text file begins with the name of an image."""
    first = next((line.strip() for line in _start_of(path).splitlines() if line.strip()), "")
    return first.lower().endswith(SUFFIXES)


def _has_row(path: Path) -> bool:
    """Tell whether a text file without an image is a label file: empty, or with a line of numbers."""
    lines = [line.split() for line in _start_of(path).splitlines() if line.strip()]
    return not lines or any(len(cells) >= _FEWEST_CELLS and all(map(_is_number, cells)) for cells in lines)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _start_of(path: Path) -> str:
    return read_start(path, _SNIFFED_BYTES).decode("utf-8-sig", "replace")
