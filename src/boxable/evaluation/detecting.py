"""Detect in the images of a data set before they are evaluated; what was done before is not done again."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import boxable
from boxable.detection.detector import Detector
from boxable.errors import ArgumentError
from boxable.files import atomic_file, writing
from boxable.formats import ImageRecord
from boxable.formats.openimages import openimages
from boxable.images.sources import expand, stem_of
from boxable.progress import progress

logger = logging.getLogger("boxable")


def picture_files(folder: Path) -> dict[str, Path]:
    """Find the images of a folder, recursively, by image id (the file name without suffix)."""
    if not folder.is_dir():
        raise ArgumentError(f"{folder}: no such folder; expected the pictures of the ground truth, named by image id")
    files: dict[str, Path] = {}
    for source in expand([folder]):
        if source.path and not source.problem:
            first = files.setdefault(stem_of(source.name), source.path)
            if first != source.path:
                logger.warning("%s and %s have the same image id; taking the first", first, source.path)
    return files


def detect_in(detector: Detector, pictures: dict[str, Path], folder: Path) -> tuple[Path, list[str]]:
    """Detect in these pictures; gives the file of predictions in `folder`, and the ids that could not be read.

    Each result goes to a ledger, `folder`/detected-<model>-<version>.jsonl, as soon as it is there. What is in it is
    not done again, as long as the picture's file has not changed; so work that was stopped goes on where it was.
    """
    name = f"detected-{detector.fingerprint.partition(':')[2]}-{boxable.__version__}"
    ledger = _Ledger(folder / f"{name}.jsonl")
    stamps = {image: _stamp(path) for image, path in pictures.items()}  # as they are before they are read
    todo = {image: path for image, path in pictures.items() if not ledger.holds(image, stamps[image])}
    if len(todo) < len(pictures):
        logger.info("%d of %d pictures were detected before", len(pictures) - len(todo), len(pictures))
    unreadable = []
    with progress("detecting", len(todo)) as advance, ledger.writing() as write:
        for image, found in zip(todo, detector.stream(todo.values()), strict=True):
            if found.error is not None:
                logger.warning("%s", found.error)
                unreadable.append(image)
            else:
                write(image, stamps[image], found.to_dict())
            advance()
    path = folder / f"{name}.csv"
    with atomic_file(path) as file:
        for text in openimages(ledger.records(stamps), detector.classes):
            file.write(text.encode("utf-8", "backslashreplace"))
    return path, unreadable


def _stamp(path: Path) -> list[int]:
    """Return the size and modification time of a file."""
    try:
        status = path.stat()
    except OSError:  # whoever reads it will say so
        return [0, 0]
    return [status.st_size, status.st_mtime_ns]


class _Ledger:
    """One line a picture: image id, stamp of its file, record. A later line of the same picture replaces the first.

    What comes after a line that was cut off, or is none of ours, is dropped.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._end = 0
        self._held: dict[str, tuple[int, list[int]]] = {}  # where its line ends, stamp
        for end, image, stamp, _ in self._lines():
            self._end = end
            self._held[image] = end, stamp

    def holds(self, image: str, stamp: list[int]) -> bool:
        """Whether it has the result of this picture as it is now."""
        return image in self._held and self._held[image][1] == stamp

    @contextmanager
    def writing(self) -> Iterator[Callable[[str, list[int], ImageRecord], None]]:
        """Yield a function that appends an image id, stamp and record, and flushes them to disk."""
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        with writing(self.path), self.path.open("ab") as file:
            file.truncate(self._end)

            def write(image: str, stamp: list[int], record: ImageRecord) -> None:
                file.write(json.dumps([image, stamp, record]).encode() + b"\n")
                file.flush()
                self._held[image] = file.tell(), stamp

            yield write

    def records(self, stamps: dict[str, list[int]]) -> Iterator[ImageRecord]:
        """Yield the records of these images in their present state from disk."""
        for end, image, stamp, record in self._lines():
            if stamps.get(image) == stamp and self._held[image][0] == end:
                yield record

    def _lines(self) -> Iterator[tuple[int, str, list[int], ImageRecord]]:
        """Yield complete lines, each after its end offset in the file."""
        if not self.path.exists():
            return
        end = 0
        with self.path.open("rb") as file:
            for line in file:
                end += len(line)
                try:
                    image, stamp, record = json.loads(line if line.endswith(b"\n") else b"")
                    if not (isinstance(image, str) and isinstance(record["detections"], list)):
                        return
                except (ValueError, TypeError, KeyError):
                    return
                yield end, image, stamp, record
