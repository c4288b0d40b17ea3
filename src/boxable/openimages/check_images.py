"""Check the image files of a data folder: decode each, and compare it with the tables and the ledger."""

import hashlib
import os
import threading
from itertools import islice
from typing import Any

import numpy as np

from boxable.datasets.dataset import Dataset
from boxable.datasets.index import UNKNOWN_ROTATION
from boxable.datasets.layout import IMAGE_FOLDER, LEDGER
from boxable.datasets.read_image import image_path
from boxable.errors import ImageError
from boxable.files import files_below
from boxable.findings import MAX_EXAMPLES, Finding, until
from boxable.images.codecs import SUFFIXES
from boxable.images.decode import ON_ITS_SIDE, orientation_of, size_of_whole
from boxable.images.image_ids import image_id as id_of
from boxable.openimages.check_ledger import md5_of_fetched
from boxable.parallel import in_order
from boxable.progress import progress
from boxable.settings import available_cores

# The rotation counter-clockwise, in degrees, that each EXIF orientation asks for; the others mirror the image.
_EXIF_ROTATIONS = {1: 0, 8: 90, 3: 180, 6: 270}
_BATCH = 8
_NAMES_AT_ONCE = 1 << 16

# The flaws of one image: the name of each finding, with an example.
Flaws = dict[str, str]


def check_images(dataset: Dataset, stop: threading.Event) -> list[Finding]:
    """Check every image file in threads, as far as it gets until `stop`."""
    findings = {
        "there": Finding(IMAGE_FOLDER, "every image has its file"),
        "decodes": Finding(IMAGE_FOLDER, "every image can be decoded"),
        "size": Finding(IMAGE_FOLDER, "images have the size that the table of images says"),
        "rotation": Finding(IMAGE_FOLDER, "the EXIF orientation of an image agrees with Rotation"),
        "orphan": _orphans(dataset, stop),
    }
    if (dataset.path / LEDGER).is_file():
        findings["fetched"] = Finding(IMAGE_FOLDER, "images are as they were fetched")
    with progress("decoding", len(dataset)) as advance, md5_of_fetched(dataset.files) as md5:
        images = ((number, image_id, md5(image_id)) for number, image_id in enumerate(dataset.index.image_ids()))
        results = in_order(
            images, lambda batch: [_check_image(dataset, *one) for one in batch], _BATCH, available_cores(), stop
        )
        for checked, flaws in results:
            for name in checked:
                findings[name].add(1, name in flaws, [flaws[name]] if name in flaws else [])
            advance()
    return list(findings.values())


def _orphans(dataset: Dataset, stop: threading.Event) -> Finding:
    """Find files that are not the image of an id in the tables, or are a second one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    finding = Finding(IMAGE_FOLDER, "every file is the image of an id in the tables")
    names, ids = _file_names(dataset, stop)
    is_known = pc.index_in(ids, value_set=dataset.index.ids.cast(pa.binary())).is_valid().to_numpy()
    is_direct = pc.find_substring(names, b"/").to_numpy() < 0
    # Of several files of an image, .jpg is read.
    belongs = is_known & is_direct & pc.ends_with(names, SUFFIXES[0]).to_numpy()
    candidates = np.flatnonzero((is_known | ~is_direct) & ~belongs).tolist()
    with progress("files", len(candidates)) as advance:
        for number in until(stop, candidates):
            belongs[number] = _is_read(dataset, os.fsdecode(names[number].as_py()), os.fsdecode(ids[number].as_py()))
            advance()
    if not stop.is_set():
        orphans = np.flatnonzero(~belongs)
        examples = (os.fsdecode(names[number].as_py()) for number in orphans[:MAX_EXAMPLES].tolist())
        finding.add(len(belongs), len(orphans), examples)
    return finding


def _is_read(dataset: Dataset, name: str, own_id: str) -> bool:
    """Whether a file is the one that is read for an image of the tables: by its id, or by its name alone."""
    path = dataset.files.image_files.folder / name
    ids = (item for item in {own_id, id_of(path.name)} if dataset.index.find(item) is not None)
    return name.lower().endswith(SUFFIXES) and any(image_path(dataset.files, item) == path for item in ids)


def _file_names(dataset: Dataset, stop: threading.Event) -> tuple[Any, Any]:
    """List the paths of the files below the image folder, and their image ids, as Arrow columns of bytes."""
    import pyarrow as pa

    folder = dataset.files.image_files.folder
    # Where the tables are among the images, other files are not asked for.
    files = dataset.files.image_files if folder == dataset.path else files_below(folder)
    names, ids = [], []
    with progress("listing", None) as advance:
        found = until(stop, (name for name, _ in files))
        while batch := list(islice(found, _NAMES_AT_ONCE)):
            names.append(pa.array(map(os.fsencode, batch), pa.binary()))
            ids.append(pa.array((os.fsencode(id_of(name)) for name in batch), pa.binary()))
            for _ in batch:
                advance()
    return pa.chunked_array(names, pa.binary()), pa.chunked_array(ids, pa.binary())


def _check_image(dataset: Dataset, number: int, image_id: str, md5: str | None) -> tuple[list[str], Flaws]:
    """Check one image; return the names of the checks and the flaws. `md5` is that of the file when it was fetched."""
    try:
        path = image_path(dataset.files, image_id)
        data = path.read_bytes()
    except (ImageError, OSError) as error:
        reason = "missing" if isinstance(error, FileNotFoundError) else str(error)
        return ["there"], {"there": f"{image_id}: {reason}"}
    checked, flaws = ["there", "decodes"], {}
    if md5 is not None:
        checked.append("fetched")
        if hashlib.md5(data, usedforsecurity=False).hexdigest() != md5:
            flaws["fetched"] = f"{image_id}: MD5 differs from the ledger; remove the image and fetch again"
    try:
        width, height = size_of_whole(data, image_id)
    except ImageError as error:
        return checked, flaws | {"decodes": str(error)}
    orientation, rotation = orientation_of(data), int(dataset.index.rotation[number])
    listed = int(dataset.index.width[number]), int(dataset.index.height[number])
    if all(listed):
        checked.append("size")
        possible = [(width, height)]
        if rotation == UNKNOWN_ROTATION and orientation in ON_ITS_SIDE:
            possible.append((height, width))
        if listed not in possible:
            flaws["size"] = f"{image_id}: {listed[0]}x{listed[1]} in the table, {width}x{height} in the file"
            if listed == (height, width):
                flaws["size"] += "; was it rotated? Boxes and Rotation refer to the image as published"
    if rotation != UNKNOWN_ROTATION:
        checked.append("rotation")
        if orientation != 1 and _EXIF_ROTATIONS.get(orientation) != rotation:
            flaws["rotation"] = f"{image_id}: EXIF orientation {orientation}, Rotation {rotation}"
    return checked, flaws
