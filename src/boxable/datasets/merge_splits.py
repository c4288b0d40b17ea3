"""Data folders that are the splits of one set: train, validation and test, as `boxable data split` makes them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from boxable.datasets import annotated_tables
from boxable.datasets.annotated_tables import named_images
from boxable.datasets.layout import find_splits, open_folder
from boxable.errors import ArgumentError
from boxable.findings import counted
from boxable.formats.annotated.image import AnnotatedImage, AnnotatedSet
from boxable.formats.openimages_reading import has_tables
from boxable.vocabulary import ClassList


def read(folder: Path) -> AnnotatedSet:
    """Read the splits of a folder, one after the other.

    Classes are those of all splits, in the order in which they come first. Raises ArgumentError where an image is in
    two splits, and where the folder has tables of its own, but not of the same images.
    """
    found = find_splits(folder)
    _require_apart(folder, found)
    sets = {split: annotated_tables.read(path) for split, path in found.items()}
    joined = AnnotatedSet(
        _classes(folder, sets), iter(()), tuple(dict.fromkeys(flag for one in sets.values() for flag in one.flags)),
        has_image_labels=any(one.has_image_labels for one in sets.values()),
        has_attribution=any(one.has_attribution for one in sets.values()),
        splits=tuple(sets),
    )  # fmt: skip
    for one in sets.values():
        joined.add_findings(one.findings.values())
        one.findings = joined.findings
    joined.images = _images(sets, joined.flags)
    return joined


def _require_apart(folder: Path, splits: Mapping[str, Path]) -> None:
    seen: dict[str, Path] = {}
    for path in splits.values():
        for image_id in named_images(open_folder(path)):
            if image_id in seen:
                raise ArgumentError(f"{path}: image {image_id!r} is in {seen[image_id]} too; expected it in one split")
            seen[image_id] = path
    if has_tables(folder) and (whole := named_images(open_folder(folder))) != seen.keys():
        raise ArgumentError(
            f"{folder}: its splits {', '.join(splits)} have {counted(len(seen), 'image|s')}, and are not "
            f"those {len(whole)} of the folder as it is now; remove these splits and split it again"
        )


def _classes(folder: Path, sets: Mapping[str, AnnotatedSet]) -> ClassList:
    names: dict[str, str] = {}
    for one in sets.values():
        for item in one.classes:
            names.setdefault(item.mid, item.name)
    try:
        return ClassList.from_mids(names.items())
    except ArgumentError as error:
        raise ArgumentError(f"{folder}: classes of its splits {', '.join(sets)}: {error}") from error


def _images(sets: Mapping[str, AnnotatedSet], flags: tuple[str, ...]) -> Iterator[AnnotatedImage]:
    for split, one in sets.items():
        for image in one.images:
            unknown = {flag: np.full(len(image.labels), -1, np.int8) for flag in flags if flag not in image.flags}
            yield replace(image, split=split, flags={**image.flags, **unknown})
