"""Fetch a part of Open Images into a data folder: what is wanted first, then the images."""

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import filelock
import numpy as np
from numpy.typing import NDArray

from boxable.detection.progress import progress
from boxable.errors import ArgumentError, BoxableError, FetchError
from boxable.files import writing
from boxable.formats.tables import require_utf8
from boxable.openimages import layout
from boxable.openimages.fetch import image_list
from boxable.openimages.fetch.addresses import MEAN_IMAGE_BYTES, Split, Version
from boxable.openimages.fetch.class_names import read_class_names, write_class_names
from boxable.openimages.fetch.image_list import Source
from boxable.openimages.fetch.images import fetch_images, reconcile
from boxable.openimages.fetch.ledger import Ledger
from boxable.openimages.fetch.selection import BoxedImages, ClassCount
from boxable.openimages.fetch.tables import TableFiles, fetch_tables
from boxable.openimages.fetch.transport import Transport, require_transport
from boxable.openimages.narrow import narrow, native_columns
from boxable.settings import open_images_images, require_network
from boxable.vocabulary import select

logger = logging.getLogger("boxable")

_LOCK = ".fetching.lock"
# What a killed run leaves of the files that it was writing here, see files.py and narrow.py.
_TABLE = r"\.(annotations-bbox|annotations-human-imagelabels|images|classes|boxable-data)\.(parquet|csv|json)\."
_LEFT = re.compile(rf"{_TABLE}[0-9a-f]{{8}}\.(part|rows\.parquet)|\.{_TABLE}.*\.[0-9a-f]{{8}}\.part")


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted: a selection of classes (None: all), and limits; see `BoxedImages.choose`."""

    split: Split
    classes: str | None = None
    version: Version = "v4"
    source: Source = "bucket"
    max_images: int | None = None
    per_class: int | None = None

    @property
    def mids(self) -> frozenset[str] | None:
        """The wanted classes. Raises UnknownClassError."""
        return None if self.classes is None else frozenset(item.mid for item in select(self.classes))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a request comes to.

    `boxes` has all boxes of the wanted classes, `table` the rows of images.parquet; `counts` are of the boxes in these
    images, and `names` gives each class its name.
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
        """Bytes of the images but these; and whether every size is known, not a mean."""
        sizes = self.table.column("OriginalSize").to_pylist() if self.request.source == "original" else []
        ids = self.ids
        left = [size for image_id, size in zip(ids, sizes or [None] * len(ids), strict=True) if image_id not in without]
        mean = MEAN_IMAGE_BYTES[self.request.split]
        return sum(size or mean for size in left), all(left)


@dataclass(frozen=True, slots=True)
class Fetched:
    """How a fetch ended: images there, their bytes, images not yet there, id and reason of each that failed.

    `given_up`: why it ended before all was tried, where nothing came any more.
    """

    images: int
    bytes: int
    missing: int
    failures: list[tuple[str, str]]
    given_up: str | None = None


@contextmanager
def planned(folder: Path, request: Request) -> Iterator[Plan]:
    """What has to be fetched; the tables are fetched for it where they are not in the cache, `folder` is not touched.

    Raises UnknownClassError for a wrong class; ArgumentError where nothing is selected, and for a folder that holds
    something else; FetchError and BoxableError as `fetch_tables` does.
    """
    mids = request.mids
    require_transport()
    _check_folder(folder, request)
    files = fetch_tables(request.version, request.split)
    with TemporaryDirectory(prefix="boxable-") as scratch:
        boxes = Path(scratch) / layout.BOXES
        with _cached(files):
            for path, columns in ((files.boxes, layout.BOX_COLUMNS), (files.image_labels, layout.LABEL_COLUMNS)):
                if native_columns(path) is not columns:
                    raise ArgumentError(f"{path}: expected the columns {', '.join(columns)}")
            narrow(files.boxes, boxes, classes=mids)
            names = read_class_names(files.classes)
            boxed = BoxedImages(boxes)
            table = _choose(request, files, boxed)
        counts = boxed.counts(_is_in(boxed.images, table.column("ImageID")))
        yield Plan(request, files, boxes, table, counts, names)


@contextmanager
def _cached(files: TableFiles) -> Iterator[None]:
    """Say of a table in the cache that cannot be used how to get another one."""
    try:
        yield
    except ArgumentError as error:
        if any(str(error).startswith(f"{path}: ") for path in files.paths):
            raise ArgumentError(f"{error}; remove it to fetch it again") from error
        raise


def _choose(request: Request, files: TableFiles, boxed: BoxedImages) -> Any:
    """The rows of images.parquet: images with boxes of the wanted classes, or all there are if nothing narrows them."""
    wanted = _with_boxes(request, boxed)
    everything = request.classes is None and request.per_class is None
    table = image_list.narrow_images(files.images, None if everything else wanted)
    if not table.num_rows:
        raise ArgumentError(f"{files.images}: none of the {len(wanted)} images is in this list")
    unlisted = int(np.count_nonzero(~_is_in(wanted, table.column("ImageID"))))
    if unlisted:
        logger.warning(
            "%d of %d images are left out: they have boxes, but are not in %s", unlisted, len(wanted), files.images.name
        )
    return table.slice(0, request.max_images)


def _with_boxes(request: Request, boxed: BoxedImages) -> Any:
    """The ids of the images that have boxes of the wanted classes, within the limits; an Arrow array."""
    import pyarrow as pa

    wanted = boxed.images.filter(pa.array(boxed.choose(request.max_images, request.per_class)))
    if not len(wanted):
        raise ArgumentError(
            f"no image of {request.version} {request.split} has a box of {request.classes or 'any class'}"
        )
    return wanted


def _is_in(ids: Any, others: Any) -> NDArray[np.bool_]:
    """Which of these ids are among the others: bool `[ids]`."""
    import pyarrow.compute as pc

    found: NDArray[np.bool_] = pc.is_in(ids, others.combine_chunks()).to_numpy(zero_copy_only=False)
    return found


def already_there(folder: Path) -> set[str]:
    """The ids of the images that the ledger of a folder has as done; empty where there is none."""
    path = folder / layout.LEDGER
    if not path.exists():
        return set()
    with Ledger(path) as ledger:
        return {image_id for image_id, _ in ledger.done()}


def fetch(folder: Path, plan: Plan, stop: threading.Event) -> Fetched:
    """Write the tables of the plan into `folder` and fetch its images; goes on where an earlier run ended.

    When `stop` is set, what is under way is completed. Raises ArgumentError for a folder with images that the plan
    leaves out, BoxableError where another process is at it or a file cannot be written.
    """
    request = plan.request
    given_up = None
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder), Ledger(_prepared(folder, request) / layout.LEDGER) as ledger:
        _check_growth(folder, ledger, plan)
        _remove_leftovers(folder)
        ledger.want(image_list.wanted_images(plan.table, request.split, request.source))
        reconcile(ledger, folder / layout.PHOTOS)
        _write_tables(folder, plan, ledger)
        missing = sum(count for state, (count, _) in ledger.counts().items() if state != "done")
        if missing:
            base = open_images_images()
            require_network(base if request.source == "bucket" else "fetching the originals")
            try:
                with progress("images", missing) as show:
                    fetch_images(ledger, folder / layout.PHOTOS, Transport(base), stop, show)
            except FetchError as error:
                given_up = str(error)
            finally:
                ledger.commit()
            image_list.write_images(plan.table, folder / layout.IMAGES, ledger)
        counts = ledger.counts()
        return Fetched(*counts["done"], counts["wanted"][0], list(ledger.failures()), given_up)


def _check_folder(folder: Path, request: Request) -> None:
    """Raise ArgumentError unless the folder is new, or one that the same was fetched into."""
    require_utf8(folder)
    if folder.exists() and not folder.is_dir():
        raise ArgumentError(f"{folder}: a file; expected a folder, or a name for a new one")
    about = layout.read_description(folder)
    if not about:
        taken = [
            name
            for name in (layout.BOXES, layout.IMAGE_LABELS, layout.IMAGES, layout.CLASSES, layout.LEDGER)
            if (folder / name).exists()
        ]
        if taken:
            raise ArgumentError(
                f"{folder}: has {', '.join(taken)}, but no {layout.DESCRIPTION}; name a new folder to fetch into; "
                f"photos that you move into its {layout.PHOTOS}/ are taken if they are whole"
            )
        return
    if "part" in about:
        raise ArgumentError(f"{folder}: a part that `boxable data split` made; fetch into a folder of its own")
    here = tuple(about.get(name) for name in ("version", "split", "source"))
    if here != (request.version, request.split, request.source):
        what = " ".join(str(word) for word in here if word) or "something that was not fetched"
        raise ArgumentError(
            f"{folder}: holds {what}; {request.version} {request.split} {request.source} needs a folder of its own"
        )


def _check_growth(folder: Path, ledger: Ledger, plan: Plan) -> None:
    wanted = set(plan.ids)
    others = [image_id for image_id in ledger.ids() if image_id not in wanted]
    if others:
        raise ArgumentError(
            f"{folder}: has {len(others)} images that this selection leaves out, such as {others[0]}; a folder can "
            "only grow: select at least as much as before, or name a new folder"
        )
    before = layout.read_description(folder).get("classes")
    if not _covers(plan.request.mids, Request(plan.request.split, before).mids):
        raise ArgumentError(
            f"{folder}: has the boxes of {before or 'all classes'}, and {plan.request.classes} leaves some of them "
            "out; a folder can only grow: select at least as much as before, or name a new folder"
        )


def _covers(classes: frozenset[str] | None, before: frozenset[str] | None) -> bool:
    """Whether these classes are at least those of before; None are all."""
    return classes is None or (before is not None and before <= classes)


def _remove_leftovers(folder: Path) -> None:
    with writing(folder):
        for path in folder.iterdir():
            if _LEFT.fullmatch(path.name):
                path.unlink()


def _prepared(folder: Path, request: Request) -> Path:
    """The folder, once it says what it is; so a run that is killed later can be gone on with."""
    _check_folder(folder, request)  # again: another process may have come first
    if not layout.read_description(folder):
        _describe(folder, request)
    return folder


def _describe(folder: Path, request: Request) -> None:
    layout.write_description(
        folder,
        {
            "made_by": layout.MADE_BY_FETCH, "version": request.version, "split": request.split,
            "source": request.source, "classes": request.classes, "max_images": request.max_images,
            "per_class": request.per_class,
        },
    )  # fmt: skip


def _write_tables(folder: Path, plan: Plan, ledger: Ledger) -> None:
    """Boxes and labels of the wanted classes in the wanted images, the images with their authors, the names."""
    mids = plan.request.mids
    ids = frozenset(plan.ids)
    narrow(plan.boxes, folder / layout.BOXES, images=ids)
    narrow(plan.files.image_labels, folder / layout.IMAGE_LABELS, classes=mids, images=ids)
    image_list.write_images(plan.table, folder / layout.IMAGES, ledger)
    write_class_names(folder / layout.CLASSES, plan.names, mids)
    _describe(folder, plan.request)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from fetching into the same folder."""
    lock = filelock.FileLock(folder / _LOCK)
    with writing(folder / _LOCK):
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise BoxableError(f"{folder}: another process fetches into it; wait, or name another folder") from None
    try:
        yield
    finally:
        lock.release()
