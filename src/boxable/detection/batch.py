"""The folder job: detect in many pictures, print the results, write them and the annotated pictures."""

import logging
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import tee, zip_longest
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from boxable.detection.detections import Detections
from boxable.detection.detector import Detector
from boxable.errors import FAILED, INTERRUPTED, ArgumentError
from boxable.files import atomic_file
from boxable.formats import FORMATS, ImageRecord
from boxable.formats.yolo import yolo_lines
from boxable.images.sources import Source, expand, stem_of
from boxable.vocabulary import ClassList
from boxable.vocabulary.classes import slug

logger = logging.getLogger("boxable")

# Written in the format of the source where that is one of these, else as JPEG.
_PICTURE_FORMATS = {".png": "PNG", ".webp": "WEBP", ".jpg": "JPEG", ".jpeg": "JPEG"}
_JPEG_QUALITY = 92


@dataclass(frozen=True, slots=True)
class Output:
    """What becomes of the results: printed in one format, and written in another below `folder` if there is one."""

    printed: str
    written: str
    folder: Path | None = None
    pictures: bool = True
    crops: bool = False


class _Advance(Protocol):
    def __call__(self) -> None: ...


def detect_all(detector: Detector, pictures: Iterable[str], output: Output, **options: Any) -> int:
    """Detect in all of them, print and write; returns the exit code: 1 if any picture failed, else 0.

    `options` are those of `Detector.stream`. Ctrl-C ends the work after the batch at hand, finishes the results
    so far properly and returns 130; a second one raises KeyboardInterrupt at once. Raises ArgumentError if a
    written picture would replace its source.
    """
    sources = [source for source in expand(pictures) if not _is_below(source, output.folder)]
    names = picture_names(sources)
    if output.folder is not None:
        _refuse_overwriting(sources, names, output.folder)
    job = _Job(detector, sources, names, output)
    with _polite_interrupt() as stop:
        _emit(job.records(options, stop), output, detector.classes)
        if output.folder is not None:
            logger.info("wrote %s", output.folder)
        if stop.is_set():
            logger.warning("stopped: %d of %d pictures are done, their results are complete", job.done, len(sources))
            return INTERRUPTED
    return FAILED if job.failed else 0


def _emit(records: Iterator[ImageRecord], output: Output, classes: ClassList) -> None:
    """Print the records as they come, and write them if there is a folder."""
    print_, _ = FORMATS[output.printed]
    if output.folder is None:
        for text in print_(records, classes):
            _print(text)
        return
    write, suffix = FORMATS[output.written]
    first, second = tee(records)  # both take one record after the other, so little is held
    with atomic_file(output.folder / f"detections{suffix}") as file:
        for shown, kept in zip_longest(print_(first, classes), write(second, classes), fillvalue=""):
            _print(shown)
            file.write(kept.encode())


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


@dataclass
class _Job:
    detector: Detector
    sources: list[Source]
    names: list[Path]
    output: Output
    done: int = 0
    failed: int = 0

    def records(self, options: dict[str, Any], stop: threading.Event) -> Iterator[ImageRecord]:
        """The record of each picture, in order, until told to stop; its pictures are written on the way."""
        with _progress(len(self.sources)) as advance:
            for name, found in zip(self.names, self.detector.stream(self.sources, **options), strict=True):
                if stop.is_set():
                    return
                if found.error is not None:
                    self.failed += 1
                    logger.warning("%s", found.error)
                record = found.to_dict()
                if self.output.folder is not None and found.error is None:
                    self._write(self.output.folder, name, found, record)
                self.done += 1
                advance()
                yield record

    def _write(self, folder: Path, name: Path, found: Detections, record: ImageRecord) -> None:
        if self.output.pictures:
            _save(found.draw(), folder / name)
        if self.output.crops:
            for number, (item, crop) in enumerate(zip(found, found.crops(), strict=True), start=1):
                _save(
                    crop,
                    folder
                    / "crops"
                    / slug(item.name)
                    / f"{'-'.join(name.with_suffix('').parts)}-{number}{name.suffix}",
                )
        if self.output.written == "yolo":
            with atomic_file(folder / "labels" / name.with_suffix(".txt")) as file:
                file.write(yolo_lines(record).encode())


def picture_names(sources: list[Source]) -> list[Path]:
    """For each source the relative path of its annotated picture: its stem, or, where two have the same one,
    its path below the folder that holds all of them.
    """
    names = [Path(stem_of(source.name) + _suffix(source)) for source in sources]
    shared = {name for name, number in Counter(name.stem for name in names).items() if number > 1}
    if not shared:
        return names
    paths = [source.path.absolute() for source in sources if source.path is not None]
    root = Path(os.path.commonpath([path.parent for path in paths])) if paths else Path()
    long = [
        source.path.absolute().relative_to(root).with_suffix(_suffix(source))
        if source.path and name.stem in shared
        else name
        for source, name in zip(sources, names, strict=True)
    ]
    return _numbered(long)


def _numbered(names: list[Path]) -> list[Path]:
    """Those that are still equal (photo.gif and photo.bmp, or two URLs) get a number."""
    taken: set[Path] = set()
    result = []
    for name in names:
        number, unique = 1, name
        while unique in taken:
            number += 1
            unique = name.with_stem(f"{name.stem}-{number}")
        taken.add(unique)
        result.append(unique)
    return result


def _suffix(source: Source) -> str:
    suffix = source.path.suffix.lower() if source.path else ""
    return suffix if suffix in _PICTURE_FORMATS else ".jpg"


def _is_below(source: Source, folder: Path | None) -> bool:
    """Whether this is a result of an earlier run into the same folder."""
    return folder is not None and source.path is not None and source.path.resolve().is_relative_to(folder.resolve())


def _refuse_overwriting(sources: list[Source], names: list[Path], folder: Path) -> None:
    for source, name in zip(sources, names, strict=True):
        if source.path is not None and (folder / name).resolve() == source.path.resolve():
            raise ArgumentError(
                f"--out {folder}: the annotated picture would replace {source.path}; choose another folder"
            )


def _save(picture: Image.Image, path: Path) -> None:
    format_ = _PICTURE_FORMATS[path.suffix]
    with atomic_file(path) as file:
        picture.save(file, format_, quality=_JPEG_QUALITY)


@contextmanager
def _polite_interrupt() -> Iterator[threading.Event]:
    """Within the block the first Ctrl-C sets the event, the second raises KeyboardInterrupt."""
    stop = threading.Event()

    def handle(number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    previous = signal.signal(signal.SIGINT, handle)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, previous)


@contextmanager
def _progress(total: int) -> Iterator[_Advance]:
    """A bar on stderr, if that is a terminal; where results are printed on it, they show the progress."""
    if total < 2 or not sys.stderr.isatty() or sys.stdout.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("detecting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # rich would send what goes to stdout to the bar's terminal.
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)
