"""The index of a data folder: its rows sorted by image, in memory-mapped Arrow files.

    BOXABLE_HOME/data/<hash of the folder's path>/<hash of its tables>/
      images.arrow   id, width, height, rotation; sorted by id
      starts.arrow   the first box and label of each image, and, in one more row, the end of the last
      boxes.arrow    label, box (ymin, xmin, ymax, xmax), flags
      labels.arrow   label, confidence
      mids.arrow     the MIDs that labels are indices of
      written.json   the length and the CRC-32 of each of these files

One process builds it once, in a few bytes of memory a row, and again when a table has changed. It can be deleted at any
time. Lengths are compared whenever it is opened, which is cheap; the CRC-32 is for `boxable data verify`.
"""

import hashlib
import json
import logging
import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import filelock
import numpy as np
from numpy.typing import NDArray

from boxable.datasets.arrow_tables import batches, import_arrow, numbers
from boxable.datasets.layout import DataFolder
from boxable.datasets.scratch import scratch_folder
from boxable.datasets.sorting import Spool, StringNumbers, starts_of
from boxable.files import writing
from boxable.formats.columns import BOX_COLUMNS, IMAGE_COLUMNS, LABEL_COLUMNS
from boxable.settings import home

logger = logging.getLogger("boxable")

FLAGS = ("IsOccluded", "IsTruncated", "IsGroupOf", "IsDepiction", "IsInside")
ROTATIONS = (0, 90, 180, 270)
UNKNOWN_ROTATION = -1
# The class of rows without one.
UNNAMED = "user/unnamed"
# Part of the name, so that other versions of the format are not read.
_VERSION = "2"
_LOCK = ".lock"
_NAMES = ("images", "starts", "boxes", "labels", "mids")
_WRITTEN = "written.json"
# The errors of a damaged file; pyarrow's are among these.
_DAMAGE = (OSError, ValueError, LookupError, TypeError)

_IDS_AT_ONCE = 1 << 14
_BYTES_AT_ONCE = 1 << 20

_BOXES = {name: BOX_COLUMNS[name] for name in ("ImageID", "LabelName", "YMin", "XMin", "YMax", "XMax", *FLAGS)}
_LABELS = {name: LABEL_COLUMNS[name] for name in ("ImageID", "LabelName", "Confidence")}
_IMAGES = {name: IMAGE_COLUMNS[name] for name in ("ImageID", "Width", "Height", "Rotation")}


