"""The whole job: read, detect if a model came, evaluate, write the run and the report."""

import logging
import os
import tempfile
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

from boxable.detection.detector import Detector
from boxable.detection.load import load
from boxable.errors import ArgumentError
from boxable.evaluation.detecting import detect_in, picture_files
from boxable.evaluation.evaluate import RESAMPLES, SEED, Evaluation, evaluate
from boxable.evaluation.problem import Note, refuse_flaws
from boxable.evaluation.protocols import protocol_named
from boxable.evaluation.report.write import write_report
from boxable.evaluation.run import write_run
from boxable.formats.annotations import Annotations, Predictions
from boxable.formats.reading import holds_predictions, read_annotations, read_predictions
from boxable.formats.tables import require_tables
from boxable.vocabulary import ClassList
from boxable.vocabulary.selection import Selection

logger = logging.getLogger("boxable")

_Path = str | os.PathLike[str]


def evaluate_files(
    ground_truth: _Path,
    predictions_or_model: _Path | Detector,
    protocol: str = "challenge",
    *,
    images: _Path | None = None,
    group_of_weight: float | None = None,
    expand: bool | None = None,
    classes: Selection | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    strict: bool = False,
    out: _Path | None = None,
) -> Evaluation:
    """Evaluate a file of predictions, or a model on the pictures in `images` (else `ground_truth`/images).

    `ground_truth` is a folder of Open Images tables, one table or COCO JSON. `protocol` is `challenge`,
    `openimages-v2`, `pascal` or `coco`; `group_of_weight` and `expand` change its switches. With `out` the
    detections of a model are kept there, and metrics, tables and report are written. The other options are those of
    `evaluation.evaluate`.

    Raises ArgumentError for what cannot be used (of flawed rows only if `strict`), BoxableError for what cannot be
    read or written, and MissingExtraError where `boxable[evaluate]` is needed.
    """
    chosen = protocol_named(protocol, group_of_weight=group_of_weight, expand=expand)
    truth_path, folder = Path(ground_truth), Path(out) if out is not None else None
    annotations = read_annotations(truth_path)
    pictures = _pictures(truth_path, images)
    nameable: ClassList | None = None
    left_out: list[Note] = []
    name = predictions_or_model.handle if isinstance(predictions_or_model, Detector) else str(predictions_or_model)
    if isinstance(predictions_or_model, Detector) or not holds_predictions(Path(predictions_or_model)):
        if pictures is None:
            raise ArgumentError(
                f"{name!r} is taken as a model, which needs pictures: give --images DIR; "
                "predictions end in .csv, .csv.gz, .parquet or .json"
            )
        detector = predictions_or_model if isinstance(predictions_or_model, Detector) else load(predictions_or_model)
        annotations, predictions, left_out = _detected(annotations, detector, pictures, folder)
        nameable = detector.classes
        if strict:
            refuse_flaws(left_out)
    else:
        predictions = read_predictions(Path(predictions_or_model), truth_path)
    evaluation = evaluate(
        annotations, predictions, chosen, classes=classes, nameable=nameable,
        resamples=resamples, seed=seed, strict=strict,
    )  # fmt: skip
    evaluation = replace(evaluation, notes=[*left_out, *evaluation.notes])
    if folder is not None:
        write_run(evaluation, folder)
        title = f"{Path(name).name} on {truth_path.resolve().name}"
        write_report(evaluation, folder, title, pictures or {}, chosen=classes is not None)
    return evaluation


def _pictures(ground_truth: Path, images: _Path | None) -> dict[str, Path] | None:
    """The pictures by image id, if it is known where they are."""
    folder = ground_truth / "images" if images is None else Path(images)
    return None if images is None and not folder.is_dir() else picture_files(folder)


def _detected(
    annotations: Annotations, detector: Detector, pictures: dict[str, Path], out: Path | None
) -> tuple[Annotations, Predictions, list[Note]]:
    """The annotations of the images that could be looked at, what the model finds there, and what was left out."""
    wanted = annotations.images
    present = {image: pictures[image] for image in wanted if image in pictures}
    if not present:
        expected = f"; expected names such as {wanted[0]}.jpg" if wanted else ""
        raise ArgumentError(f"no picture belongs to the {len(wanted)} images of the ground truth{expected}")
    place: AbstractContextManager[str | Path] = tempfile.TemporaryDirectory() if out is None else nullcontext(out)
    require_tables()  # before the long work, not after it
    with place as kept:
        try:
            path, broken = detect_in(detector, present, Path(kept))
        except KeyboardInterrupt:
            if out is not None:
                logger.warning("stopped; run the same command again with the same --out, and it goes on from there")
            raise
        predictions = read_predictions(path)
    absent = [image for image in wanted if image not in pictures]
    notes = [
        Note(len(group), what, "not evaluated", tuple(group[:3]))
        for group, what in ((absent, "image|s without a picture"), (broken, "unreadable picture|s"))
        if group
    ]
    return annotations.of_images(set(present) - set(broken)), predictions, notes
