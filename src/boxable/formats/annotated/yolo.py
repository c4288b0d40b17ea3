"""YOLO as Ultralytics has it: data.yaml, images/, labels/ with a line a box: class, centre x and y, width, height.

data.yaml names the folders of images of each part; labels are where the last `images` of a path is `labels` instead.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.errors import ArgumentError, BoxableError, MissingExtraError
from boxable.files import writing
from boxable.formats.annotated.image import AnnotatedImage, AnnotatedSet
from boxable.formats.annotated.image_files import add_image_file, file_stem, images_below, upright
from boxable.formats.columns import CLASSES, SUBSETS
from boxable.formats.openimages_reading import has_tables, read_classes
from boxable.formats.rows import write_classes
from boxable.vocabulary import ClassList

_YAML, _LIST = ("data.yaml", "data.yml", "dataset.yaml"), ("classes.txt", "obj.names")
_KEYS = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}
_PARTS = {"train": "train", "validation": "val", "test": "test"}
_EXPECTED = (
    "expected data.yaml with names:, and with train: and val: that are folders beside it, such as images/train with "
    "labels in labels/train"
)


def is_yolo(folder: Path) -> bool:
    """Whether this folder is such a set, or was to be one: there is data.yaml, or there are labels and no tables."""
    has_labels = (folder / "labels").is_dir()
    if has_tables(folder):
        return has_labels and _first(folder, (*_YAML, *_LIST)) is not None
    return has_labels or (folder / "train" / "labels").is_dir() or _first(folder, _YAML) is not None


def _first(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((path for name in names if (path := folder / name).is_file()), None)


def read(folder: Path) -> AnnotatedSet:
    """Read the images with a label file, and those without one, which have no boxes.

    Raises ArgumentError where nothing names the classes, and where data.yaml names folders that are not there, or not
    below the folder that it is in.
    """
    path = _first(folder, _YAML)
    content = _content(path) if path else {}
    found = AnnotatedSet(_classes(folder, content), iter(()))
    folders = _folders(path, content, found) if path else {}
    if not folders:
        if not (folder / "labels").is_dir():
            raise ArgumentError(f"{path or folder}: no folders of images; {_EXPECTED}")
        folders = {Path("images"): ""}
    found.splits = tuple(split for split in SUBSETS if split in folders.values())
    found.images = _images(folder, folders, found)
    return found


def _content(path: Path) -> Mapping[str, Any]:
    """Parse data.yaml as lists, mappings and text; empty if it is something else."""
    try:
        import yaml
    except ImportError:
        raise MissingExtraError("reading YOLO's data.yaml", "boxable[data]") from None
    try:
        # It makes lists, mappings and text only: a class may be called "no", and nothing is merged.
        content = yaml.load(_text(path), yaml.BaseLoader)  # noqa: S506
    except (yaml.YAMLError, RecursionError):
        raise ArgumentError(f"{path}: no YAML") from None
    return content if isinstance(content, Mapping) else {}


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeError:
        raise ArgumentError(f"{path}: not text") from None
    except OSError as error:
        raise BoxableError(f"{path}: cannot read it ({error.strerror or error})") from error


def _classes(folder: Path, content: Mapping[str, Any]) -> ClassList:
    """In the order of their numbers; where our own writer left classes.csv, with the MIDs in it."""
    if (folder / CLASSES).is_file():
        return read_classes(folder / CLASSES)
    path = _first(folder, (*_YAML, *_LIST))
    if path is None:
        raise ArgumentError(f"{folder}: no data.yaml and no classes.txt, so nobody knows the classes; {_EXPECTED}")
    names = _yaml_names(content, path) if path.name in _YAML else [line.strip() for line in _text(path).split("\n")]
    while names and not names[-1]:
        names.pop()
    try:
        if not names or not all(names):
            raise ArgumentError("expected the names of the classes")
        "".join(names).encode()  # half a surrogate pair is no text
        return ClassList.from_names(names)
    except ArgumentError as error:
        raise ArgumentError(f"{path}: {error}") from None
    except UnicodeError:
        raise ArgumentError(f"{path}: not text") from None


def _yaml_names(content: Mapping[str, Any], path: Path) -> list[str]:
    names = content.get("names")
    if isinstance(names, Mapping) and names.keys() == {str(number) for number in range(len(names))}:
        names = [names[str(number)] for number in range(len(names))]
    # A name that is a list could hold itself many times over by aliases, and would be gigabytes of text.
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ArgumentError(f"{path}: no names; expected a list, or numbers from 0 with their names")
    return [name.strip() for name in names]


def _folders(path: Path, content: Mapping[str, Any], found: AnnotatedSet) -> dict[Path, str]:
    """Find the image folders that data.yaml names, relative to its own, each with its split.

    The split is unknown where train and val are the same; of a folder that several others name too it is the first.
    A folder of test that is not there is counted, since Roboflow names one in any case.
    """
    named: dict[str, list[Path]] = {}
    for key, split in _KEYS.items():
        for value in _values(content, key, path):
            place = _place(path.parent, content.get("path"), value)
            if place is not None:
                named.setdefault(split, []).append(place)
            elif split == "test":
                found.count("folders of test that data.yaml names and that are not there", 1, [value[:80]])
            else:
                raise ArgumentError(f"{path}: {key} is {value[:80]!r}, no folder below {path.parent}; {_EXPECTED}")
    if "train" in named and named["train"] == named.get("validation"):
        named = {"": named["train"], "test": named.get("test", [])}
    folders: dict[Path, str] = {}
    for split, places in named.items():
        for place in places:
            folders.setdefault(place, split)
    for place in folders:
        if outer := next((other for other in folders if other in place.parents), None):
            raise ArgumentError(f"{path}: {place} is in {outer}, which it names too; expected folders of their own")
    return folders


def _values(content: Mapping[str, Any], key: str, path: Path) -> list[str]:
    """List the folders of a key; none if it is missing or empty."""
    values = content.get(key) or []
    values = [values] if isinstance(values, str) else values
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ArgumentError(f"{path}: {key} is neither a folder nor a list of folders; {_EXPECTED}")
    for value in values:
        if value.lower().endswith(".txt"):
            raise ArgumentError(f"{path}: {key} is {value[:80]!r}, a list of images; {_EXPECTED}")
    return values


def _place(folder: Path, start: Any, value: str) -> Path | None:
    """Resolve the image folder of a value of data.yaml, relative to its folder; None if there is none below it.

    It is relative to `path`, which may be of another machine, and else to data.yaml; Roboflow begins with a '../' that
    nobody follows. Where there are labels only, the images need not be there.
    """
    root = Path(os.path.normpath(folder.absolute()))
    for before in (start if isinstance(start, str) else "", ""):
        for text in (value, value.removeprefix("../")):
            place = Path(os.path.normpath(root / before / text))
            if place.is_relative_to(root):
                below = place.relative_to(root)
                if _is_folder(place) or _is_folder(root / _labels_of(below)):
                    return below
    return None


def _is_folder(path: Path) -> bool:
    """Whether this is a folder; what somebody wrote may be no name of a file at all."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _labels_of(image_files: Path) -> Path:
    """Return the label folder of an image folder, both relative to data.yaml: the last `images` becomes `labels`."""
    parts = list(image_files.parts)
    if "images" in parts:
        parts[len(parts) - 1 - parts[::-1].index("images")] = "labels"
    return Path(*parts)


