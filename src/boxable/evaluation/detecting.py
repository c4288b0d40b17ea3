"""Detect in the images of a data set before they are evaluated; what was done before is not done again."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boxable
from boxable.detection.detector import Detector
from boxable.detection.progress import progress
from boxable.errors import ArgumentError
from boxable.files import atomic_file, write_atomically, writing
from boxable.formats import ImageRecord
from boxable.formats.openimages import openimages
from boxable.images.sources import expand, stem_of

logger = logging.getLogger("boxable")


def picture_files(folder: Path) -> dict[str, Path]:
    """The pictures of a folder, searched recursively, by image id (the file name without suffix)."""
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

    Each picture's result goes to `folder`/detected.jsonl as soon as it is there. If that file is of the same model,
    what it holds is taken from it, so that work that was stopped goes on where it was.
    """
    ledger = _Ledger(folder / "detected.jsonl", detector)
    todo = {image: path for image, path in pictures.items() if image not in ledger.done}
    if len(todo) < len(pictures):
        logger.info("%d of %d pictures were detected before", len(pictures) - len(todo), len(pictures))
    with progress("detecting", len(todo)) as advance, ledger.writing() as write:
        for found in detector.stream(todo.values()):
            if found.error is not None:
                logger.warning("%s", found.error)
            else:
                write(found.to_dict())
            advance()
    path = folder / "predictions.csv"
    wanted = (record for record in ledger.records() if stem_of(record["source"]) in pictures)
    with atomic_file(path) as file:
        for text in openimages(wanted, detector.classes):
            file.write(text.encode("utf-8", "backslashreplace"))
    return path, [image for image in pictures if image not in ledger.done]


class _Ledger:
    """One line a picture, after one that says which model it was.

    `done` holds the ids of its images. What comes after a line that was cut off, or is no record, is dropped.
    """

    def __init__(self, path: Path, detector: Detector) -> None:
        self.path = path
        self._head = {"boxable": boxable.__version__, "model": detector.handle, "graph": detector.fingerprint}
        self._end = 0
        self.done: set[str] = set()
        for end, line in self._lines():
            if self._end:
                self.done.add(stem_of(line["source"]))
            elif line != self._head:
                logger.info("%s is of another model or version; detecting anew", path)
                return
            self._end = end

    @contextmanager
    def writing(self) -> Iterator[Callable[[ImageRecord], None]]:
        """Gives what to call with each record; it is on disk then."""
        if not self._end:
            write_atomically(self.path, self._text(self._head))
            self._end = self.path.stat().st_size
        with writing(self.path), self.path.open("r+b") as file:
            file.truncate(self._end)
            file.seek(self._end)

            def write(record: ImageRecord) -> None:
                file.write(self._text(record))
                file.flush()
                self.done.add(stem_of(record["source"]))

            yield write

    def records(self) -> Iterator[ImageRecord]:
        """All records, one after the other from disk."""
        for number, (_, line) in enumerate(self._lines()):
            if number:
                yield line

    def _lines(self) -> Iterator[tuple[int, Any]]:
        """The whole lines, each with the place in the file where it ends."""
        if not self.path.exists():
            return
        end = 0
        with self.path.open("rb") as file:
            for line in file:
                end += len(line)
                try:
                    record = json.loads(line if line.endswith(b"\n") else b"")
                except ValueError:
                    return
                if not isinstance(record, dict) or not (self._is_head(record) or _is_record(record)):
                    return
                yield end, record

    def _is_head(self, line: dict[str, Any]) -> bool:
        return line.keys() == self._head.keys()

    @staticmethod
    def _text(line: object) -> bytes:
        return json.dumps(line).encode() + b"\n"


def _is_record(line: dict[str, Any]) -> bool:
    return isinstance(line.get("source"), str) and isinstance(line.get("detections"), list)
