"""Write a Pascal VOC set: Annotations/<id>.xml, JPEGImages/, and ImageSets/Main/ where the splits are known."""

import re
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from boxable.errors import ArgumentError
from boxable.files import writing
from boxable.formats.annotated.image import AnnotatedImage, AnnotatedSet
from boxable.formats.annotated.image_files import add_image_file, file_name, file_stem, known_size, upright
from boxable.formats.annotated.pascal_voc import CORNERS, FLAGS, MADE_HERE
from boxable.formats.annotated.splits import SHORT_NAMES
from boxable.formats.columns import CLASSES
from boxable.formats.rows import write_classes

# In pixels from the corner of the image: nonsense, but a whole number.
_FARTHEST = 10**9
_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def write(images: AnnotatedSet, folder: Path, image_mode: str) -> None:
    """Write a set; corners are rounded to whole pixels, the first is number 1. classes.csv keeps the MIDs."""
    for item in images.classes:
        if _NOT_IN_XML.search(item.name):
            raise ArgumentError(f"class {item.name!r}: a name with signs that XML cannot hold; rename it")
    (folder / "Annotations").mkdir(parents=True)
    (folder / "JPEGImages").mkdir()
    names = {item.mid: item.name for item in images.classes}
    lists: dict[str, list[str]] = defaultdict(list)
    for image in images.sound():
        size = known_size(images, image)
        if size is None:
            continue
        path = folder / "Annotations" / f"{file_stem(image.image_id)}.xml"
        name = add_image_file(images, upright(images, image), folder / "JPEGImages", image_mode) or file_name(image)
        with writing(path):
            path.write_bytes(_xml(image, size, name, names))
        lists[image.split].append(f"{image.image_id}\n")
    write_classes(((item.mid, item.name) for item in images.classes), folder / CLASSES)
    for split, lines in lists.items():
        if split:
            path = folder / "ImageSets" / "Main" / f"{SHORT_NAMES[split]}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(lines), "utf-8")


def _xml(image: AnnotatedImage, size: tuple[int, int], name: str, names: dict[str, str]) -> bytes:
    root = ElementTree.Element("annotation")
    ElementTree.SubElement(root, "folder").text = "JPEGImages"
    ElementTree.SubElement(root, "filename").text = name
    ElementTree.SubElement(ElementTree.SubElement(root, "source"), "annotation").text = MADE_HERE
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
        for tag, value in zip(CORNERS, box, strict=True):
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