def _images(folder: Path, folders: Mapping[Path, str], found: AnnotatedSet) -> Iterator[AnnotatedImage]:
    seen: dict[str, Path] = {}
    for place, split in folders.items():
        image_files = images_below(folder / place)
        beside = folder / _labels_of(place)
        if not beside.is_dir():
            raise ArgumentError(f"{beside}: no such folder; expected the labels of {folder / place} there")
        labels: dict[str, Path] = {}
        for path in sorted(beside.rglob("*.txt")):
            _add_once(path, labels)
        for stem in sorted({*labels, *image_files}):
            _add_once(image_files.get(stem) or labels[stem], seen)
            yield replace(_image(stem, labels.get(stem), found), file=image_files.get(stem), split=split)


def _add_once(path: Path, seen: dict[str, Path]) -> None:
    """Remember a file of an image by its name; raise ArgumentError where another one has the same."""
    if path.stem in seen:
        raise ArgumentError(f"{path}: another image is called so: {seen[path.stem]}; expected different names")
    seen[path.stem] = path


def _image(stem: str, labels: Path | None, found: AnnotatedSet) -> AnnotatedImage:
    rows = _rows(labels, len(found.classes)) if labels else np.zeros((0, 6))
    _, x, y, width, height, scores = rows.T
    found.count("scores of boxes", np.isfinite(scores).sum())
    box = np.stack([y - height / 2, x - width / 2, y + height / 2, x + width / 2], axis=1)
    return AnnotatedImage(stem, [found.classes[int(number)].mid for number in rows[:, 0]], box)


