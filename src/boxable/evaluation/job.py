"""The whole job: read, detect if a model came, evaluate, write the run and the report."""

import logging
import tempfile
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from boxable.detection.load import load
from boxable.errors import ArgumentError
from boxable.evaluation.detecting import detect_in, picture_files
from boxable.evaluation.evaluate import RESAMPLES, SEED, Evaluation, evaluate
from boxable.evaluation.problem import Note
from boxable.evaluation.protocols import Protocol
from boxable.evaluation.run import write_run
from boxable.formats.annotations import Annotations, Predictions
from boxable.formats.reading import holds_predictions, read_annotations, read_predictions
from boxable.vocabulary import ClassList
from boxable.vocabulary.selection import Selection

logger = logging.getLogger("boxable")


@dataclass(frozen=True, slots=True)
class Settings:
    """How a job measures; see `evaluate`."""

    classes: Selection | None = None
    resamples: int = RESAMPLES
    seed: int = SEED
    strict: bool = False


def evaluate_files(
    ground_truth: Path,
    predictions_or_model: str,
    protocol: Protocol,
    settings: Settings,
    *,
    images: Path | None = None,
    out: Path | None = None,
) -> Evaluation:
    """Evaluate a file of predictions, or a model on the pictures in `images` (else `ground_truth`/images).

    With `out` the detections of a model are kept there, and metrics, table and report are written. Raises
    ArgumentError for what cannot be used and BoxableError for what cannot be read or written.
    """
    annotations = read_annotations(ground_truth)
    folder = images or (ground_truth / "images" if (ground_truth / "images").is_dir() else None)
    nameable: ClassList | None = None
    left_out: list[Note] = []
    if holds_predictions(Path(predictions_or_model)):
        predictions = read_predictions(Path(predictions_or_model), ground_truth)
    else:
        if folder is None:
            raise ArgumentError(
                f"{predictions_or_model!r} is taken as a model, which needs pictures: give --images DIR; predictions "
                "end in .csv, .csv.gz, .parquet or .json"
            )
        annotations, predictions, nameable, left_out = _detected(annotations, predictions_or_model, folder, out)
    if settings.strict and left_out:
        raise ArgumentError("strict: " + "; ".join(map(str, left_out)))
    evaluation = evaluate(
        annotations, predictions, protocol, classes=settings.classes, nameable=nameable,
        resamples=settings.resamples, seed=settings.seed, strict=settings.strict,
    )  # fmt: skip
    evaluation = replace(evaluation, notes=[*left_out, *evaluation.notes])
    if out is not None:
        write_run(evaluation, out)
    return evaluation


def _detected(
    annotations: Annotations, model: str, folder: Path, out: Path | None
) -> tuple[Annotations, Predictions, ClassList, list[Note]]:
    """What the model finds, its classes, and the annotations of those images that could be looked at."""
    pictures = picture_files(folder)
    wanted = annotations.images
    absent = [image for image in wanted if image not in pictures]
    if len(absent) == len(wanted):
        raise ArgumentError(
            f"{folder}: no picture of the ground truth in it; expected names such as {wanted[0]}.jpg"
            if wanted
            else "the ground truth has no images"
        )
    detector = load(model)
    place: AbstractContextManager[str | Path] = tempfile.TemporaryDirectory() if out is None else nullcontext(out)
    with place as kept:
        present = {image: pictures[image] for image in wanted if image in pictures}
        path, broken = detect_in(detector, present, Path(kept))
        predictions = read_predictions(path)
    notes = [
        Note(len(images), what, "not evaluated", tuple(images[:3]))
        for images, what in ((absent, "images without a picture"), (broken, "pictures that cannot be read"))
        if images
    ]
    if notes:
        annotations = annotations.of_images(set(present) - set(broken))
    return annotations, predictions, detector.classes, notes
