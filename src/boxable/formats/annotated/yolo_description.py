"""What describes a YOLO set: data.yaml of Ultralytics, obj.data of Darknet, and lists of classes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boxable.errors import ArgumentError, MissingExtraError
from boxable.files import files_below, is_clutter, read_text
from boxable.formats.columns import CLASSES
from boxable.formats.openimages_reading import read_classes
from boxable.vocabulary import ClassList, ObjectClass

EXPECTED = (
    "expected data.yaml with names:, and with train: and val: that are folders or lists beside it, such as "
    "images/train with labels in labels/train"
)
_YAML = (".yaml", ".yml")
# Where there are several, one of these is meant.
_USUAL_YAML = ("data.yaml", "data.yml", "dataset.yaml")
_NAMES_KEY = re.compile(rb"^\s*[\"']?names[\"']?\s*:", re.MULTILINE)
# Lists of classes: of Darknet and CVAT, of LabelImg and Label Studio, of Roboflow.
_LISTS = re.compile(r".+\.names|classes\.txt|predefined_classes\.txt|_?darknet\.labels", re.IGNORECASE)
_MOST_YAML_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class Description:
    """A YOLO set: its folder, the file that describes it (None without one) with its keys, and classes by number."""

    folder: Path
    path: Path | None
    keys: Mapping[str, Any]
    classes: Mapping[int, ObjectClass]

    @property
    def is_darknet(self) -> bool:
        """Whether it is described by obj.data."""
        return self.path is not None and self.path.suffix.lower() == ".data"


def find_description(path: Path) -> Path | None:
    """Find the file that describes the set of a folder, or None; a YAML file is its own.

    Raises ArgumentError where two may be meant.
    """
    if path.is_file():
        return path if path.suffix.lower() in _YAML and _has_names(path) else None
    files = [item for item in sorted(path.iterdir()) if item.is_file() and not is_clutter(item.name)]
    if usual := [item for item in files if item.name.lower() in _USUAL_YAML]:
        return min(usual, key=lambda item: _USUAL_YAML.index(item.name.lower()))
    named = [item for item in files if item.suffix.lower() in _YAML and _has_names(item)]
    if len(named) > 1:
        raise ArgumentError(f"{path}: {named[0].name} and {named[1].name} both name classes; expected one YOLO set")
    inner = sorted((path / "data").iterdir()) if (path / "data").is_dir() else []  # where Darknet itself has it
    darknet = [item for item in [*files, *inner] if item.suffix.lower() == ".data" and item.is_file()]
    return next((item for item in [*named, *darknet] if not is_clutter(item.name)), None)


def _has_names(path: Path) -> bool:
    with _reading(path).open("rb") as file:
        return bool(_NAMES_KEY.search(file.read(_MOST_YAML_BYTES)))


def is_list(name: str) -> bool:
    """Tell whether a file of this name is a list of classes."""
    return bool(_LISTS.fullmatch(name))


def describe(path: Path) -> Description:
    """Read what describes a set. Raises ArgumentError where nothing names the classes."""
    folder = path if path.is_dir() else path.parent
    found = find_description(path)
    keys: Mapping[str, Any] = {}
    if found:
        keys = _darknet_keys(found) if found.suffix.lower() == ".data" else _yaml_keys(found)
    return Description(folder, found, keys, _classes(folder, found, keys))


def text_of(path: Path) -> str:
    """Read a text file of the set. Raises as `read_text` does."""
    return read_text(path, "UTF-8, as YOLO has it")


def _reading(path: Path) -> Path:
    if path.stat().st_size > _MOST_YAML_BYTES:
        raise ArgumentError(f"{path}: larger than any data.yaml of YOLO; expected at most {_MOST_YAML_BYTES >> 20} MB")
    return path


def _yaml_keys(path: Path) -> Mapping[str, Any]:
    """Parse data.yaml as lists, mappings and text; empty if it is something else."""
    try:
        import yaml
    except ImportError:
        raise MissingExtraError("reading YOLO's data.yaml", "boxable[data]") from None
    try:
        # It makes lists, mappings and text only: a class may be called "no", and nothing is merged.
        content = yaml.load(text_of(_reading(path)), yaml.BaseLoader)  # noqa: S506
    except (yaml.YAMLError, RecursionError):
        raise ArgumentError(f"{path}: no YAML; {EXPECTED}") from None
    return content if isinstance(content, Mapping) else {}


def _darknet_keys(path: Path) -> dict[str, str]:
    """Parse obj.data: lines `key = value`."""
    lines = (line.partition("=") for line in text_of(_reading(path)).splitlines() if "=" in line)
    return {key.strip(): value.strip() for key, _, value in lines if key.strip() != "names"}


def _classes(folder: Path, path: Path | None, keys: Mapping[str, Any]) -> dict[int, ObjectClass]:
    """Return the classes by number; where our own writer left classes.csv, with the MIDs in it."""
    if (folder / CLASSES).is_file():
        return dict(enumerate(read_classes(folder / CLASSES)))
    if path and "names" in keys:
        names, source = _yaml_names(keys["names"], path), path
    elif lists := [*_lists_below(folder)]:
        names, source = _listed_names(lists)
    else:
        missing = f"{path}: no names in it" if path else f"{folder}: no data.yaml"
        raise ArgumentError(f"{missing} and no classes.txt, so nobody knows the classes; {EXPECTED}")
    try:
        if not names or not all(names.values()):
            raise ArgumentError("no names of the classes, or an empty one among them; expected a name for each")
        "".join(names.values()).encode()  # half a surrogate pair is no text
        return dict(zip(names, ClassList.from_names(names.values()), strict=True))
    except ArgumentError as error:
        raise ArgumentError(f"{source}: {error}") from None
    except UnicodeError:
        raise ArgumentError(f"{source}: not text") from None


def _yaml_names(names: Any, path: Path) -> dict[int, str]:
    """Read the names of a list, or of a mapping from numbers, which may begin at 1 and have gaps."""
    if isinstance(names, list):
        names = {str(number): name for number, name in enumerate(names)}
    # A name that is a list could hold itself many times over by aliases, and would be gigabytes of text.
    if not isinstance(names, Mapping) or not all(
        isinstance(number, str) and number.isascii() and number.isdigit() and len(number) < 10 and isinstance(name, str)
        for number, name in names.items()
    ):
        raise ArgumentError(f"{path}: no names; expected a list, or numbers with their names")
    numbered: dict[int, str] = {}
    for number, name in names.items():
        if numbered.setdefault(int(number), name.strip()) != name.strip():
            raise ArgumentError(f"{path}: two names have the number {int(number)}; expected one each")
    return numbered


def _lists_below(folder: Path) -> Iterator[Path]:
    """Yield the lists of classes in the folder itself, else those in its folders."""
    own = [item for item in sorted(folder.iterdir()) if is_list(item.name) and not is_clutter(item.name)]
    yield from own or (path for _, path in files_below(folder) if is_list(path.name))


def _listed_names(lists: Sequence[Path]) -> tuple[dict[int, str], Path]:
    """Read the list of classes, and name its file; where there are several, one a folder, they must agree."""
    first, *others = lists
    names = _lines(first)
    for path in others:
        if _lines(path) != names:
            raise ArgumentError(f"{first} and {path} list different classes; expected one list for this YOLO set")
    return dict(enumerate(names)), first


def _lines(path: Path) -> list[str]:
    return [line.strip() for line in text_of(_reading(path)).rstrip().split("\n")]
