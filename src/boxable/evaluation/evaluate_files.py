"""Evaluation from files: read, detect if given a model, evaluate, write the run and the report."""

import logging
import os
import tempfile
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

from boxable.datasets.ground_truth import open_ground_truth
from boxable.detection.detector import Detector
from boxable.detection.load import RunningOptions, load
from boxable.errors import ArgumentError, BoxableError
from boxable.evaluation.detecting import detect_in, detection_files
from boxable.evaluation.report.write import PAGE, TEXT, write_report
from boxable.findings import Finding
from boxable.formats.annotated.image_files import ImageFiles
from boxable.formats.annotations import Annotations, Predictions, no_predictions
from boxable.formats.reading import holds_predictions, read_predictions
from boxable.formats.tables import require_tables
from boxable.metrics import evaluate as measuring
from boxable.metrics.evaluate import RESAMPLES, SEED, Evaluation
from boxable.metrics.input_checks import examples_of, refuse_warnings
from boxable.metrics.prepare import known_classes
from boxable.metrics.protocols import UnknownGroupOf, protocol_named
from boxable.metrics.run import CLASSES, ENTRIES, METRICS, write_run
from boxable.run_folder import RunFolder, open_run_folder
from boxable.vocabulary import select
from boxable.vocabulary.selection import Selection
from boxable.weights.cards import owner_of

logger = logging.getLogger("boxable")

_Path = str | os.PathLike[str]
# Values of RunningOptions that change nothing.
AS_USUAL = ("fp32", "onnxruntime", None, False)


def evaluate(
    ground_truth: _Path,
    predictions_or_model: _Path | Detector,
    protocol: str = "challenge",
    *,
    images: _Path | None = None,
    group_of_weight: float | None = None,
    expand: bool | None = None,
    unknown_group_of: UnknownGroupOf = "auto",
    classes: Selection | None = None,
    show: Selection | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    strict: bool = False,
    out: _Path | None = None,
    **running: Unpack[RunningOptions],
) -> Evaluation:
    """Evaluate a file of predictions, or a model on the images of the set, or those in the folder `images`.

    `ground_truth` is a set of annotated images of any format that `boxable data convert` reads. `protocol` is
    `challenge`, `openimages-v2`, `pascal` or `coco`; `group_of_weight` and `expand` change its switches. Boxes whose
    IsGroupOf is -1 are group-of where some box states the flag, with `unknown_group_of="original"` always. The mean is
    over `classes` (a selection such as "Animal,-Cat"), of a model over those that it can name. Intervals come from
    `resamples` bootstrap draws of images; 0 leaves them out. With `out` the detections of a model are kept there, and
    metrics, tables and report are written, the report with images of the worst classes and of those in `show`. What
    was odd about the input is in the result's `notes`. Other arguments say how a model that is named runs: `precision`,
    `runtime`, `proposals`, `tiles`, `overlap` and `and_whole` of `load`.

    Raises ArgumentError for what cannot be used (of flawed rows if `strict`, or if no prediction is left),
    BoxableError for what cannot be read or written, and MissingExtraError where `boxable[evaluate]` is needed.
    """
    chosen = protocol_named(protocol, group_of_weight=group_of_weight, expand=expand, unknown_group_of=unknown_group_of)
    truth_path, folder = Path(ground_truth), Path(out) if out is not None else None
    if folder is not None and folder.resolve() == truth_path.resolve():
        raise ArgumentError(f"{folder}: results and ground truth must not share a folder; give another one for --out")
    name = predictions_or_model.handle if isinstance(predictions_or_model, Detector) else str(predictions_or_model)
    options: dict[str, Any] = {"classes": classes, "strict": strict, "seed": seed}
    detector: Detector | None = None
    with ExitStack() as opened:
        annotations = opened.enter_context(open_ground_truth(truth_path))
        # Of the whole set, not only of the images that are found.
        chosen = chosen.for_flags(annotations.boxes.group_of)
        if images is not None:
            annotations = replace(annotations, files=_files_in(Path(images), annotations))
        if show is not None:
            select(show, known_classes(annotations.classes))  # before the long work, not after it
        inputs = [truth_path, Path(name), *annotations.files.values()]
        run_folder = opened.enter_context(open_run_folder(folder, inputs)) if folder is not None else None
        findings = list(annotations.notes)
        if not isinstance(predictions_or_model, Detector) and holds_predictions(Path(predictions_or_model)):
            unused = [option for option, value in running.items() if value not in AS_USUAL]
            if unused:
                raise ArgumentError(f"{name} holds predictions; expected no {unused[0]}, which is for a model")
            predictions = read_predictions(Path(predictions_or_model), truth_path)
            findings += predictions.notes
        else:
            _require_images(predictions_or_model, annotations, truth_path)
            detector = (
                predictions_or_model
                if isinstance(predictions_or_model, Detector)
                else load(predictions_or_model, **running)
            )
            options["nameable"] = detector.classes
            if classes is not None:
                select(classes, detector.classes, owner_of(detector.handle, detector.classes))
            # What is wrong with all else is said before the long work, not after it.
            measuring.evaluate(annotations, no_predictions(), chosen, resamples=0, **options)
            annotations, predictions, more = detected(annotations, detector, run_folder)
            findings += more
            if (detector.precision, detector.runtime) != ("fp32", "onnxruntime"):
                how = f"in {detector.precision} on {detector.runtime}"
                findings.append(Finding("image|s", f"detected {how}", "note", len(annotations.images)))
        if strict:
            refuse_warnings(findings)
        evaluation = measuring.evaluate(annotations, predictions, chosen, resamples=resamples, **options)
        if len(predictions) and not len(evaluation.data.score):
            raise ArgumentError(f"no prediction can be used: {'; '.join(map(str, evaluation.notes))}")
        evaluation = replace(evaluation, notes=[*findings, *evaluation.notes])
        if run_folder is not None:
            title = f"{Path(name).name} on {truth_path.resolve().name}"
            _write(evaluation, run_folder, title, annotations.files, show, detector)
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


