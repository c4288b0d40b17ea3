"""COCO JSON: one object with images, annotations and categories; all of it is held in memory."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from boxable.boxes import to_xywh
from boxable.errors import ArgumentError
from boxable.files import atomic_file
from boxable.formats.annotated.image import AnnotatedImage, AnnotatedSet
from boxable.formats.annotated.image_files import file_name, images_below, images_in, size_of
from boxable.formats.annotations import Annotations
from boxable.formats.coco import image_number
from boxable.formats.coco_reading import GROUP_OF, CocoFile
from boxable.images.decode import orientation_of
from boxable.vocabulary import open_images


def is_coco(path: Path) -> bool:
    """Whether this is such a file, by its name."""
    return path.suffix.lower() == ".json" and path.is_file()


def read(path: Path) -> AnnotatedSet:
    """Read a COCO file; `_image_folders` tells where its images may be.

    An image is called as its file without suffix, where others are called so too as its path. Raises ArgumentError
    where two paths make the same name.
    """
    file = CocoFile(path)
    truth = file.annotations()
    image_files = _image_files(path, file)
    if len({_plain(image_id) for image_id in truth.listed_images}) < len(truth.listed_images):
        raise ArgumentError(f"{path}: file names that are the same once / is _; rename the images")
    if not truth.listed_images:
        raise ArgumentError(f"{path}: no images in it; expected COCO JSON with images and their annotations")
    found = AnnotatedSet(truth.classes or open_images(), _images(truth, image_files), ("IsGroupOf",))
    for name, number in file.beyond_boxes().items():
        found.count(f"{name}, which no other format holds", number)
    return found


def read_columns(path: Path) -> Annotations:
    """Read a COCO file at once, with the areas of objects, and the image files that are there."""
    file = CocoFile(path)
    return replace(file.annotations(), files=_image_files(path, file))


def _image_files(path: Path, file: CocoFile) -> dict[str, Path]:
    folders = _image_folders(path)
    image_files = images_below(folders[0], alike=True) if folders[0].is_dir() else images_in(path.parent)
    for image_id, name in file.file_names.items():
        image_file = _below(folders, name)
        if image_file is not None:
            image_files[image_id] = image_file
    return image_files


def _image_folders(path: Path) -> list[Path]:
    """Where the images may be: beside the file, or as COCO has annotations/instances_val2017.json and val2017/."""
    folders = [path.parent / "images", path.parent]
    if path.parent.name == "annotations":
        root, part = path.parent.parent, path.stem.partition("_")[2]
        folders += [root / "images" / part, root / part, root / "images"]
    return folders


def _below(folders: Sequence[Path], name: str) -> Path | None:
    """Find a file of this name below one of the folders; a name may not lead outside."""
    parts = PurePosixPath(name).parts
    if ".." in parts or "\0" in name or PurePosixPath(name).is_absolute() or Path(name).is_absolute():
        return None
    return next((path for folder in folders if (path := folder / name).is_file()), None)


def _plain(image_id: str) -> str:
    """Turn an id that is a path into a file name."""
    return image_id.replace("/", "_")


def _images(truth: Annotations, image_files: dict[str, Path]) -> Iterator[AnnotatedImage]:
    boxes = truth.boxes
    labels = boxes.label.strings()
    rows: dict[str, list[int]] = defaultdict(list)
    for row, image_id in enumerate(boxes.image.strings()):
        rows[image_id].append(row)
    for image_id in truth.listed_images:
        mine = np.array(rows.get(image_id, ()), np.intp)
        width, height = truth.sizes.get(image_id, (0, 0))
        yield AnnotatedImage(
            _plain(image_id), [labels[row] for row in mine], boxes.box[mine], {"IsGroupOf": boxes.group_of[mine]},
            width=width, height=height, file=image_files.get(image_id),
        )  # fmt: skip


def write(images: AnnotatedSet, path: Path) -> None:
    """Boxes are [x, y, width, height] in pixels, category ids are label ids; group-of boxes are crowds."""
    described: dict[int, dict[str, object]] = {}
    numbers, annotation_ids = count(1), count(1)
    ids = {item.mid: item.label_id for item in images.classes}
    with atomic_file(path) as file:
        file.write(b'{"annotations": [')
        start = b"\n"
        for image in images.sound():
            size = size_of(image)
            if size is None:
                images.count("images of unknown size, without a file that tells it", 1)
                continue
            overruled = image.rotation is not None and image.file is not None and orientation_of(image.file) != 1
            images.count("EXIF orientations that Rotation overrules, and COCO does not", int(overruled))
            number = image_number(image.image_id, described, numbers)
            described[number] = {
                "id": number, "file_name": file_name(image), "width": size[0], "height": size[1]
            }  # fmt: skip
            for line in _annotations(image, size):
                line |= {"id": next(annotation_ids), "image_id": number, "category_id": ids[line["category_id"]]}
                file.write(start + json.dumps(line).encode())
                start = b",\n"
        if not described:
            raise ArgumentError(f"no image of known size, which COCO needs: {'; '.join(images.notes())}")
        categories = [{"id": item.label_id, "name": item.name, "mid": item.mid} for item in images.classes]
        file.write(b'],\n"images": ' + json.dumps(list(described.values()), ensure_ascii=False).encode())
        file.write(b',\n"categories": ' + json.dumps(categories, ensure_ascii=False).encode() + b"}\n")


def _annotations(image: AnnotatedImage, size: tuple[int, int]) -> Iterator[dict[str, Any]]:
    """Each box; its category is the MID still. A flag that is unknown makes no crowd, and has a field of its own."""
    flags = image.flags.get("IsGroupOf", np.zeros(len(image.labels), np.int8)).tolist()
    boxes = to_xywh(image.box, np.full((len(image.box), 2), size, np.float64)).tolist()
    for mid, box, flag in zip(image.labels, boxes, flags, strict=True):
        unknown = {GROUP_OF: flag} if flag < 0 else {}
        yield {"category_id": mid, "bbox": box, "area": box[2] * box[3], "iscrowd": int(flag > 0), **unknown}
