"""Plan a fetch: images, rows and bytes of a request."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.datasets import layout
from boxable.datasets.narrow import narrow, native_columns
from boxable.datasets.scratch import scratch_folder
from boxable.errors import ArgumentError
from boxable.findings import counted
from boxable.formats.columns import BOX_COLUMNS, LABEL_COLUMNS
from boxable.openimages.fetch import image_list
from boxable.openimages.fetch.addresses import MEAN_IMAGE_BYTES
from boxable.openimages.fetch.class_names import read_class_names
from boxable.openimages.fetch.destination import check_folder
from boxable.openimages.fetch.request import Request
from boxable.openimages.fetch.selection import BoxedImages, ClassCount
from boxable.openimages.fetch.table_cache import TableFiles, cache_folder, fetch_tables
from boxable.openimages.fetch.transport import require_transport
from boxable.vocabulary import select

logger = logging.getLogger("boxable")

_NAMED = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a request.

    `boxes` has all boxes of the wanted classes, and `table` the rows of images.parquet. `counts` are of the boxes in
    these images. `names` has the name of each class.
    """

    request: Request
    files: TableFiles
    boxes: Path
    table: Any
    counts: list[ClassCount]
    names: dict[str, str]

    @property
    def ids(self) -> list[str]:
        """The ids of the wanted images, in order."""
        ids: list[str] = self.table.column("ImageID").to_pylist()
        return ids

    def bytes_of(self, without: set[str]) -> tuple[int, bool]:
        """Sum the bytes of the images except these; also tell whether the sum is exact, or uses a mean size."""
        sizes = self.table.column("OriginalSize").to_pylist() if self.request.source == "original" else []
        ids = self.ids
        left = [size for image_id, size in zip(ids, sizes or [None] * len(ids), strict=True) if image_id not in without]
        mean = MEAN_IMAGE_BYTES[self.request.split]
        return sum(size or mean for size in left), all(left)


@contextmanager
def planned(folder: Path, request: Request) -> Iterator[Plan]:
    """Plan a fetch; tables that are not in the cache are fetched, and `folder` is not changed.

    Raises UnknownClassError for a wrong class; ArgumentError where nothing is selected, and for a folder that holds
    something else; FetchError and BoxableError as `fetch_tables` does.
    """
    mids = request.mids
    require_transport()
    check_folder(folder, request)
    files = fetch_tables(request.version, request.split)
    with scratch_folder(cache_folder() / "plan") as scratch:
        boxes = scratch / layout.BOXES
        with _cached(files):
            for path, columns in ((files.boxes, BOX_COLUMNS), (files.image_labels, LABEL_COLUMNS)):
                if native_columns(path) is not columns:
                    raise ArgumentError(f"{path}: expected the columns {', '.join(columns)}")
            narrow(files.boxes, boxes, classes=mids)
            names = read_class_names(files.classes)
            boxed = BoxedImages(boxes)
            _tell_classes_without_boxes(request, boxed)
            table = _choose(request, files, boxed)
        counts = boxed.counts(_is_in(boxed.images, table.column("ImageID")))
        yield Plan(request, files, boxes, table, counts, names)


@contextmanager
def _cached(files: TableFiles) -> Iterator[None]:
    """Add to the error of an invalid table in the cache how to get another one."""
    try:
        yield
    except ArgumentError as error:
        if any(str(error).startswith(f"{path}: ") for path in files.paths):
            raise ArgumentError(f"{error}; remove it to fetch it again") from error
        raise


def _choose(request: Request, files: TableFiles, boxed: BoxedImages) -> Any:
    """Choose the rows of images.parquet: images with boxes of the wanted classes, or all without a selection."""
    everything = request.classes is None and request.per_class is None
    if everything and not len(boxed.images):
        raise ArgumentError(f"{files.boxes}: no boxes in this table")
    wanted = boxed.images if everything else _with_boxes(request, boxed)
    table = image_list.narrow_images(files.images, None if everything else wanted)
    if not table.num_rows:
        raise ArgumentError(f"{files.images}: none of the {counted(len(wanted), 'image|s')} is in this list")
    unlisted = int(np.count_nonzero(~_is_in(wanted, table.column("ImageID"))))
    if unlisted:
        logger.warning(
            "skipped, as they have boxes but are not in %s: %d of %s",
            files.images.name,
            unlisted,
            counted(len(wanted), "image|s"),
        )
    return table.slice(0, request.max_images)


def _tell_classes_without_boxes(request: Request, boxed: BoxedImages) -> None:
    classes = [] if request.classes is None else select(request.classes)
    without = [item.name for item in classes if item.mid not in boxed.mids]
    if without and len(without) < len(classes):
        more = f" and {len(without) - _NAMED} more" if len(without) > _NAMED else ""
        logger.warning(
            "no boxes in %s %s of %d of the %d classes: %s%s",
            request.version, request.split, len(without), len(classes), ", ".join(without[:_NAMED]), more,
        )  # fmt: skip


def _with_boxes(request: Request, boxed: BoxedImages) -> Any:
    """Return the ids of images with boxes of the wanted classes, within the limits: an Arrow array."""
    import pyarrow as pa

    wanted = boxed.images.filter(pa.array(boxed.choose(request.max_images, request.per_class)))
    if not len(wanted):
        raise ArgumentError(
            f"no image of {request.version} {request.split} has a box of {request.classes or 'any class'}"
        )
    return wanted


def _is_in(ids: Any, others: Any) -> NDArray[np.bool_]:
    """Tell for each id whether it is among the others: bool `[ids]`."""
    import pyarrow.compute as pc

    found: NDArray[np.bool_] = pc.is_in(ids, others.combine_chunks()).to_numpy(zero_copy_only=False)
    return found
