"""Fetch the images that the ledger misses: many at a time, each tried again with back-off, each checked."""

import hashlib
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from pathlib import Path

from boxable.errors import BoxableError, FetchError, ImageError
from boxable.files import writing
from boxable.images.decode import size_of_whole
from boxable.openimages.fetch.back_off import delays
from boxable.openimages.fetch.ledger import Ledger, Outcome, Wanted
from boxable.openimages.fetch.transport import Transport
from boxable.openimages.fetch.workers import Workers

# Enough to hide a latency of 20 ms at 500 images a second several times over.
WORKERS = 48
# So often the same wrong file is no accident: it was replaced, as authors and hosts do.
_SAME_WRONG = 3
# So many images in a row that no attempt could reach: the network or the server is gone, not an image.
_UNREACHABLE = WORKERS
# A server that answers can be waited for: it may be busy, and some images may be all that is wrong.
_BUSY_S = 120.0


def reconcile(ledger: Ledger, folder: Path) -> None:
    """Make the ledger agree with the folder of images, as a killed run or a user may have left it.

    Half-written files are removed, and those without the size that was noted; the images of these are wanted again,
    and so are those of files that are not there.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(".*.jpg.part"):
            left.unlink()
        changed = [image_id for image_id, size in ledger.done() if _size_of(image_path(folder, image_id)) != size]
        for image_id in changed:
            image_path(folder, image_id).unlink(missing_ok=True)
    ledger.forget(changed)


def fetch_images(
    ledger: Ledger, folder: Path, transport: Transport, stop: threading.Event, show: Callable[[], None]
) -> None:
    """Fetch what the ledger misses into `folder`, and record what becomes of each; `show` is called after each.

    A file of the right name is taken if it is whole. When `stop` is set, what is under way is completed. Raises
    FetchError when nothing comes any more, and BoxableError when a file cannot be written; what is done until then is
    recorded.
    """
    unreached = busy = 0  # images in a row
    came = time.monotonic()
    with closing(_outcomes(ledger.missing(), folder, transport, stop)) as outcomes:
        for outcome in outcomes:
            ledger.record(outcome)
            show()
            if outcome.error is None or not outcome.error.retryable:
                unreached = busy = 0
                came = time.monotonic()
                continue
            unreached += outcome.error.status is None
            busy += outcome.error.status is not None
            row = unreached + busy
            if unreached >= _UNREACHABLE or (row >= _UNREACHABLE and time.monotonic() - came >= _BUSY_S):
                raise FetchError(
                    f"none of the last {row} images could be fetched ({outcome.id}: {outcome.reason}); look at "
                    "the network and at BOXABLE_OPENIMAGES_IMAGES, then run it again to go on"
                )


def image_path(folder: Path, image_id: str) -> Path:
    """Where the file of an image is."""
    return folder / f"{image_id}.jpg"


def _outcomes(
    images: Iterator[Wanted], folder: Path, transport: Transport, stop: threading.Event
) -> Generator[Outcome, None, None]:
    """What becomes of each image, as it becomes known; few more than `WORKERS` are under way at a time."""
    writes = threading.Semaphore(WORKERS)

    def given_up() -> bool:
        return workers.halted

    def fetch(image: Wanted) -> Outcome | None:
        return _fetch(image, folder, transport, stop, given_up, writes)

    workers = Workers(WORKERS, fetch, stop)
    try:
        with closing(workers.results(images)) as outcomes:
            yield from (outcome for outcome in outcomes if outcome is not None)
    finally:
        # The process may end now: files are completed, and no other is begun, however many images are under way.
        for _ in range(WORKERS):
            writes.acquire()


def _fetch(
    image: Wanted,
    folder: Path,
    transport: Transport,
    stop: threading.Event,
    given_up: Callable[[], bool],
    writes: threading.Semaphore,
) -> Outcome | None:
    """Get one image into the folder, with as many tries as it takes; None if stopped or given up between them."""
    path = image_path(folder, image.id)
    there = _there(image, path)
    if there is not None:
        return there
    if not image.address:
        return Outcome(image.id, 0, reason="no address of it is known")
    pauses = delays()
    wrong: list[str] = []
    tries = 0
    while True:
        tries += 1
        problem: FetchError | None = None
        try:
            answer = transport.get(image.address, image.size)
            # Of an original the list says what it should be; its server may mean anything by an ETag.
            outcome = _checked(image, answer.data, None if image.is_original else answer.md5, tries)
        except FetchError as error:
            reason, problem, final = str(error), error, not error.retryable
        except ImageError as error:
            wrong.append(str(error))
            reason, final = str(error), wrong.count(str(error)) == _SAME_WRONG
        else:
            if not writes.acquire(blocking=False):
                return None
            try:
                _write(path, answer.data)
            finally:
                writes.release()
            return outcome
        pause = None if final else next(pauses, None)
        if pause is None:
            return Outcome(image.id, tries, reason=reason, error=problem)
        if stop.wait(pause) or given_up():
            return None


def _there(image: Wanted, path: Path) -> Outcome | None:
    """The outcome if the file is there already and whole; one that is not is removed."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    try:
        return _checked(image, data, None, 0)
    except ImageError:
        with writing(path):
            path.unlink()
        return None


def _checked(image: Wanted, data: bytes, announced_md5: str | None, tries: int) -> Outcome:
    """The outcome for these bytes. Raises ImageError where they are not the image that was published."""
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    if image.size is not None and len(data) != image.size:
        raise ImageError(f"expected {image.size} bytes, got {len(data)}")
    for known, source in ((announced_md5, "the server"), (image.md5, "the list of images")):
        if known is not None and md5 != known:
            raise ImageError(f"expected md5 {known} ({source}), got {md5}")
    # As it is stored, because that is what the boxes are of.
    width, height = size_of_whole(data, image.id)
    return Outcome(image.id, tries, len(data), md5, width, height)


def _write(path: Path, data: bytes) -> None:
    """The file appears whole or not at all.

    Not flushed to the disk one by one, which would take longer than fetching them: the ledger's size of each shows
    what a power cut takes.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        with writing(path):
            temporary.write_bytes(data)
            temporary.replace(path)
    except BoxableError as error:
        with suppress(OSError):
            temporary.unlink()
        raise BoxableError(f"{error}; what came until then is kept: make room and run it again to go on") from error


def _size_of(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
