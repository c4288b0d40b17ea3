"""Calibrate a model for int8, measure its loss of mean AP on other images, and save it if that is small enough."""

import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from boxable.datasets.ground_truth import is_annotated, open_ground_truth
from boxable.detection.calibrate import MAX_IMAGES, calibrate
from boxable.detection.detector import Detector
from boxable.errors import ArgumentError, BoxableError, ImageError
from boxable.evaluation.evaluate_files import detected
from boxable.findings import counted
from boxable.formats.annotations import Annotations, no_predictions
from boxable.formats.tables import require_tables
from boxable.hashing import sha256_of
from boxable.images.reading import read_file
from boxable.images.sources import expand
from boxable.metrics.compare import compare
from boxable.metrics.evaluate import Evaluation, evaluate
from boxable.metrics.protocols import Protocol, UnknownGroupOf, protocol_named
from boxable.metrics.run import as_run
from boxable.networks.calibration import Calibration
from boxable.runtimes import RuntimeName
from boxable.weights.calibrations import Accuracy, CalibrationKey, SavedCalibration, find_calibration, save_calibration
from boxable.weights.compiled import compiled_from
from boxable.weights.model import Model
from boxable.weights.pull import read_weights

logger = logging.getLogger("boxable")

# Mean AP that may be lost, in points.
LOSS = 0.5
# With fewer images neither the ranges nor the loss are reliable.
FEW = 50


class _Labelled(NamedTuple):
    """A set of images with boxes, and how it is measured."""

    path: Path
    protocol: Protocol
    annotations: Annotations


def quantize(
    name: str,
    calibration: Sequence[Path],
    data: Sequence[Path] = (),
    *,
    loss: float = LOSS,
    force: bool = False,
    runtime: RuntimeName = "onnxruntime",
    unknown_group_of: UnknownGroupOf = "auto",
) -> Iterator[str]:
    """Calibrate a model (its name, .safetensors file or folder) on up to 200 images of the folders in `calibration`.

    Mean AP in float32 and in int8 is measured on each set of `data`, as `evaluate` takes them (and `unknown_group_of`),
    without the images of the calibration set; without `data`, on those folders of `calibration` that have annotations,
    of which half are held out. Lines say what came out. After that `load(name, precision="int8")` works, on every
    runtime.

    Raises BoxableError, and keeps nothing, where int8 loses more than `loss` points on one of the sets, and
    ArgumentError where nothing can be measured; with `force` it is saved all the same.
    """
    weights = read_weights(name)
    with ExitStack() as opened:
        sets = data or [path for path in calibration if is_annotated(path)]
        labelled = [_read(path, opened, unknown_group_of) for path in sets]
        yield from _quantized(name, weights, calibration, labelled, loss, runtime, force=force, hold_out=not data)


def _quantized(
    name: str,
    weights: tuple[Model, CalibrationKey],
    calibration: Sequence[Path],
    labelled: list[_Labelled],
    loss: float,
    runtime: RuntimeName,
    *,
    force: bool,
    hold_out: bool,
) -> Iterator[str]:
    model, key = weights
    if not (labelled or force):
        raise ArgumentError(
            f"{', '.join(map(str, calibration))}: no annotations in it, so the loss of int8 cannot be measured; "
            "give annotated images with --data, or --force to save it unmeasured"
        )
    hashes = _Hashes()
    chosen = _chosen(calibration, hashes, hold_out=bool(labelled) and hold_out)
    labelled = [_without(item, chosen, hashes) for item in labelled]
    for item in labelled:  # what is wrong is said before the long work
        if not evaluate(item.annotations, no_predictions(), item.protocol, nameable=model.classes, resamples=0).scored:
            raise ArgumentError(f"{item.path}: no box in it is of a class that {name} can name")
    found, count = calibrate(model, chosen.values())
    found = Calibration.from_dict(found.to_dict())  # to the digits that are saved: every last one moves the figures
    few = f"; {MAX_IMAGES} are better" if count < FEW else ""
    yield f"calibrated on {counted(count, 'image|s')}{few}"
    accuracies = []
    for item in labelled:
        accuracies.append(_measured(model, found, item, runtime))
        yield str(accuracies[-1])
        if accuracies[-1].images < FEW:
            yield f"too few to tell what it costs: {counted(accuracies[-1].images, 'image|s')}"
    worst = max(accuracies, key=lambda accuracy: accuracy.loss, default=None)
    if worst is None:
        yield "the loss of int8 was not measured"
    elif worst.loss > loss and not force:
        raise BoxableError(
            f"int8 loses {worst.loss:.2f} points of mean AP on the {counted(worst.images, 'image|s')} of {worst.data}, "
            f"more than {loss:g}; this calibration was not saved (the more images, the surer the figure; --loss "
            "allows more, --force saves it)"
        )
    if key.path.is_file():
        yield "it takes the place of the earlier calibration of this model"
    elif find_calibration(key) is not None:
        yield "it takes the place of the calibration for these weights that Boxable ships"
    yield f"saved in {save_calibration(key, name, SavedCalibration(found, count, tuple(accuracies)))}"