def _require_images(model: _Path | Detector, annotations: Annotations, truth: Path) -> None:
    """Raise ArgumentError unless there are images for a model, and MissingExtraError unless tables can be written."""
    if not annotations.files:
        listed = annotations.listed_images
        names = f", named by image id such as {listed[0]}.jpg" if listed else ""
        missing = f"needs images: there are none of {truth}; give --images DIR{names}"
        if isinstance(model, Detector):
            raise ArgumentError(f"a model {missing}")
        raise ArgumentError(
            f"{str(model)!r} is taken as a model, which {missing} (predictions end in .csv, .csv.gz, .parquet or .json)"
        )
    require_tables()


def _files_in(folder: Path, annotations: Annotations) -> dict[str, Path]:
    """Find the images of the ground truth in a folder, by image id."""
    if not folder.is_dir():
        raise ArgumentError(f"{folder}: no such folder; expected the images of the ground truth, named by image id")
    files = ImageFiles(folder)
    return {image: file for image in annotations.listed_images if (file := files.find(image))}


def detected(
    annotations: Annotations, detector: Detector, out: RunFolder | None = None
) -> tuple[Annotations, Predictions, list[Finding]]:
    """Run the detector; return annotations of the images that were read, predictions, and findings on the others."""
    wanted = annotations.listed_images
    present = {image: annotations.files[image] for image in wanted if image in annotations.files}
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
    absent = [image for image in wanted if image not in annotations.files]
    notes = [
        Finding(what, "not evaluated", "warning", len(group), examples=examples_of(group))
        for group, what in ((absent, "image|s without a file"), (broken, "unreadable image file|s"))
        if group
    ]
    return annotations.of_images(set(present) - set(broken)), predictions, notes
