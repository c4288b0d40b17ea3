"""Evaluation from files: read, detect if given a model, evaluate, write the run and the report."""

import logging
import os
import tempfile
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from boxable.detection.detector import Detector
from boxable.detection.load import load
from boxable.errors import ArgumentError, BoxableError
from boxable.evaluation import evaluate as measuring
from boxable.evaluation.detecting import detect_in, detection_files, image_files
from boxable.evaluation.evaluate import RESAMPLES, SEED, Evaluation
from boxable.evaluation.report.write import PAGE, TEXT, write_report
from boxable.evaluation.run import CLASSES, ENTRIES, METRICS, write_run
from boxable.findings import Finding
from boxable.formats.annotations import Annotations, Predictions, no_predictions
from boxable.formats.reading import holds_predictions, read_annotations, read_predictions
from boxable.formats.tables import require_tables
from boxable.metrics.input_checks import examples_of, refuse_warnings
from boxable.metrics.prepare import known_classes
from boxable.metrics.protocols import protocol_named
from boxable.run_folder import RunFolder, open_run_folder
from boxable.runtimes import PrecisionChoice, RuntimeChoice
from boxable.vocabulary import select
from boxable.vocabulary.selection import Selection

logger = logging.getLogger("boxable")

_Path = str | os.PathLike[str]


def evaluate(
    ground_truth: _Path,
    predictions_or_model: _Path | Detector,
    protocol: str = "challenge",
    *,
    images: _Path | None = None,
    group_of_weight: float | None = None,
    expand: bool | None = None,
    classes: Selection | None = None,
    show: Selection | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    strict: bool = False,
    out: _Path | None = None,
    precision: PrecisionChoice = "fp32",
    runtime: RuntimeChoice = "onnxruntime",
) -> Evaluation:
    """Evaluate a file of predictions, or a model on the images in `images` (else `ground_truth`/images).

    `ground_truth` is a folder of Open Images tables, one table or COCO JSON. `protocol` is `challenge`,
    `openimages-v2`, `pascal` or `coco`; `group_of_weight` and `expand` change its switches. The mean is over
    `classes` (a selection such as "Animal,-Cat"), of a model over those that it can name. Intervals come from
    `resamples` bootstrap draws of images; 0 leaves them out. With `out` the detections of a model are kept there, and
    metrics, tables and report are written, the report with images of the worst classes and of those in `show`. What
    was odd about the input is in the result's `notes`. A model that is named is opened with `precision` and `runtime`,
    as by `load`.

    Raises ArgumentError for what cannot be used (of flawed rows if `strict`, or if no prediction is left),
    BoxableError for what cannot be read or written, and MissingExtraError where `boxable[evaluate]` is needed.
    """
    chosen = protocol_named(protocol, group_of_weight=group_of_weight, expand=expand)
    truth_path, folder = Path(ground_truth), Path(out) if out is not None else None
    if folder is not None and folder.resolve() == truth_path.resolve():
        raise ArgumentError(f"{folder}: results and ground truth must not share a folder; give another one for --out")
    annotations = read_annotations(truth_path)
    if show is not None:
        select(show, known_classes(annotations.classes))  # before the long work, not after it
    image_files = image_files_of(truth_path, images)
    name = predictions_or_model.handle if isinstance(predictions_or_model, Detector) else str(predictions_or_model)
    options: dict[str, Any] = {"classes": classes, "strict": strict, "seed": seed}
    findings: list[Finding] = []
    detector: Detector | None = None
    inputs = [truth_path, Path(name), *(image_files or {}).values()]
    with nullcontext() if folder is None else open_run_folder(folder, inputs) as run_folder:
        if not isinstance(predictions_or_model, Detector) and holds_predictions(Path(predictions_or_model)):
            if (precision, runtime) != ("fp32", "onnxruntime"):
                raise ArgumentError(f"{name} holds predictions; precision and runtime are for a model")
            predictions = read_predictions(Path(predictions_or_model), truth_path)
        else:
            detector = _detector(predictions_or_model, image_files, truth_path, precision, runtime)
            options["nameable"] = detector.classes
            # What is wrong with all else is said before the long work, not after it.
            measuring.evaluate(annotations, no_predictions(), chosen, resamples=0, **options)
            annotations, predictions, findings = detected(annotations, detector, image_files or {}, run_folder)
            if strict:
                refuse_warnings(findings)
            if (detector.precision, detector.runtime) != ("fp32", "onnxruntime"):
                how = f"in {detector.precision} on {detector.runtime}"
                findings.append(Finding("image|s looked at", how, "note", len(annotations.images)))
        evaluation = measuring.evaluate(annotations, predictions, chosen, resamples=resamples, **options)
        if len(predictions) and not len(evaluation.data.score):
            raise ArgumentError(f"no prediction can be used: {'; '.join(map(str, evaluation.notes))}")
        evaluation = replace(evaluation, notes=[*findings, *evaluation.notes])
        if run_folder is not None:
            title = f"{Path(name).name} on {truth_path.resolve().name}"
            _write(evaluation, run_folder, title, image_files or {}, show, detector)
    return evaluation


