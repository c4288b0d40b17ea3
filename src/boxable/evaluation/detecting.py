"""Detect in the images of a dataset before they are evaluated; a stopped job is resumed."""

import logging
from pathlib import Path
from typing import Any

import boxable
from boxable.detection.detector import Detector
from boxable.files import atomic_file
from boxable.findings import counted
from boxable.formats.openimages import openimages
from boxable.journal import Journal, stamp_of
from boxable.progress import progress

logger = logging.getLogger("boxable")


def detection_files(detector: Detector, folder: Path) -> tuple[Path, Path]:
    """Return the journal and the predictions of a detector: `folder`/detected-<model>-<version>.jsonl and .csv."""
    name = f"detected-{detector.fingerprint.partition(':')[2]}-{boxable.__version__}"
    return folder / f"{name}.jsonl", folder / f"{name}.csv"


def detect_in(detector: Detector, images: dict[str, Path], folder: Path) -> tuple[Path, list[str]]:
    """Detect in images; return the file of predictions in `folder`, and the ids of unreadable images.

    Each result is appended to a journal (`detection_files`). Results in it are reused unless the file of the image has
    changed, so a stopped job is resumed.
    """
    log, path = detection_files(detector, folder)
    journal = Journal(log, _is_record)
    stamps = {image: stamp_of(path) for image, path in images.items()}  # as they are before they are read
    todo = {image: path for image, path in images.items() if not journal.holds(image, stamps[image])}
    if len(todo) < len(images):
        logger.info("detected before: %d of %s", len(images) - len(todo), counted(len(images), "image|s"))
    unreadable = []
    with progress("detecting", len(todo)) as advance, journal.appending() as append:
        for image, found in zip(todo, detector.stream(todo.values(), min_score=0), strict=True):
            if found.error is not None:
                logger.warning("%s", found.error)
                unreadable.append(image)
            else:
                append(image, stamps[image], {**found.to_dict(), "image_id": image})
            advance()
    with atomic_file(path) as file:
        for text in openimages(journal.records(stamps), detector.classes):
            file.write(text.encode("utf-8", "backslashreplace"))
    return path, unreadable


def _is_record(record: Any) -> bool:
    """Tell whether this is an ImageRecord, as far as the journal has to know."""
    return isinstance(record, dict) and isinstance(record.get("detections"), list) and "image_id" in record
