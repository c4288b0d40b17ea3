"""Check a data folder: its tables, every photo, and that they belong together."""

import hashlib
import logging
import os
import shutil
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from boxable.errors import ImageError
from boxable.files import writing
from boxable.images.decode import ON_ITS_SIDE, SUFFIXES, orientation_of, size_of_whole
from boxable.openimages.dataset import Dataset
from boxable.openimages.findings import EXAMPLES, Finding, Verification, until
from boxable.openimages.index import UNKNOWN_ROTATION
from boxable.openimages.layout import LEDGER, PHOTOS
from boxable.openimages.photos import photo_path
from boxable.openimages.verify_ledger import noted_md5, verify_ledger
from boxable.openimages.verify_tables import verify_tables
from boxable.parallel import in_order
from boxable.progress import progress
from boxable.settings import available_cores

logger = logging.getLogger("boxable")

# By how many degrees counter-clockwise a picture with this EXIF orientation is to be turned; others are mirrored.
_TURNS = {1: 0, 8: 90, 3: 180, 6: 270}
_BATCH = 8
_NAMES_AT_ONCE = 1 << 16

# What is wrong with one photo: the names of the findings, each with an example.
Flaws = dict[str, str]


def verify(dataset: Dataset, stop: threading.Event | None = None) -> Verification:
    """Check everything; once `stop` is set, what was found until then comes back.

    An index that is damaged is made anew. Raises ArgumentError for a table that cannot be used, BoxableError where
    reading fails, or writing the index does.
    """
    stop = stop or threading.Event()
    dataset = _soundly_indexed(dataset)
    findings = verify_tables(dataset.files, dataset.index, stop)
    findings += verify_ledger(dataset.files, stop) + _photos(dataset, stop)
    return Verification(findings, complete=not stop.is_set())


def _soundly_indexed(dataset: Dataset) -> Dataset:
    if dataset.index.is_as_written():
        return dataset
    place = dataset.index.folder
    logger.warning("%s: damaged; it is made anew", place)
    with writing(place):
        if place.exists():
            shutil.rmtree(place)
    return Dataset(dataset.path)


def _photos(dataset: Dataset, stop: threading.Event) -> list[Finding]:
    findings = {
        "there": Finding(PHOTOS, "every image has its photo"),
        "decodes": Finding(PHOTOS, "every photo can be decoded"),
        "size": Finding(PHOTOS, "photos have the size that the table of images says"),
        "turn": Finding(PHOTOS, "an orientation in a photo agrees with Rotation"),
        "orphan": _orphans(dataset, stop),
    }
    if (dataset.path / LEDGER).is_file():
        findings["fetched"] = Finding(PHOTOS, "photos are as they were fetched")
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


def _orphans(dataset: Dataset, stop: threading.Event) -> Finding:
    """Whether every file is the photo of an image, and not a second one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    finding = Finding(PHOTOS, "every file is the photo of an image")
    names, stems = _names(dataset.path / PHOTOS, stop)
    is_known = pc.index_in(stems, value_set=dataset.index.ids.cast(pa.binary())).is_valid().to_numpy()
    # Where there are several, it is the photo.
    belongs = is_known & pc.ends_with(names, SUFFIXES[0]).to_numpy()
    doubtful = np.flatnonzero(is_known & ~belongs).tolist()
    with progress("files", len(doubtful)) as advance:
        for number in until(stop, doubtful):
            file = Path(os.fsdecode(names[number].as_py()))
            is_picture = file.suffix.lower() in SUFFIXES
            belongs[number] = is_picture and photo_path(dataset.files, file.stem).name == file.name
            advance()
    if not stop.is_set():
        orphans = np.flatnonzero(~belongs)
        examples = (os.fsdecode(names[number].as_py()) for number in orphans[:EXAMPLES].tolist())
        finding.add(len(belongs), len(orphans), examples)
    return finding


def _names(folder: Path, stop: threading.Event) -> tuple[Any, Any]:
    """The names of the files, and what they are without their suffixes: Arrow columns of bytes."""
    import pyarrow as pa

    names, stems = [], []
    with progress("listing", None) as advance:
        files = until(stop, _files(folder))
        while batch := list(islice(files, _NAMES_AT_ONCE)):
            names.append(pa.array(batch, pa.binary()))
            stems.append(pa.array([name.rpartition(b".")[0] for name in batch], pa.binary()))
            for _ in batch:
                advance()
    return pa.chunked_array(names, pa.binary()), pa.chunked_array(stems, pa.binary())


def _files(folder: Path) -> Iterator[bytes]:
    if folder.is_dir():
        with os.scandir(os.fsencode(folder)) as entries:
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