def _write(
    evaluation: Evaluation,
    folder: RunFolder,
    title: str,
    image_files: dict[str, Path],
    show: Selection | None,
    detector: Detector | None,
) -> None:
    """Write the run and the report, in the place of an earlier run; what a detector found stays."""
    found = detection_files(detector, folder.path) if detector else ()
    folder.clear(keep=found)
    write_run(evaluation, folder.path)
    write_report(evaluation, folder.path, title, image_files, show)
    for name in (METRICS, CLASSES, ENTRIES, PAGE, TEXT):
        folder.record(folder.path / name)


def _detector(
    model: _Path | Detector,
    image_files: dict[str, Path] | None,
    truth: Path,
    precision: PrecisionChoice,
    runtime: RuntimeChoice,
) -> Detector:
    if image_files is None:
        raise ArgumentError(
            f"{str(model)!r} is taken as a model, which needs images: give --images DIR (there are none in {truth}); "
            "predictions end in .csv, .csv.gz, .parquet or .json"
        )
    require_tables()
    return model if isinstance(model, Detector) else load(model, precision=precision, runtime=runtime)


def image_files_of(ground_truth: Path, images: _Path | None) -> dict[str, Path] | None:
    """Find the images by image id: in `images`, else in images/, else beside the tables; None if there are none."""
    if images is not None:
        return image_files(Path(images))
    if not ground_truth.is_dir():
        return None
    folder = ground_truth / "images"
    return image_files(folder if folder.is_dir() else ground_truth) or None


def detected(
    annotations: Annotations, detector: Detector, image_files: dict[str, Path], out: RunFolder | None = None
) -> tuple[Annotations, Predictions, list[Finding]]:
    """Run the detector; return annotations of the images that were read, predictions, and findings on the others."""
    wanted = annotations.listed_images
    present = {image: image_files[image] for image in wanted if image in image_files}
    if not present:
        expected = f"; expected names such as {wanted[0]}.jpg" if wanted else ""
        raise ArgumentError(f"no image file belongs to the {len(wanted)} images of the ground truth{expected}")
    place: AbstractContextManager[str | Path] = tempfile.TemporaryDirectory() if out is None else nullcontext(out.path)
    if out is not None:
        found = detection_files(detector, out.path)
        out.clear(keep=found)
        for path in found:
            out.record(path, grows=True)
    with place as kept:
        try:
            path, broken = detect_in(detector, present, Path(kept))
        except KeyboardInterrupt:
            if out is not None:
                logger.warning("stopped; run the same command again with the same --out, and it goes on from there")
            raise
        predictions = read_predictions(path)
    if len(broken) == len(present):
        raise BoxableError("none of the image files can be read")
    absent = [image for image in wanted if image not in image_files]
    notes = [
        Finding(what, "not evaluated", "warning", len(group), examples=examples_of(group))
        for group, what in ((absent, "image|s without a file"), (broken, "unreadable image file|s"))
        if group
    ]
    return annotations.of_images(set(present) - set(broken)), predictions, notes
