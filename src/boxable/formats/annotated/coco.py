"""COCO JSON: one object with images, annotations and categories; all of it is held in memory."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from boxable.boxes import to_xywh
from boxable.errors import ArgumentError
from boxable.files import atomic_file
from boxable.formats.annotated.image import AnnotatedImage, AnnotatedSet
from boxable.formats.annotated.image_files import file_name, known_size
from boxable.formats.annotations import Annotations
from boxable.formats.coco import image_number
from boxable.formats.coco_reading import GROUP_OF, CocoFile
from boxable.images.decode import orientation_of
from boxable.images.image_ids import end_with_id
from boxable.vocabulary import open_images


def is_coco(path: Path) -> bool:
    """Tell whether this is such a file, by its name."""
    return path.suffix.lower() == ".json" and path.is_file()


def read(path: Path, prefix: str = "") -> AnnotatedSet:
    """Read a COCO file; `coco_images` finds its images. In a set of several files ids begin with `prefix`.

    An id is the path of the image without suffix. Raises ArgumentError where two paths make the same one.
    """
    file = CocoFile(path, prefix)
    truth = file.annotations()
    if not truth.listed_images:
        raise ArgumentError(f"{path}: no images in it; expected COCO JSON with images and their annotations")
    found = AnnotatedSet(truth.classes or open_images(), _images(truth, file.files), ("IsGroupOf",))
    found.add_findings(file.left_out)
    for name, number in file.beyond_boxes().items():
        found.count(f"{name}, which no other format holds", number, level="ok")
    return found


def read_columns(path: Path) -> Annotations:
    """Read a COCO file at once, with the areas of objects, and the image files that are there."""
    file = CocoFile(path)
    truth = file.annotations()
    return replace(truth, files=file.files, notes=file.left_out)


def _images(truth: Annotations, files: Mapping[str, Path]) -> Iterator[AnnotatedImage]:
    boxes = truth.boxes
    labels = boxes.label.strings()
    rows: dict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(boxes.image.strings()):
        rows[name].append(row)
    for name in truth.listed_images:
        mine = np.array(rows.get(name, ()), np.intp)
        width, height = truth.sizes.get(name, (0, 0))
        yield AnnotatedImage(
            name, [labels[row] for row in mine], boxes.box[mine], {"IsGroupOf": boxes.group_of[mine]},
            width=width, height=height, file=files.get(name),
        )  # fmt: skip


def write(images: AnnotatedSet, path: Path) -> None:
    """Write COCO JSON: bbox is [x, y, width, height] in pixels, category ids are label ids, group-of is iscrowd."""
    described: dict[int, dict[str, object]] = {}
    numbers, annotation_ids = count(1), count(1)
    ids = {item.mid: item.label_id for item in images.classes}
    with atomic_file(path) as file:
        file.write(b'{"annotations": [')
        start = b"\n"
        for image in images.sound():
            size = known_size(images, image)
            if size is None:
                continue
            overruled = image.rotation is not None and image.file is not None and orientation_of(image.file) != 1
            images.count("EXIF orientation|s that Rotation overrules, and COCO does not", int(overruled), effect="kept")
            number = image_number(image.image_id, described, numbers)
            described[number] = {"id": number, "file_name": _path_of(image), "width": size[0], "height": size[1]}
            for line in _annotations(image, size):
                line |= {"id": next(annotation_ids), "image_id": number, "category_id": ids[line["category_id"]]}
                file.write(start + json.dumps(line).encode())
                start = b",\n"
        if not described:
            raise ArgumentError(f"no image of known size, which COCO needs: {'; '.join(images.notes())}")
        categories = [{"id": item.label_id, "name": item.name, "mid": item.mid} for item in images.classes]
        file.write(b'],\n"images": ' + json.dumps(list(described.values()), ensure_ascii=False).encode())
        file.write(b',\n"categories": ' + json.dumps(categories, ensure_ascii=False).encode() + b"}\n")


def _path_of(image: AnnotatedImage) -> str:
    """Return the path of the file, from the folder that ids begin at; of a file of another name the id with suffix."""
    name = file_name(image)
    path = image.file if isinstance(image.file, Path) else name
    return end_with_id(path, image.image_id) or f"{image.image_id}{Path(name).suffix}"


def _annotations(image: AnnotatedImage, size: tuple[int, int]) -> Iterator[dict[str, Any]]:
    """Yield the annotation of each box; its category is the MID still.

    A flag that is unknown makes no crowd, and has a field of its own.
    """
    flags = image.flags.get("IsGroupOf", np.zeros(len(image.labels), np.int8)).tolist()
    boxes = to_xywh(image.box, np.full((len(image.box), 2), size, np.float64)).tolist()
    for mid, box, flag in zip(image.labels, boxes, flags, strict=True):
        unknown = {GROUP_OF: flag} if flag < 0 else {}
        yield {"category_id": mid, "bbox": box, "area": box[2] * box[3], "iscrowd": int(flag > 0), **unknown}
