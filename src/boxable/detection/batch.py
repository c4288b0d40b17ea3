"""The folder job: detect in many pictures, print the results, write them and the annotated pictures."""

import logging
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from boxable.detection.detections import Detections
from boxable.detection.detector import Detector
from boxable.errors import ArgumentError
from boxable.files import atomic_file
from boxable.formats import FORMATS, ImageRecord
from boxable.formats.yolo import yolo_lines
from boxable.images.sources import Source, expand, stem_of
from boxable.vocabulary.classes import slug

logger = logging.getLogger("boxable")

# Written in the format of the source where that is one of these, else as JPEG.
_PICTURE_FORMATS = {".png": "PNG", ".webp": "WEBP", ".jpg": "JPEG", ".jpeg": "JPEG"}
_JPEG_QUALITY = 92


@dataclass(frozen=True, slots=True)
class Output:
    """What becomes of the results: printed in `format`, and written below `folder` if there is one."""

    format: str
    folder: Path | None = None
    pictures: bool = True
    crops: bool = False


class _Advance(Protocol):
    def __call__(self) -> None: ...


def detect_all(detector: Detector, pictures: Iterable[str], output: Output, **options: Any) -> int:
    """Detect in all of them, print and write; returns the exit code: 1 if any picture failed, else 0.

    `options` are those of `Detector.stream`. Ctrl-C finishes the results so far properly and passes on.
    Raises ArgumentError if a written picture would replace its source.
    """
    sources = [source for source in expand(pictures) if not _is_below(source, output.folder)]
    names = picture_names(sources)
    if output.folder is not None:
        _refuse_overwriting(sources, names, output.folder)
    job = _Job(detector, sources, names, output)
    write, suffix = FORMATS[output.format]
    with ExitStack() as stack:
        file = None
        if output.folder is not None:
            file = stack.enter_context(atomic_file(output.folder / f"detections{suffix}"))
        for text in write(job.records(options), detector.classes):
            sys.stdout.write(text)
            sys.stdout.flush()
            if file is not None:
                file.write(text.encode())
    if output.folder is not None:
        logger.info("wrote %s", output.folder)
    if job.interrupted:
        logger.warning("stopped after %d of %d pictures; their results are complete", job.done, len(sources))
        raise KeyboardInterrupt
    return 1 if job.failed else 0


@dataclass
class _Job:
    detector: Detector
    sources: list[Source]
    names: list[Path]
    output: Output
    done: int = 0
    failed: int = 0
    interrupted: bool = False

    def records(self, options: dict[str, Any]) -> Iterator[ImageRecord]:
        """The record of each picture, in order; its pictures are written on the way."""
        try:
            with _progress(len(self.sources)) as advance:
                for name, found in zip(self.names, self.detector.stream(self.sources, **options), strict=True):
                    if found.error is not None:
                        self.failed += 1
                        logger.warning("%s", found.error)
                    record = found.to_dict()
                    if self.output.folder is not None and found.error is None:
                        self._write(self.output.folder, name, found, record)
                    self.done += 1
                    advance()
                    yield record
        except KeyboardInterrupt:
            self.interrupted = True

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
        if self.output.format == "yolo":
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
def _progress(total: int) -> Iterator[_Advance]:
    """A bar on stderr, if that is a terminal and there is something to wait for."""
    if total < 2 or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("detecting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)
