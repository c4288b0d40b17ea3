"""Pascal VOC: Annotations/<id>.xml and JPEGImages/; corners are whole pixels, the first is number 1."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree  # only to write; defusedxml reads

import numpy as np
from numpy.typing import NDArray

from boxable.errors import ArgumentError, BoxableError, MissingExtraError
from boxable.files import writing
from boxable.formats.annotated.image import AnnotatedImage, AnnotatedSet, pixels
from boxable.formats.annotated.image_files import add_image_file, file_name, file_stem, images_below, size_of, upright
from boxable.formats.columns import CLASSES, IS_DIFFICULT
from boxable.formats.openimages_reading import read_classes
from boxable.formats.rows import write_classes
from boxable.vocabulary import ClassList
from boxable.vocabulary.classes import plain_name

FLAGS = {"truncated": "IsTruncated", "occluded": "IsOccluded", "difficult": IS_DIFFICULT}
# In pixels from the corner of the image: nonsense, but a whole number.
_FARTHEST = 10**9
_CORNERS = ("ymin", "xmin", "ymax", "xmax")
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def is_voc(folder: Path) -> bool:
    """Whether this folder is such a set."""
    return (folder / "Annotations").is_dir()


def read(folder: Path) -> AnnotatedSet:
    """Read the images with an annotation; classes are known by name, or by classes.csv."""
    try:
        import defusedxml  # noqa: F401
    except ImportError:
        raise MissingExtraError("reading Pascal VOC", "boxable[data]") from None
    files = sorted((folder / "Annotations").glob("*.xml"))
    if not files:
        raise ArgumentError(f"{folder / 'Annotations'}: no .xml in this folder")
    if (folder / CLASSES).is_file():
        classes = read_classes(folder / CLASSES)
        names = [item.name for item in classes]
    else:
        names = sorted({name.casefold(): name for path in files for name in _names(path)}.values())
        classes = ClassList.from_names(names)
    mids = {name.casefold(): item.mid for name, item in zip(names, classes, strict=True)}
    found = AnnotatedSet(classes, iter(()), tuple(FLAGS.values()))
    found.images = _images(files, images_below(folder / "JPEGImages"), mids, found)
    return found


def _names(path: Path) -> list[str]:
    return [_text(item, "name", path) for item in _parse(path).findall("object")]


def _parse(path: Path) -> Any:
    from defusedxml import DefusedXmlException
    from defusedxml import ElementTree as SafeTree

    try:
        return SafeTree.parse(path).getroot()
    except (SafeTree.ParseError, DefusedXmlException, UnicodeDecodeError, ValueError) as error:
        raise ArgumentError(f"{path}: no XML that can be read ({error})") from None
    except OSError as error:
        raise BoxableError(f"{path}: cannot read it ({error.strerror or error})") from error


def _images(
    files: list[Path], image_files: dict[str, Path], mids: dict[str, str], found: AnnotatedSet
) -> Iterator[AnnotatedImage]:
    """Yield the images; `mids` are those of the classes by name, in lower case."""
    for path in files:
        root = _parse(path)
        objects = root.findall("object")
        names = [_text(item, "name", path) for item in objects]
        flags = {column: np.array([_flag(item, name) for item in objects], np.int8) for name, column in FLAGS.items()}
        flags[IS_DIFFICULT] = flags[IS_DIFFICULT].clip(0)
        image = AnnotatedImage(path.stem, [], np.zeros((0, 4)), file=image_files.get(path.stem))
        width, height = (pixels(_number(root, f"size/{side}", path)) for side in ("width", "height"))
        if not (width and height):
            width, height = size_of(image) or (0, 0)
        if not width:
            found.count("images of unknown size, without a file that tells it", 1)
            continue
        corners = [[_number(item, f"bndbox/{side}", path) for side in _CORNERS] for item in objects]
        # The left and upper sides of a pixel come before its number, the others after it.
        box = (np.array(corners).reshape(-1, 4) - [1, 1, 0, 0]) / [height, width, height, width]
        labels = [mids.get(name.casefold(), name) for name in names]
        yield AnnotatedImage(path.stem, labels, box, flags, width=width, height=height, file=image.file)


def _text(item: Any, tag: str, path: Path) -> str:
    text = plain_name(item.findtext(tag) or "")
    if not text:
        raise ArgumentError(f"{path}: an object without <{tag}>")
    return text


def _number(item: Any, tag: str, path: Path) -> float:
    text = item.findtext(tag) or "nan"
    try:
        return float(text)
    except ValueError:
        raise ArgumentError(f"{path}: <{tag}> is {text.strip()[:20]!r}; expected a number") from None


def _flag(item: Any, tag: str) -> int:
    text = (item.findtext(tag) or "").strip()
    return int(text) if text in ("0", "1") else -1


def write(images: AnnotatedSet, folder: Path, image_mode: str) -> None:
    """Write a set; corners are rounded to whole pixels. classes.csv keeps the MIDs."""
    for item in images.classes:
        if _NOT_IN_XML.search(item.name):
            raise ArgumentError(f"class {item.name!r}: a name with signs that XML cannot hold; rename it")
    (folder / "Annotations").mkdir(parents=True)
    (folder / "JPEGImages").mkdir()
    names = {item.mid: item.name for item in images.classes}
    for image in images.sound():
        size = size_of(image)
        if size is None:
            images.count("images of unknown size, without a file that tells it", 1)
            continue
        path = folder / "Annotations" / f"{file_stem(image.image_id)}.xml"
        name = add_image_file(images, upright(images, image), folder / "JPEGImages", image_mode) or file_name(image)
        with writing(path):
            path.write_bytes(_xml(image, size, name, names))
    write_classes(((item.mid, item.name) for item in images.classes), folder / CLASSES)


def _xml(image: AnnotatedImage, size: tuple[int, int], name: str, names: dict[str, str]) -> bytes:
    root = ElementTree.Element("annotation")
    ElementTree.SubElement(root, "folder").text = "JPEGImages"
    ElementTree.SubElement(root, "filename").text = name
    described = ElementTree.SubElement(root, "size")
    for tag, value in zip(("width", "height", "depth"), (*size, 3), strict=True):
        ElementTree.SubElement(described, tag).text = str(value)
    ElementTree.SubElement(root, "segmented").text = "0"
    pixels = _pixels(image.box, size).tolist()
    for row, (mid, box) in enumerate(zip(image.labels, pixels, strict=True)):
        item = ElementTree.SubElement(root, "object")
        ElementTree.SubElement(item, "name").text = names[mid]
        ElementTree.SubElement(item, "pose").text = "Unspecified"
        for tag, column in FLAGS.items():
            marked = column in image.flags and image.flags[column][row] == 1
            ElementTree.SubElement(item, tag).text = str(int(marked))
        corners = ElementTree.SubElement(item, "bndbox")
        for tag, value in zip(_CORNERS, box, strict=True):
            ElementTree.SubElement(corners, tag).text = str(value)
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, "utf-8")) + b"\n"


def _pixels(box: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.int64]:
    """Compute first and last pixels of boxes `[N, 4]`, from 1; at least one pixel, at the center of the box."""
    sides = (box.reshape(-1, 2, 2) * [size[1], size[0]]).clip(-_FARTHEST, _FARTHEST)
    first, end = np.rint(sides).astype(np.int64).transpose(1, 0, 2)
    middle = np.minimum(np.floor(sides.mean(axis=1)).astype(np.int64), [size[1] - 1, size[0] - 1])
    thin = first >= end
    first, end = np.where(thin, middle, first), np.where(thin, middle + 1, end)
    return np.concatenate([first + 1, end], axis=1)