class Index:
    """The columns of an index; arrays are views of its files.

    `I` images: `ids` (Arrow strings), `width`, `height` int32 (0 unknown), `rotation` int16 (-1 unknown); the boxes of
    image i are the rows `box_starts[i]` to `box_starts[i + 1]`, its labels likewise (int64 `[I + 1]`).
    `N` boxes: `box_label` int32 (a place in `mids`), `box` float32 `[N, 4]` (ymin, xmin, ymax, xmax), `flags` int8
    `[N, 5]` as in FLAGS. `M` image labels: `image_label` int32, `confidence` float32.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, (length, _) in _written(folder).items():
            if (found := (folder / name).stat().st_size) != length:
                raise ValueError(f"{name}: expected {length} bytes, got {found}")
        images, boxes, labels = (_mapped(folder / f"{name}.arrow") for name in ("images", "boxes", "labels"))
        self.ids = images.column("id")
        self.width, self.height, self.rotation = (_view(images, name) for name in ("width", "height", "rotation"))
        self.box_label, self.box, self.flags = (_view(boxes, name) for name in ("label", "box", "flags"))
        self.image_label, self.confidence = (_view(labels, name) for name in ("label", "confidence"))
        starts = _mapped(folder / "starts.arrow")
        self.box_starts, self.label_starts = _view(starts, "boxes"), _view(starts, "labels")
        self.mids: list[str] = [mid or UNNAMED for mid in _mapped(folder / "mids.arrow").column("mid").to_pylist()]

    def __len__(self) -> int:
        return len(self.ids)

    def is_as_written(self) -> bool:
        """Tell whether every file is there and still has the content that was written; reads all of them."""
        with suppress(*_DAMAGE):
            return all(_crc(self.folder / name) == crc for name, (_, crc) in _written(self.folder).items())
        return False

    def image_ids(self) -> Iterator[str]:
        """Iterate over all ids, in order."""
        for start in range(0, len(self.ids), _IDS_AT_ONCE):
            yield from self.ids.slice(start, _IDS_AT_ONCE).to_pylist()

    def find(self, image_id: str) -> int | None:
        """Find the position of an image by binary search."""
        low, high = 0, len(self.ids)
        wanted = image_id.encode("utf-8", "surrogateescape")
        while low < high:
            middle = (low + high) // 2
            if self.ids[middle].as_buffer().to_pybytes() < wanted:
                low = middle + 1
            else:
                high = middle
        found = low < len(self.ids) and self.ids[low].as_buffer().to_pybytes() == wanted
        return low if found else None


def open_index(folder: DataFolder) -> Index:
    """Open the index of a folder; build it if it is missing, damaged, or older than the tables.

    Raises ArgumentError for a table that cannot be used, BoxableError for one that cannot be read or an index that
    cannot be written, MissingExtraError without pyarrow.
    """
    import_arrow()
    place = _place(folder.path) / index_name(folder)
    with suppress(*_DAMAGE):
        return Index(place)
    with writing(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(place.parent / _LOCK):
            if place.is_dir():
                try:
                    return Index(place)  # another process built it
                except _DAMAGE as error:
                    logger.warning("%s: damaged (%s)", place, error)
                    shutil.rmtree(place)
            logger.info("indexing %s, once", folder.path)
            _make(folder, place)
            return Index(place)


def remove_index(folder: Path) -> None:
    """Remove what was indexed of a folder."""
    shutil.rmtree(_place(folder), ignore_errors=True)


def _place(folder: Path) -> Path:
    return home() / "data" / _hash(str(folder.resolve()))


def index_name(folder: DataFolder) -> str:
    """Derive the index's name from name, size and modification time of each table."""
    tables = [path for path in (folder.boxes, folder.image_labels, folder.images) if path is not None]
    stamps = [(path.name, (status := path.stat()).st_size, status.st_mtime_ns) for path in tables]
    return _hash(repr([_VERSION, *stamps]))


def _make(folder: DataFolder, place: Path) -> None:
    """Build the index beside its place and move it there; remove older ones, and what a killed process left.

    The caller holds the lock, so nobody else is building.
    """
    with scratch_folder(place) as scratch:
        ready = scratch / "ready"
        ready.mkdir()
        _build(folder, ready, scratch)
        _seal(ready)
        for old in place.parent.iterdir():
            if old != scratch:  # the lock stays: it is no folder
                shutil.rmtree(old, ignore_errors=True)
        ready.rename(place)


