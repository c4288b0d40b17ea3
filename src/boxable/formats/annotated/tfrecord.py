"""TFRecord shards with the features that `create_oid_tf_record` writes (SEMANTICS §9)."""

import os
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.errors import ArgumentError
from boxable.files import is_clutter, writing
from boxable.formats.annotated.image import AnnotatedImage, AnnotatedSet, pixels
from boxable.formats.annotated.image_files import bytes_of
from boxable.formats.annotated.tfrecord_framing import (
    BYTES,
    FLOATS,
    INTEGERS,
    Feature,
    example,
    parse_example,
    read_records,
    write_record,
)
from boxable.images.codecs import suffix_of
from boxable.images.decode import orientation_of
from boxable.images.image_ids import image_id
from boxable.vocabulary import ClassList, open_images
from boxable.vocabulary.classes import classes_meant, classes_of

# A shard is closed before it is larger: TensorFlow's guide to performance recommends at least 100 MB.
_SHARD_BYTES = 100 << 20
_SUFFIXES = (".tfrecord", ".tfrecords", ".record")
FLAGS = {"IsGroupOf": "group_of", "IsOccluded": "occluded", "IsTruncated": "truncated", "IsDepiction": "depiction"}
_SIDES = ("ymin", "xmin", "ymax", "xmax")
_OBJECT, _IMAGE = "image/object/", "image/class/"
_SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})")
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]+")


def shard_of(name: str, shards: int) -> int:
    """Choose the shard of an image: by its number where the id is hexadecimal, else by the CRC-32 of it."""
    number = int(name, 16) if _HEXADECIMAL.fullmatch(name) else zlib.crc32(name.encode())
    return number % shards


def shard_paths(prefix: Path, shards: int) -> list[Path]:
    """`prefix-00000-of-00100` and so on."""
    return [prefix.with_name(f"{prefix.name}-{number:05d}-of-{shards:05d}") for number in range(shards)]


def find_shards(path: Path) -> list[Path]:
    """Find the shards of a prefix or a folder, or the one file; empty if there are none.

    Raises ArgumentError where some are missing, or where there are two sets of shards.
    """
    if path.is_file():
        return [path] if path.name.lower().endswith(_SUFFIXES) or _SHARD.fullmatch(path.name) else []
    folder, prefix = (path, None) if path.is_dir() else (path.parent, path.name)
    names = [name for name in sorted(os.listdir(folder)) if not is_clutter(name)] if folder.is_dir() else []
    matches = [match for name in names if (match := _SHARD.fullmatch(name)) and prefix in (None, match[1])]
    if not matches:
        single = [folder / name for name in names if name.lower().endswith(_SUFFIXES) and prefix is None]
        if len(single) > 1:
            both = " and ".join(item.name for item in single[:2])
            raise ArgumentError(f"{path}: {both} are TFRecord files; expected one, so name it")
        return single
    expected = shard_paths(folder / matches[0][1], int(matches[0][3]))
    found = [folder / match[0] for match in matches]
    if missing := [item.name for item in expected if item not in found]:
        raise ArgumentError(f"{path}: {len(missing)} of {len(expected)} shards are missing, such as {missing[0]}")
    if len(found) > len(expected):
        raise ArgumentError(
            f"{path}: shards of {matches[0][1]} and others; expected those of one set, so name its prefix"
        )
    return found


def read(shards: Sequence[Path]) -> AnnotatedSet:
    """Read the images of shards in order. Image labels have no confidence in this format, and are only counted."""
    told: set[str] = set()
    texts: dict[str, int] = {}
    for path in shards:
        for data in read_records(path):
            features = parse_example(data, str(path))
            told |= features.keys()
            texts.update(zip(_texts(features, path), features.get(_OBJECT + "class/label", ()), strict=False))
    classes, mids = _classes(texts, str(shards[0]))
    flags = tuple(column for column, name in FLAGS.items() if _OBJECT + name in told)
    found = AnnotatedSet(classes, iter(()), flags)
    found.images = _images(shards, found, mids)
    return found


def _classes(texts: Mapping[str, int], name: str) -> tuple[ClassList, dict[str, str]]:
    """Return the classes, those of Open Images first, others in the order of their labels, and the MID by text.

    A text is a MID or a name.
    """
    of_mid, meant = {item.mid: item for item in open_images()}, classes_meant(texts)
    known = {text: item for text in texts if (item := of_mid.get(text) or meant.get(text))}
    mids = {text: item.mid for text, item in known.items()}
    if len(known) == len(texts):
        return open_images(), mids
    others = sorted(texts.keys() - known.keys(), key=lambda text: (texts[text], text))
    named = [("" if "/" not in text else text, text.rpartition("/")[2]) for text in others]
    classes = classes_of([(item.mid, item.name) for item in dict.fromkeys(known.values())] + named, name)
    return classes, mids | {text: item.mid for text, item in zip(others, classes[-len(others) :], strict=True)}


def _texts(features: Mapping[str, Sequence[Any]], path: Path) -> list[str]:
    try:
        return [text.decode() for text in features.get(_OBJECT + "class/text", ())]
    except (UnicodeDecodeError, AttributeError):
        raise ArgumentError(f"{path}: {_OBJECT}class/text holds no text") from None


