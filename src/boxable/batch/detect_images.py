"""Detect in many images, print the results, write them and the annotated images."""

import logging
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import tee, zip_longest
from pathlib import Path
from typing import Any

from PIL import Image

from boxable.batch.output_names import image_names, refuse_overwriting, require_ids_of_their_own, sources_outside
from boxable.detection.detections import Detections
from boxable.detection.detector import Detector
from boxable.errors import FAILED, INTERRUPTED, BoxableError
from boxable.findings import counted
from boxable.formats import FORMATS, JSON_FORMATS, NAMED_BY_ID, ImageRecord
from boxable.formats.columns import CLASSES
from boxable.formats.rows import write_classes
from boxable.formats.yolo import data_yaml, yolo_lines
from boxable.images.save import save_image
from boxable.images.sources import Source
from boxable.printing import print_text
from boxable.progress import progress
from boxable.run_folder import RunFolder, open_run_folder
from boxable.vocabulary import ClassList
from boxable.vocabulary.classes import slug

logger = logging.getLogger("boxable")


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """Outputs of a run: results printed in one format, and written in another below `folder` if there is one."""

    printed: str
    written: str
    folder: Path | None = None
    images: bool = True
    crops: bool = False


def detect_images(
    detector: Detector, images: Sequence[str], output: OutputOptions, stop: threading.Event, **options: Any
) -> int:
    """Detect in all of them, print and write; returns the exit code: 1 if any image failed, else 0.

    `options` are those of `Detector.stream`. Once `stop` is set the results so far are finished properly, and
    130 is returned. Raises ArgumentError if a written image would replace its source, and where two images have one
    id, by which files or results are named.
    """
    sources = list(sources_outside(images, output.folder))
    names: list[str] = []
    if output.folder is not None or output.printed in NAMED_BY_ID:
        require_ids_of_their_own(sources)
    if output.folder is not None:
        names = image_names(sources)
        refuse_overwriting(sources, names, output.folder)
    inputs = [source.path for source in sources if source.path is not None]
    with nullcontext() if output.folder is None else open_run_folder(output.folder, inputs) as folder:
        if folder is not None:
            folder.clear()
            if output.written == "yolo":
                _write_class_numbers(detector.classes, folder)
        run = _FolderRun(detector, sources, names, output, folder)
        _emit(run.records(options, stop), output, folder, detector.classes)
    if output.folder is not None:
        done, objects = counted(run.done, "image|s"), counted(run.objects, "object|s")
        logger.info("wrote %s: %s, %s, %d failed", output.folder, done, objects, run.failed)
    if stop.is_set():
        logger.warning("stopped; done, with complete results: %d of %s", run.done, counted(len(sources), "image|s"))
        return INTERRUPTED
    return FAILED if run.failed else 0


def _emit(records: Iterator[ImageRecord], output: OutputOptions, folder: RunFolder | None, classes: ClassList) -> None:
    """Print the records as they come, and write them if there is a folder."""
    print_, is_json = FORMATS[output.printed][0], output.printed in JSON_FORMATS
    if folder is None:
        for text in print_(records, classes):
            if not print_text(text, is_json=is_json):
                raise BrokenPipeError
        return
    write, suffix = FORMATS[output.written]
    first, second = tee(records)  # both take one record after the other, so little is held
    with folder.atomic_file(folder.path / f"detections{suffix}") as file:
        listening = True
        for shown, kept in zip_longest(print_(first, classes), write(second, classes), fillvalue=""):
            listening = listening and print_text(shown, is_json=is_json)
            file.write(kept.encode("utf-8", "backslashreplace"))  # names of files need not be text


def _write_class_numbers(classes: ClassList, folder: RunFolder) -> None:
    """Write data.yaml, which names the class numbers of the label files, and classes.csv with their MIDs."""
    with folder.atomic_file(folder.path / "data.yaml") as file:
        file.write(data_yaml(classes, {}).encode())
    write_classes(((item.mid, item.name) for item in classes), folder.path / CLASSES)
    folder.record(folder.path / CLASSES)


@dataclass
class _FolderRun:
    detector: Detector
    sources: list[Source]
    names: list[str]
    output: OutputOptions
    folder: RunFolder | None
    done: int = 0
    failed: int = 0
    objects: int = 0

    def records(self, options: dict[str, Any], stop: threading.Event) -> Iterator[ImageRecord]:
        """Yield the record of each image, in order, until `stop` is set; write annotated images on the way."""
        # Where results are printed on the same terminal, they show the progress.
        with progress("detecting", len(self.sources), shown=not sys.stdout.isatty()) as advance:
            for found in self.detector.stream(self.sources, stop=stop, **options):
                if found.error is not None:
                    self.failed += 1
                    logger.warning("%s", found.error)
                elif found.truncated:
                    logger.warning("%s: damaged; decoded as far as possible", found.source)
                record = found.to_dict()
                if self.folder is not None and found.error is None:
                    self._try_to_write(self.folder, self.names[self.done], found, record)
                self.sources[self.done].forget()
                self.objects += len(found)
                self.done += 1
                advance()
                yield record

    def _try_to_write(self, folder: RunFolder, name: str, found: Detections, record: ImageRecord) -> None:
        try:
            self._write(folder, name, found, record)
        except BoxableError as error:
            self.failed += 1
            logger.warning("%s", error)

    def _write(self, folder: RunFolder, name: str, found: Detections, record: ImageRecord) -> None:
        if self.output.images:
            _save(found.draw(enlarge=True), folder, folder.path / name)
        if self.output.crops:
            for number, (item, crop) in enumerate(zip(found, found.crops(), strict=True), start=1):
                crop_name = f"{found.image_id}-{number}{Path(name).suffix}"
                _save(crop, folder, folder.path / "crops" / slug(item.name) / crop_name)
        if self.output.written == "yolo":
            with folder.atomic_file(folder.path / "labels" / f"{found.image_id}.txt") as file:
                file.write(yolo_lines(record, found.classes).encode())


def _save(image: Image.Image, folder: RunFolder, path: Path) -> None:
    save_image(image, path)
    folder.record(path)
