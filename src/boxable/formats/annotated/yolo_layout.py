"""Find the images and labels of a YOLO set, and the split of each image.

Images are those of the folders and lists that data.yaml or obj.data name; where they name none, those of train.txt
and the like; without such lists, those that have labels.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from boxable.errors import ArgumentError
from boxable.formats.annotated.image import AnnotatedSet
from boxable.formats.annotated.splits import SPLIT_NAMES, split_of
from boxable.formats.annotated.yolo_description import EXPECTED, Description
from boxable.formats.annotated.yolo_files import (
    Pair,
    YoloFiles,
    as_image,
    folder_of,
    is_below,
    is_image_list,
    label_names,
    meant,
)
from boxable.images.image_ids import files_by_id, image_id

# Lists of images that are read where nothing names one.
_LISTS = {**{f"{key}.txt": split for key, split in SPLIT_NAMES.items()}, "images.txt": ""}


@dataclass(frozen=True, slots=True)
class Entry:
    """An image of the set: its id, image file and label file, None where there is none, and split."""

    image_id: str
    image: Path | None
    labels: Path | None
    split: str


def find_entries(described: Description, found: AnnotatedSet) -> list[Entry]:
    """Find the images of a set, by id within each split; count what is left out in `found`.

    Raises ArgumentError for folders and lists that are not there, or not below the folder of the set, for a set
    without labels, and for two images with one id.
    """
    files = YoloFiles(described.folder, found)
    splits = _named_splits(described, files) or _usual_splits(files) or _by_folder(files.labelled())
    entries: dict[str, Entry] = {}
    places: list[tuple[str, Path]] = []
    for split, pairs in splits.items():
        for image, labels in pairs:
            name = image or as_image(labels or "")
            entry = Entry(image_id(name), files.images.get(image or ""), files.texts.get(labels or ""), split)
            places.append((entry.image_id, files.images[image] if image else files.texts[labels or ""]))
            entries.setdefault(entry.image_id, entry)
    files_by_id(places)
    files.count_others({entry.labels for entry in entries.values()})
    return sorted(entries.values(), key=lambda entry: (entry.split, entry.image_id))


def _named_splits(described: Description, files: YoloFiles) -> dict[str, list[Pair]]:
    """Pair the images of the folders and lists that the description names, by split; empty if it names none.

    The split is unknown where train and val are the same; an image that several splits name is in the first.
    What is named for the test split and is not there is counted, since Roboflow names it in any case.
    """
    splits: dict[str, list[Pair]] = {}
    folders: list[str] = []
    for key, split in SPLIT_NAMES.items():
        for value in _values(described, key):
            place = _place(described, files, value)
            pairs = None
            if place is not None:
                is_list_file = place in files.texts
                pairs = files.of_list(place) if is_list_file else files.in_folder(place)
                folders += [] if is_list_file else [place]
            if pairs is not None:
                splits.setdefault(split, []).extend(pairs)
            elif split == "test" or described.is_darknet:
                files.found.count(f"{key} folder|s or list|s that are not there, or without labels", 1, [value[:80]])
            elif place is None:
                raise ArgumentError(
                    f"{described.path}: {key} is {value[:80]!r}, no folder or list below {described.folder}; {EXPECTED}"
                )
            else:
                labels = described.folder / folder_of(next(label_names(f"{place}/x")))
                raise ArgumentError(
                    f"{labels}: no such folder; expected the YOLO labels of {described.folder / place} there"
                )
    _require_apart(described, folders)
    if "train" in splits and set(splits["train"]) == set(splits.get("validation", ())):
        splits = {"": splits["train"], "test": splits.get("test", [])}
    return splits


def _values(described: Description, key: str) -> list[str]:
    """List the folders and lists of a key; none if it is missing or empty."""
    values = described.keys.get(key) or []
    values = [values] if isinstance(values, str) else values
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ArgumentError(f"{described.path}: {key} is neither a folder nor a list of folders; {EXPECTED}")
    return values


def _place(described: Description, files: YoloFiles, value: str) -> str | None:
    """Find the folder or list that a value of the description means, relative to the set; None if there is none.

    A folder need not be there where its labels are.
    """
    start = described.keys.get("path")
    starts = (start.replace("\\", "/") if isinstance(start, str) else "", "")
    is_text = value.strip().lower().endswith(".txt")
    for name in meant(files.root, starts, value, any_end=is_text or _is_absolute(value)):
        if is_text and (found := files.find(name, files.texts)):
            return found
        folders = [name, *(folder_of(label) for label in label_names(f"{name}/x"))]
        if not is_text and any(map(files.has_folder, folders)):
            return name
    return None


def _is_absolute(text: str) -> bool:
    return text.startswith("/") or PureWindowsPath(text).is_absolute()


def _require_apart(described: Description, folders: list[str]) -> None:
    for place in folders:
        outer = next((other for other in folders if place != other and is_below(place, other)), None)
        if outer is not None:
            raise ArgumentError(
                f"{described.path}: {place} is in {outer or '.'}, which it names too; expected folders of their own"
            )


def _usual_splits(files: YoloFiles) -> dict[str, list[Pair]]:
    """Read the lists train.txt and so on that are in the set itself; empty if there are none."""
    splits: dict[str, list[Pair]] = {}
    for name, split in _LISTS.items():
        if name in files.texts and is_image_list(files.texts[name]):
            splits.setdefault(split, []).extend(files.of_list(name))
    return splits


def _by_folder(pairs: Iterable[Pair]) -> dict[str, list[Pair]]:
    """Group images by the split that a folder of their path is called after."""
    splits: dict[str, list[Pair]] = {}
    for pair in pairs:
        splits.setdefault(split_of(pair[0] or pair[1] or ""), []).append(pair)
    return splits
