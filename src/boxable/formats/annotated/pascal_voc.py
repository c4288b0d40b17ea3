"""Pascal VOC: an XML file for each image; `pascal_voc_layout` finds them.

Corners are whole pixels and the first is number 1, so the left and upper sides of a box are one less than its numbers.
Many others count from 0: a set in which any corner is below 1, or has a fraction that is not in a file of VOC itself,
is taken to be counted from 0 throughout, and its corners are the sides of the boxes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.errors import ArgumentError, MissingExtraError
from boxable.files import reading
from boxable.formats.annotated.image import AnnotatedImage, AnnotatedSet, pixels
from boxable.formats.annotated.image_files import with_boxes_in_pixels
from boxable.formats.annotated.pascal_voc_layout import Entry, VocFiles
from boxable.formats.annotated.splits import in_order
from boxable.formats.columns import CLASSES, IS_DIFFICULT
from boxable.formats.openimages_reading import read_classes
from boxable.vocabulary import ClassList
from boxable.vocabulary.classes import plain_name

FLAGS = {"truncated": "IsTruncated", "occluded": "IsOccluded", "difficult": IS_DIFFICULT}
CORNERS = ("ymin", "xmin", "ymax", "xmax")
# What files of VOC itself say of their source, and those of our own writer: there the first pixel is number 1.
_OF_VOC, MADE_HERE = "PASCAL VOC", "Boxable"


@dataclass(slots=True)
class _Summary:
    """What must be known of all annotations before the first: file names, classes, and how corners are counted."""

    filenames: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    from_zero: bool = False


def read(folder: Path) -> AnnotatedSet:
    """Read the images with an annotation, and those without one that a list of ImageSets names, which have no boxes.

    Classes are known by name, or by classes.csv. Splits are those of ImageSets, else of folders like train/.
    """
    try:
        import defusedxml  # noqa: F401
    except ImportError:
        raise MissingExtraError("reading Pascal VOC", "boxable[data]") from None
    files = VocFiles(folder)
    found = AnnotatedSet(ClassList(()), iter(()), tuple(FLAGS.values()))
    summary = _summary(files, found)
    if not summary.filenames:
        raise ArgumentError(f"{folder}: no .xml of Pascal VOC in this folder; expected <annotation> in each")
    if (folder / CLASSES).is_file():
        found.classes = read_classes(folder / CLASSES)
        names = [item.name for item in found.classes]
    else:
        names = sorted(summary.names.values())
        found.classes = ClassList.from_names(names)
    mids = {name.casefold(): item.mid for name, item in zip(names, found.classes, strict=True)}
    entries = files.entries(summary.filenames)
    unused = {*files.images.values()} - {entry.image for entry in entries}
    found.count("image file|s without annotation", len(unused), sorted(path.name for path in unused))
    found.count("image|s listed in ImageSets but not there", len(files.missing), files.missing)
    found.splits = in_order(entry.split for entry in entries)
    found.images = _images(entries, mids, found, start=0 if summary.from_zero else 1)
    return found


def _summary(files: VocFiles, found: AnnotatedSet) -> _Summary:
    """Look through all annotations; other XML is counted."""
    summary = _Summary()
    for name, path in files.annotations.items():
        root = _parse(path)
        if root.tag != "annotation":
            found.count("XML file|s without an annotation of Pascal VOC", 1, [name], effect="skipped")
            continue
        summary.filenames[name] = (root.findtext("filename") or "").strip()
        source = (root.findtext("source/annotation") or "").strip()
        for number, item in enumerate(root.findall("object"), start=1):
            text = _name(item, path, number)
            summary.names[text.casefold()] = text
            corners = _corners(item, path, number)
            known = corners[np.isfinite(corners)]
            odd = (known < 1).any() or (not source.startswith(_OF_VOC) and (known % 1 != 0).any())
            summary.from_zero |= bool(odd) and source != MADE_HERE
    return summary


def _parse(path: Path) -> Any:
    from defusedxml import DefusedXmlException
    from defusedxml import ElementTree as SafeTree

    try:
        with reading(path):
            return SafeTree.parse(path).getroot()
    except (SafeTree.ParseError, DefusedXmlException, LookupError, ValueError) as error:
        raise ArgumentError(f"{path}: no XML that can be read ({error}); expected one of Pascal VOC") from None


def _images(entries: list[Entry], mids: Mapping[str, str], found: AnnotatedSet, start: int) -> Iterator[AnnotatedImage]:
    """Yield the images; `mids` are by the name of the class in lower case, `start` is the number of the first pixel."""
    for entry in entries:
        image = AnnotatedImage(
            entry.image_id, [], np.zeros((0, 4)), _flags([]), file=entry.image, split=entry.split
        )  # fmt: skip
        if entry.annotation is None:
            yield image
            continue
        path, root = entry.annotation, _parse(entry.annotation)
        width, height = (pixels(_value(root, f"size/{side}", f"{path}")) for side in ("width", "height"))
        objects = root.findall("object")
        found.count("part|s of objects", sum(len(item.findall("part")) for item in objects))
        corners = np.array([_corners(item, path, number) for number, item in enumerate(objects, start=1)])
        names = [_name(item, path, number) for number, item in enumerate(objects, start=1)]
        labels = [mids.get(name.casefold(), name) for name in names]
        image = replace(image, flags=_flags(objects), width=width, height=height)
        yield from with_boxes_in_pixels(found, image, labels, corners.reshape(-1, 4) - [start, start, 0, 0])


def _name(item: Any, path: Path, number: int) -> str:
    text = plain_name(item.findtext("name") or "")
    if not text:
        raise ArgumentError(f"{path}, object {number}: an object without <name>, which Pascal VOC needs")
    return text


def _corners(item: Any, path: Path, number: int) -> NDArray[np.float64]:
    """Read ymin, xmin, ymax, xmax of an object; of a polygon without box the corners of its points, else no numbers."""
    place = f"{path}, object {number}"
    points = item.find("polygon")
    if item.find("bndbox") is not None or points is None:
        return np.array([_value(item, f"bndbox/{side}", place) for side in CORNERS])
    sides = [
        [_value(point, ".", place) for point in points.iter() if point.tag.rstrip("0123456789") == axis]
        for axis in ("y", "x")
    ]
    if not all(sides):
        return np.full(4, np.nan)
    return np.array([*(min(side) for side in sides), *(max(side) for side in sides)])


def _value(item: Any, tag: str, place: str) -> float:
    text = (item.text if tag == "." else item.findtext(tag)) or "nan"
    try:
        return float(text)
    except ValueError:
        raise ArgumentError(f"{place}: <{tag}> is {text.strip()[:20]!r}; expected a number, as in Pascal VOC") from None


def _flags(objects: list[Any]) -> dict[str, NDArray[np.int8]]:
    flags = {column: np.array([_flag(item, tag) for item in objects], np.int8) for tag, column in FLAGS.items()}
    flags[IS_DIFFICULT] = flags[IS_DIFFICULT].clip(0)
    return flags


def _flag(item: Any, tag: str) -> int:
    text = (item.findtext(tag) or "").strip()
    return int(text) if text in ("0", "1") else -1
