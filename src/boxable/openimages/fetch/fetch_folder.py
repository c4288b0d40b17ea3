"""Fetch the tables and images of a plan into a data folder."""

import threading
from dataclasses import dataclass
from pathlib import Path

from boxable.datasets import layout
from boxable.datasets.narrow import narrow
from boxable.errors import FetchError
from boxable.files import writing
from boxable.openimages.fetch import image_list
from boxable.openimages.fetch.class_names import write_class_names
from boxable.openimages.fetch.destination import alone, check_growth, describe, prepared, remove_leftovers
from boxable.openimages.fetch.images import fetch_images, reconcile
from boxable.openimages.fetch.ledger import Ledger
from boxable.openimages.fetch.planning import Plan
from boxable.openimages.fetch.transport import Transport
from boxable.progress import progress
from boxable.settings import open_images_images, require_network


@dataclass(frozen=True, slots=True)
class Fetched:
    """The result of a fetch: images present, their bytes, images still missing, id and reason of each failure.

    `given_up` is the reason why it ended early, where no image could be fetched any more.
    """

    images: int
    bytes: int
    missing: int
    failures: list[tuple[str, str]]
    given_up: str | None = None


def already_there(folder: Path) -> set[str]:
    """Return the ids of the images that are done in the ledger of a folder, if it has one."""
    path = folder / layout.LEDGER
    if not path.exists():
        return set()
    with Ledger(path) as ledger:
        return {image_id for image_id, _ in ledger.done()}


def fetch_folder(folder: Path, plan: Plan, stop: threading.Event) -> Fetched:
    """Write the tables of the plan into `folder` and fetch its images; resume an earlier run.

    When `stop` is set, what is under way is completed. Raises ArgumentError for a folder with images outside the
    plan, and BoxableError where the folder is locked or a file cannot be written.
    """
    request = plan.request
    given_up = None
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with alone(folder), Ledger(prepared(folder, request) / layout.LEDGER) as ledger:
        check_growth(folder, ledger, request, set(plan.ids))
        remove_leftovers(folder)
        ledger.want(image_list.wanted_images(plan.table, request.split, request.source))
        reconcile(ledger, folder / layout.IMAGE_FOLDER)
        _write_tables(folder, plan, ledger)
        missing = sum(count for state, (count, _) in ledger.counts().items() if state != "done")
        if missing:
            base = open_images_images()
            require_network(base if request.source == "bucket" else "fetching the originals")
            try:
                with progress("images", missing) as show:
                    fetch_images(ledger, folder / layout.IMAGE_FOLDER, Transport(base), stop, show)
            except FetchError as error:
                given_up = str(error)
            finally:
                ledger.commit()
            image_list.write_images(plan.table, folder / layout.IMAGES, ledger)
        counts = ledger.counts()
        return Fetched(*counts["done"], counts["wanted"][0], list(ledger.failures()), given_up)


def _write_tables(folder: Path, plan: Plan, ledger: Ledger) -> None:
    """Write boxes and labels of the wanted classes in the wanted images, the image list and the class names."""
    mids = plan.request.mids
    ids = frozenset(plan.ids)
    narrow(plan.boxes, folder / layout.BOXES, images=ids)
    narrow(plan.files.image_labels, folder / layout.IMAGE_LABELS, classes=mids, images=ids)
    image_list.write_images(plan.table, folder / layout.IMAGES, ledger)
    write_class_names(folder / layout.CLASSES, plan.names, mids)
    describe(folder, plan.request)
