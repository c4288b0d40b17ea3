"""Fetch the missing images of a ledger: in parallel, with retries and back-off, each checked."""

import hashlib
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from pathlib import Path

from boxable.errors import BoxableError, FetchError, ImageError
from boxable.files import writing
from boxable.findings import counted
from boxable.images.decode import size_of_whole
from boxable.openimages.fetch.back_off import delays
from boxable.openimages.fetch.ledger import Ledger, Outcome, Wanted
from boxable.openimages.fetch.transport import Transport
from boxable.parallel import unordered

# Enough to hide a latency of 20 ms at 500 images a second several times over.
WORKERS = 48
# The same wrong file that often is a permanent error: it was replaced by its author or host.
_SAME_WRONG = 3
# After so many unreachable images in a row the network or the server is down.
_UNREACHABLE = WORKERS
# A server that answers with transient errors may recover in this time.
_BUSY_S = 120.0


def reconcile(ledger: Ledger, folder: Path) -> None:
    """Make the ledger agree with the folder of images, as a killed run or a user may have left it.

    Partial files are removed, and those of another size than in the ledger. Images without a file are wanted again.
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
    """Fetch the missing images of the ledger into `folder`, and record each outcome; call `show` after each.

    An existing file of the right name is taken if it is whole. When `stop` is set, what is under way is completed.
    Raises FetchError when no image can be fetched any more, and BoxableError when a file cannot be written; outcomes
    until then are recorded.
    """
    unreached = busy = 0  # images in a row
    last_success = time.monotonic()
    with closing(_outcomes(ledger.missing(), folder, transport, stop)) as outcomes:
        for outcome in outcomes:
            ledger.record(outcome)
            show()
            if outcome.error is None or not outcome.error.retryable:
                unreached = busy = 0
                last_success = time.monotonic()
                continue
            unreached += outcome.error.status is None
            busy += outcome.error.status is not None
            row = unreached + busy
            if unreached >= _UNREACHABLE or (row >= _UNREACHABLE and time.monotonic() - last_success >= _BUSY_S):
                raise FetchError(
                    f"none of the last {counted(row, 'image|s')} could be fetched ({outcome.id}: {outcome.reason}); "
                    "look at the network and at BOXABLE_OPENIMAGES_IMAGES, then run it again to go on"
                )


def image_path(folder: Path, image_id: str) -> Path:
    """Return the path of an image."""
    return folder / f"{image_id}.jpg"


def _outcomes(
    images: Iterator[Wanted], folder: Path, transport: Transport, stop: threading.Event
) -> Generator[Outcome, None, None]:
    """Yield the outcome of each image as it is completed; few more than `WORKERS` are under way at a time."""
    writes, given_up = threading.Semaphore(WORKERS), threading.Event()

    def fetch(image: Wanted) -> Outcome | None:
        return _fetch(image, folder, transport, stop, given_up, writes)

    try:
        with closing(unordered(images, fetch, WORKERS, stop, given_up)) as outcomes:
            yield from (outcome for outcome in outcomes if outcome is not None)
    finally:
        # The process may end now: files are completed, and no other is begun, whatever is under way.
        for _ in range(WORKERS):
            writes.acquire()


def _fetch(
    image: Wanted,
    folder: Path,
    transport: Transport,
    stop: threading.Event,
    given_up: threading.Event,
    writes: threading.Semaphore,
) -> Outcome | None:
    """Fetch one image into the folder, with retries; return None if stopped or given up in between."""
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
        if stop.wait(pause) or given_up.is_set():
            return None


def _there(image: Wanted, path: Path) -> Outcome | None:
    """Return the outcome of a file that exists and is whole; remove one that is not."""
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
    """Check the bytes and return the outcome. Raises ImageError where they are not the published image."""
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
    """Write a file atomically.

    It is not flushed to the disk, which would take longer than fetching: after a power cut the size in the ledger
    shows a damaged file.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        with writing(path):
            temporary.write_bytes(data)
            temporary.replace(path)
    except BoxableError as error:
        with suppress(OSError):
            temporary.unlink()
        raise BoxableError(f"{error}; fetched images are kept: make room and run it again to go on") from error


def _size_of(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
