"""Check a data folder: its tables, every photo, and that they belong together."""

import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from boxable.detection.pipeline import in_order
from boxable.detection.progress import progress
from boxable.errors import ImageError
from boxable.images.decode import ON_ITS_SIDE, SUFFIXES, orientation_of, size_of_whole
from boxable.openimages.dataset import Dataset
from boxable.openimages.findings import Finding, Verification
from boxable.openimages.index import UNKNOWN_ROTATION
from boxable.openimages.layout import LEDGER, PHOTOS
from boxable.openimages.photos import photo_path
from boxable.openimages.verify_ledger import noted_md5, verify_ledger
from boxable.openimages.verify_tables import verify_tables
from boxable.settings import available_cores

# By how many degrees counter-clockwise a picture with this EXIF orientation is to be turned; others are mirrored.
_TURNS = {1: 0, 8: 90, 3: 180, 6: 270}
_BATCH = 8

# What is wrong with one photo: the names of the findings, each with an example.
Flaws = dict[str, str]


def verify(dataset: Dataset, stop: threading.Event | None = None) -> Verification:
    """Check everything; once `stop` is set, what was found until then comes back.

    Raises ArgumentError for a table that cannot be used, BoxableError where reading fails.
    """
    stop = stop or threading.Event()
    findings = verify_tables(dataset.files, stop) + verify_ledger(dataset.files, stop) + _photos(dataset, stop)
    return Verification(findings, complete=not stop.is_set())


def _photos(dataset: Dataset, stop: threading.Event) -> list[Finding]:
    findings = {
        "there": Finding(PHOTOS, "every image has its photo"),
        "decodes": Finding(PHOTOS, "every photo can be decoded"),
        "size": Finding(PHOTOS, "photos have the size that the table of images says"),
        "turn": Finding(PHOTOS, "an orientation in a photo agrees with Rotation"),
        "orphan": Finding(PHOTOS, "every file is the photo of an image"),
    }
    if (dataset.path / LEDGER).is_file():
        findings["fetched"] = Finding(PHOTOS, "photos are as they were fetched")
    for name in _files(dataset.path / PHOTOS):
        belongs = _belongs(dataset, name)
        findings["orphan"].add(1, not belongs, [] if belongs else [name])
    with progress("decoding", len(dataset)) as advance, noted_md5(dataset.files) as noted:
        images = ((number, image_id, noted(image_id)) for number, image_id in enumerate(dataset.index.image_ids()))
        results = in_order(
            images, lambda batch: [_look(dataset, *one) for one in batch], _BATCH, available_cores(), stop
        )
        for looked_at, flaws in results:
            for name in looked_at:
                findings[name].add(1, name in flaws, [flaws[name]] if name in flaws else [])
            advance()
    return list(findings.values())


def _belongs(dataset: Dataset, name: str) -> bool:
    """Whether this file is the photo of an image, and not a second one."""
    file = Path(name)
    if file.suffix.lower() not in SUFFIXES or dataset.index.find(file.stem) is None:
        return False
    return photo_path(dataset.files, file.stem).name == name


def _files(folder: Path) -> Iterator[str]:
    if folder.is_dir():
        with os.scandir(folder) as entries:
            for entry in entries:
                yield entry.name


def _look(dataset: Dataset, number: int, image_id: str, md5: str | None) -> tuple[list[str], Flaws]:
    """Which checks a photo was put to, and which it did not stand; `md5` is that of the file that was fetched."""
    try:
        path = photo_path(dataset.files, image_id)
        data = path.read_bytes()
    except (ImageError, OSError) as error:
        reason = "not there" if isinstance(error, FileNotFoundError) else str(error)
        return ["there"], {"there": f"{image_id}: {reason}"}
    looked_at, flaws = ["there", "decodes"], {}
    if md5 is not None:
        looked_at.append("fetched")
        if hashlib.md5(data, usedforsecurity=False).hexdigest() != md5:
            flaws["fetched"] = f"{image_id}: another MD5 than in the ledger; remove the photo and fetch again"
    try:
        width, height = size_of_whole(data, image_id)
    except ImageError as error:
        return looked_at, flaws | {"decodes": str(error)}
    orientation, rotation = orientation_of(data), int(dataset.index.rotation[number])
    listed = int(dataset.index.width[number]), int(dataset.index.height[number])
    if all(listed):
        looked_at.append("size")
        possible = [(width, height)]
        if rotation == UNKNOWN_ROTATION and orientation in ON_ITS_SIDE:
            possible.append((height, width))
        if listed not in possible:
            flaws["size"] = f"{image_id}: {listed[0]}x{listed[1]} in the table, the photo has {width}x{height}"
            if listed == (height, width):
                flaws["size"] += ", as if it had been turned; boxes and Rotation are of the photo as published"
    if rotation != UNKNOWN_ROTATION:
        looked_at.append("turn")
        if orientation != 1 and _TURNS.get(orientation) != rotation:
            flaws["turn"] = f"{image_id}: EXIF orientation {orientation}, Rotation {rotation}"
    return looked_at, flaws
