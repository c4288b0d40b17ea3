"""YOLO as Ultralytics has it: data.yaml, images/, labels/ with a line a box: class, centre x and y, width, height."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.errors import ArgumentError, BoxableError, MissingExtraError
from boxable.files import writing
from boxable.formats.openimages_reading import read_classes
from boxable.openimages.convert.annotated import AnnotatedImage, AnnotatedSet
from boxable.openimages.convert.photos import bring_photo, file_stem, photos_below, upright
from boxable.openimages.convert.tables import write_classes
from boxable.openimages.layout import CLASSES
from boxable.vocabulary import ClassList

_YAML, _LIST = ("data.yaml", "data.yml", "dataset.yaml"), ("classes.txt", "obj.names")


def is_yolo(folder: Path) -> bool:
    """Whether this folder is such a set."""
    return (folder / "labels").is_dir() and any((folder / name).is_file() for name in (*_YAML, *_LIST))


def read(folder: Path) -> AnnotatedSet:
    """The images with a file of labels, and the photos without one, which have no boxes."""
    classes = _classes(folder)
    found = AnnotatedSet(classes, iter(()))
    found.images = _images(folder, found)
    return found


def _classes(folder: Path) -> ClassList:
    """In the order of their numbers; where our own writer left classes.csv, with the MIDs in it."""
    if (folder / CLASSES).is_file():
        return read_classes(folder / CLASSES)
    path = next(path for name in (*_YAML, *_LIST) if (path := folder / name).is_file())
    try:
        text = path.read_text("utf-8-sig")
        names = _yaml_names(text, path) if path.name in _YAML else [line.strip() for line in text.split("\n")]
        while names and not names[-1]:
            names.pop()
        if not names or not all(names):
            raise ArgumentError("expected the names of the classes")
        "".join(names).encode()  # half a surrogate pair is no text
        return ClassList.from_names(names)
    except ArgumentError as error:
        raise ArgumentError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from None
    except UnicodeError:
        raise ArgumentError(f"{path}: not text") from None
    except OSError as error:
        raise BoxableError(f"{path}: cannot read it ({error.strerror or error})") from error


def _yaml_names(text: str, path: Path) -> list[str]:
    try:
        import yaml
    except ImportError:
        raise MissingExtraError("reading YOLO's data.yaml", "boxable[data]") from None
    try:
        # It makes lists, mappings and text only: a class may be called "no", and nothing is merged.
        content = yaml.load(text, yaml.BaseLoader)  # noqa: S506
    except (yaml.YAMLError, RecursionError):
        raise ArgumentError(f"{path}: no YAML") from None
    names = content.get("names") if isinstance(content, Mapping) else None
    if isinstance(names, Mapping) and names.keys() == {str(number) for number in range(len(names))}:
        names = [names[str(number)] for number in range(len(names))]
    # A name that is a list could hold itself many times over by aliases, and would be gigabytes of text.
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ArgumentError(f"{path}: no names; expected a list, or numbers from 0 with their names")
    return [name.strip() for name in names]


def _images(folder: Path, found: AnnotatedSet) -> Iterator[AnnotatedImage]:
    classes = found.classes
    photos = photos_below(folder / "images")
    labels: dict[str, Path] = {}
    for path in sorted((folder / "labels").rglob("*.txt")):
        if path.stem in labels:
            raise ArgumentError(f"{path}: another image is called so: {labels[path.stem]}; expected different names")
        labels[path.stem] = path
    for stem in sorted({*labels, *photos}):
        rows = _rows(labels[stem], len(classes)) if stem in labels else np.zeros((0, 6))
        _, x, y, width, height, scores = rows.T
        found.count("scores of boxes", np.isfinite(scores).sum())
        box = np.stack([y - height / 2, x - width / 2, y + height / 2, x + width / 2], axis=1)
        mids = [classes[int(number)].mid for number in rows[:, 0]]
        yield AnnotatedImage(stem, mids, box, photo=photos.get(stem))


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


def write(images: AnnotatedSet, folder: Path, photos: str) -> None:
    """The set; classes are numbered from 0 in its order, and classes.csv keeps their MIDs."""
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    numbers = {item.mid: number for number, item in enumerate(images.classes)}
    for image in images.sound():
        path = folder / "labels" / f"{file_stem(image.image_id)}.txt"
        with writing(path):
            path.write_text("".join(_lines(image, numbers)), "utf-8")
        bring_photo(images, upright(images, image), folder / "images", photos)
    _write_yaml(images.classes, folder / "data.yaml")
    write_classes(images.classes, folder / CLASSES)


def _lines(image: AnnotatedImage, numbers: Mapping[str, int]) -> Iterator[str]:
    for mid, (ymin, xmin, ymax, xmax) in zip(image.labels, image.box.tolist(), strict=True):
        values = ((xmin + xmax) / 2, (ymin + ymax) / 2, xmax - xmin, ymax - ymin)
        yield f"{numbers[mid]} {' '.join(f'{value:.9g}' for value in values)}\n"


def _write_yaml(classes: ClassList, path: Path) -> None:
    try:
        import yaml
    except ImportError:
        raise MissingExtraError("writing YOLO's data.yaml", "boxable[data]") from None
    content: dict[str, Any] = {
        "train": "images", "val": "images", "names": {n: item.name for n, item in enumerate(classes)}
    }  # fmt: skip
    with writing(path):
        path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), "utf-8")