def _seal(ready: Path) -> None:
    """Write lengths and checksums, and flush all files to disk before the folder gets its name."""
    files = [ready / f"{name}.arrow" for name in _NAMES]
    written = {path.name: (path.stat().st_size, _crc(path)) for path in files}
    (ready / _WRITTEN).write_text(json.dumps(written), "utf-8")
    for path in (*files, ready / _WRITTEN):
        with path.open("rb+") as file:
            os.fsync(file.fileno())
    if os.name == "posix":  # elsewhere a folder cannot be opened
        folder = os.open(ready, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _written(folder: Path) -> dict[str, tuple[int, int]]:
    """Read the length and CRC-32 of each file. Raises one of `_DAMAGE` where they are damaged."""
    noted = json.loads((folder / _WRITTEN).read_text("utf-8"))
    return {f"{name}.arrow": (int(noted[f"{name}.arrow"][0]), int(noted[f"{name}.arrow"][1])) for name in _NAMES}


def _crc(path: Path) -> int:
    crc = 0
    with path.open("rb") as file:
        while data := file.read(_BYTES_AT_ONCE):
            crc = zlib.crc32(data, crc)
    return crc


def _build(folder: DataFolder, ready: Path, scratch: Path) -> None:
    images, mids = StringNumbers(), StringNumbers()
    with (
        Spool(scratch / "boxes", {"label": (np.int32, 1), "box": (np.float32, 4), "flags": (np.int8, 5)}) as boxes,
        Spool(scratch / "labels", {"label": (np.int32, 1), "confidence": (np.float32, 1)}) as labels,
        Spool(
            scratch / "images", {"width": (np.int32, 1), "height": (np.int32, 1), "rotation": (np.int16, 1)}
        ) as sizes,
    ):
        if folder.boxes:
            for batch in batches(folder.boxes, _BOXES):
                box = np.stack([numbers(batch, name) for name in ("YMin", "XMin", "YMax", "XMax")], axis=1)
                flags = np.stack([numbers(batch, name).clip(-1, 1) for name in FLAGS], axis=1)
                label = mids.of(batch.column("LabelName"))
                boxes.add(images.of(batch.column("ImageID")), label=label, box=box, flags=flags)
        if folder.image_labels:
            for batch in batches(folder.image_labels, _LABELS):
                label, confidence = mids.of(batch.column("LabelName")), numbers(batch, "Confidence")
                labels.add(images.of(batch.column("ImageID")), label=label, confidence=confidence)
        if folder.images:
            for batch in batches(folder.images, _IMAGES):
                width, height = numbers(batch, "Width"), numbers(batch, "Height")
                rotation = known_rotation(numbers(batch, "Rotation"))
                sizes.add(images.of(batch.column("ImageID")), width=width, height=height, rotation=rotation)
        rank, ids = images.sorted()
        new_label, names = mids.sorted()
        _write(ready / "images.arrow", {"id": ids, **_one_each(sizes, rank, len(ids))})
        starts = {}
        for name, spool in (("boxes", boxes), ("labels", labels)):
            codes = rank[spool.column("code")]
            starts[name] = starts_of(codes, len(ids))
            _write(ready / f"{name}.arrow", spool.sorted_by(codes, {"label": new_label}))
        _write(ready / "starts.arrow", starts)
        _write(ready / "mids.arrow", {"mid": names})


def known_rotation(degrees: NDArray[np.float64]) -> NDArray[np.int16]:
    """Convert degrees to int16 `[N]`; -1 where they are missing, or not a multiple of 90."""
    return np.where(np.isin(degrees, ROTATIONS), np.nan_to_num(degrees), UNKNOWN_ROTATION).astype(np.int16)


def _one_each(sizes: Spool, rank: NDArray[np.int32], count: int) -> dict[str, NDArray[Any]]:
    """Collect size and rotation of each image from its first row; unknown without a row."""
    codes = rank[sizes.column("code")]
    columns = {"width": 0, "height": 0, "rotation": UNKNOWN_ROTATION}
    filled = {}
    for name, unknown in columns.items():
        values = sizes.column(name)
        filled[name] = np.full(count, unknown, values.dtype)
        filled[name][codes[::-1]] = values[::-1]
    return filled


def _write(path: Path, columns: dict[str, Any]) -> None:
    """Write one record batch, so that every column is contiguous in the file."""
    import pyarrow as pa

    arrays = [_as_arrow(column) for column in columns.values()]
    batch = pa.record_batch(arrays, names=list(columns))
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, batch.schema) as writer:
        writer.write_batch(batch)


def _as_arrow(column: Any) -> Any:
    import pyarrow as pa

    if isinstance(column, np.ndarray) and column.ndim == 2:
        return pa.FixedSizeListArray.from_arrays(pa.array(column.reshape(-1)), column.shape[1])
    return pa.array(column) if isinstance(column, np.ndarray) else column


def _mapped(path: Path) -> Any:
    import pyarrow as pa

    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).get_batch(0)


def _view(batch: Any, name: str) -> NDArray[Any]:
    """View a column as an array, without a copy."""
    import pyarrow as pa

    column = batch.column(name)
    if pa.types.is_fixed_size_list(column.type):
        width = column.type.list_size
        return np.asarray(column.flatten().to_numpy()).reshape(-1, width)
    return np.asarray(column.to_numpy())


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:20]