def _read(path: Path, opened: ExitStack, unknown_group_of: UnknownGroupOf) -> _Labelled:
    require_tables()
    annotations = opened.enter_context(open_ground_truth(path))
    if not annotations.files:
        raise ArgumentError(f"{path}: no images there; expected annotations and the images that they are of")
    protocol = protocol_named("challenge", unknown_group_of=unknown_group_of).for_flags(annotations.boxes.group_of)
    return _Labelled(path, protocol, annotations)


class _Hashes(dict[Path, str | None]):
    """Hashes of images by path, computed when first needed; None for an unreadable image, which is logged."""

    def __missing__(self, path: Path) -> str | None:
        try:
            self[path] = sha256_of(read_file(path))
        except ImageError as error:
            logger.warning("%s", error)
            self[path] = None
        return self[path]


def _chosen(folders: Sequence[Path], hashes: _Hashes, *, hold_out: bool) -> dict[str, Path]:
    """Choose the calibration set by the hash of the content: a random choice, always the same.

    With `hold_out` at most half of them.
    """
    paths = [source.path for source in expand(folders) if source.path and not source.problem]
    by_hash = {digest: path for path in paths if (digest := hashes[path])}
    most = min(MAX_IMAGES, len(by_hash) // 2 if hold_out else len(by_hash))
    if not most:
        raise ArgumentError(
            f"{', '.join(map(str, folders))}: expected {2 if hold_out else 1} or more images in it, got {len(by_hash)}"
        )
    return {digest: by_hash[digest] for digest in sorted(by_hash)[:most]}


def _without(labelled: _Labelled, chosen: Collection[str], hashes: _Hashes) -> _Labelled:
    """Return the set without the images of the calibration set."""
    listed = set(labelled.annotations.listed_images)
    files = labelled.annotations.files
    kept = {image for image, path in files.items() if image in listed and hashes[path] not in chosen}
    if not kept:
        raise ArgumentError(
            f"{labelled.path}: no annotated image in it outside the calibration set; give others with --data"
        )
    return labelled._replace(annotations=labelled.annotations.of_images(kept))


def _measured(model: Model, calibration: Calibration, labelled: _Labelled, runtime: RuntimeName) -> Accuracy:
    compiled = compiled_from(model, calibration)
    before = _evaluated(Detector(compiled, runtime=runtime), labelled)
    after = _evaluated(Detector(compiled, runtime=runtime, precision="int8"), labelled)
    mean = compare(as_run(before, Path("fp32")), as_run(after, Path("int8"))).mean
    images = len(before.data.images)
    return Accuracy(
        labelled.path.resolve().name, images, len(before.scored), runtime, mean.first, mean.second, mean.interval
    )


def _evaluated(detector: Detector, labelled: _Labelled) -> Evaluation:
    annotations, predictions, notes = detected(labelled.annotations, detector)
    for note in notes:
        logger.info("note: %s", note)
    return evaluate(annotations, predictions, labelled.protocol, nameable=detector.classes, resamples=0)