def _images(shards: Sequence[Path], found: AnnotatedSet, mids: Mapping[str, str]) -> Iterator[AnnotatedImage]:
    for path in shards:
        for data in read_records(path):
            features = parse_example(data, str(path))
            found.count(
                "image label|s, whose confidence TFRecord does not hold", len(features.get(_IMAGE + "text", ()))
            )
            labels = [mids.get(text, text) for text in _texts(features, path)]
            try:
                yield _image(features, labels, found.flags)
            except (KeyError, ValueError, TypeError, IndexError, AttributeError, OverflowError):
                raise ArgumentError(
                    f"{path}: a record whose features do not fit together; expected image/source_id, and of every box "
                    "class/text, bbox/ymin, xmin, ymax and xmax"
                ) from None


def _image(features: Mapping[str, Sequence[Any]], labels: list[str], flags: tuple[str, ...]) -> AnnotatedImage:
    sides = [features.get(f"{_OBJECT}bbox/{side}", ()) for side in _SIDES]
    box = np.stack([np.array(side, np.float64).reshape(len(labels)) for side in sides], axis=1)
    values = {column: _flag_values(features.get(_OBJECT + FLAGS[column]), len(labels)) for column in flags}
    width, height = (pixels((features.get(f"image/{side}") or [0])[0]) for side in ("width", "height"))
    filename = [image_id(value.decode()).encode() for value in features.get("image/filename", ())[:1]]
    source_id = features.get("image/source_id") or filename
    if source_id == features.get("image/filename"):  # as the tutorials of the Object Detection API write it
        source_id = filename
    # Who reads TFRecord passes over an orientation in the image: boxes are of its pixels as they are stored.
    content = (features.get("image/encoded") or [None])[0]
    if not isinstance(content, bytes | None):
        raise TypeError("image content that is not bytes")
    return AnnotatedImage(
        source_id[0].decode(), labels, box, values, width=width, height=height, rotation=0, file=content
    )


def _flag_values(values: Sequence[int] | None, boxes: int) -> NDArray[np.int8]:
    """Return a flag for every box; values other than 0 and 1 are unknown."""
    if values is None:
        return np.full(boxes, -1, np.int8)
    told = np.array(values, np.int64).reshape(boxes)
    return np.where((told == 0) | (told == 1), told, -1).astype(np.int8)


def write(images: AnnotatedSet, prefix: Path, shards: int | None = None) -> list[Path]:
    """Write one record per image, and return the files; drop images without a file.

    An image goes to the shard that its id tells. Without `shards` they are in order, in as many files of at most
    100 MB as that takes. A single file is called as `prefix` where that ends like a TFRecord file.
    """
    with writing(prefix):
        prefix.parent.mkdir(parents=True, exist_ok=True)
        records = _records(images)
        parts = _write_by_size(records, prefix) if shards is None else _write_by_id(records, prefix, shards)
        names = [prefix] if len(parts) == 1 and prefix.name.endswith(_SUFFIXES) else shard_paths(prefix, len(parts))
        for part, name in zip(parts, names, strict=True):
            part.replace(name)
    return names


def _write_by_id(records: Iterator[tuple[str, bytes]], prefix: Path, shards: int) -> list[Path]:
    parts = [_part(prefix, number) for number in range(shards)]
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("xb")) for path in parts]
        for name, data in records:
            write_record(files[shard_of(name, shards)], data)
    return parts


def _write_by_size(records: Iterator[tuple[str, bytes]], prefix: Path) -> list[Path]:
    parts: list[Path] = []
    left = 0
    with ExitStack() as stack:
        for _, data in records:
            if not parts or len(data) > left:
                stack.close()
                parts.append(_part(prefix, len(parts)))
                file = stack.enter_context(parts[-1].open("xb"))
                left = _SHARD_BYTES
            write_record(file, data)
            left -= len(data)
    return parts


def _part(prefix: Path, number: int) -> Path:
    """Return the name of a file while it is written, and the number of files is unknown."""
    return prefix.with_name(f".{prefix.name[:40]}.{number}.part")


def _records(images: AnnotatedSet) -> Iterator[tuple[str, bytes]]:
    """Yield the id of each image and its record. Raises ArgumentError at the end where no image has a file."""
    label_ids = {item.mid: item.label_id for item in images.classes}
    written = 0
    for image in images.sound():
        content = bytes_of(image)
        if content is None:
            images.count("image|s without a file", 1)
            continue
        turned = image.rotation is None and orientation_of(content) != 1
        images.count("EXIF orientation|s, which readers of TFRecord ignore", int(turned), effect="kept")
        yield image.image_id, example(_features(image, content, label_ids, images))
        written += 1
    if not written:
        raise ArgumentError("expected image files in images/, or beside a COCO file, got none")


def _features(
    image: AnnotatedImage, content: bytes, label_ids: Mapping[str, int], images: AnnotatedSet
) -> dict[str, Feature]:
    features: dict[str, Feature] = {
        "image/encoded": (BYTES, [content]),
        "image/filename": (BYTES, [f"{image.image_id}{suffix_of(content)}".encode()]),
        "image/source_id": (BYTES, [image.image_id.encode()]),
        _OBJECT + "class/text": (BYTES, [mid.encode() for mid in image.labels]),
        _OBJECT + "class/label": (INTEGERS, [label_ids[mid] for mid in image.labels]),
    }
    for side, values in zip(_SIDES, image.box.T, strict=True):
        features[f"{_OBJECT}bbox/{side}"] = (FLOATS, values.tolist())
    for column, name in FLAGS.items():
        if column in images.flags:
            features[_OBJECT + name] = (INTEGERS, image.flags[column].tolist())
    if images.has_image_labels:
        features[_IMAGE + "text"] = (BYTES, [mid.encode() for mid, _ in image.image_labels])
        features[_IMAGE + "label"] = (INTEGERS, [label_ids[mid] for mid, _ in image.image_labels])
    return features