def _rows(path: Path, classes: int) -> NDArray[np.float64]:
    """Class, centre, size, and a score, NaN where there is none: `[N, 6]`."""
    rows: list[list[float]] = []
    try:
        for number, line in enumerate(path.read_text("utf-8-sig").splitlines(), start=1):
            cells = line.split()
            if not cells:
                continue
            place = f"{path}, line {number}"
            if len(cells) not in (5, 6):
                raise ArgumentError(f"{place}: {len(cells)} values; expected class, centre x and y, width, height")
            if not (cells[0].isascii() and cells[0].isdigit() and int(cells[0]) < classes):
                raise ArgumentError(f"{place}: class {cells[0][:20]!r}; expected a number from 0 to {classes - 1}")
            rows.append([float(cell) for cell in (*cells, "nan")[:6]])
    except UnicodeDecodeError:
        raise ArgumentError(f"{path}: not text") from None
    except ValueError as error:
        raise error if isinstance(error, ArgumentError) else ArgumentError(f"{place}: {error}") from None
    except OSError as error:
        raise BoxableError(f"{path}: cannot read it ({error.strerror or error})") from error
    return np.array(rows, np.float64).reshape(-1, 6)


def write(images: AnnotatedSet, folder: Path, image_mode: str) -> list[str]:
    """Write a set; classes are numbered from 0 in its order, classes.csv keeps their MIDs. Returns lines of notes.

    A set of several splits has its images in images/train, images/val and images/test. Those of train and val are
    there in any case, since Ultralytics wants both; an image of unknown split is in train, so that none validates that
    was not meant to.
    """
    several = len(images.splits) > 1
    parts = [part for split, part in _PARTS.items() if part != "test" or split in images.splits] if several else [""]
    for part in parts:
        (folder / "images" / part).mkdir(parents=True)
        (folder / "labels" / part).mkdir(parents=True)
    numbers = {item.mid: number for number, item in enumerate(images.classes)}
    unknown, counts = 0, Counter[str]()
    for image in images.sound():
        part = _PARTS[image.split or "train"] if several else ""
        unknown += not image.split
        counts[part] += 1
        path = folder / "labels" / part / f"{file_stem(image.image_id)}.txt"
        with writing(path):
            path.write_text("".join(_lines(image, numbers)), "utf-8")
        add_image_file(images, upright(images, image), folder / "images" / part, image_mode)
    places = {part: f"images/{part}" for part in parts} if several else {"train": "images", "val": "images"}
    _write_yaml(images.classes, places, folder / "data.yaml")
    write_classes(((item.mid, item.name) for item in images.classes), folder / CLASSES)
    if not several:
        return [
            "data.yaml names the same images for train and val; for two parts convert a folder that train/ and "
            "validation/ are in, as boxable data split makes them"
        ]
    empty = [part for part in ("train", "val") if not counts[part]]
    notes = [f"images/{part} is empty, and Ultralytics needs train and val to train" for part in empty]
    return [*notes, f"images of an unknown split, which went to train: {unknown}"] if unknown else notes


def _lines(image: AnnotatedImage, numbers: Mapping[str, int]) -> Iterator[str]:
    for mid, (ymin, xmin, ymax, xmax) in zip(image.labels, image.box.tolist(), strict=True):
        values = ((xmin + xmax) / 2, (ymin + ymax) / 2, xmax - xmin, ymax - ymin)
        yield f"{numbers[mid]} {' '.join(f'{value:.9g}' for value in values)}\n"


def _write_yaml(classes: ClassList, places: Mapping[str, str], path: Path) -> None:
    try:
        import yaml
    except ImportError:
        raise MissingExtraError("writing YOLO's data.yaml", "boxable[data]") from None
    content: dict[str, Any] = {**places, "names": {number: item.name for number, item in enumerate(classes)}}
    with writing(path):
        path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), "utf-8")
