"""Calibrate a model for int8, measure what that costs on other photos, and keep it if that is little enough."""

import logging
import tempfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from boxable.detection.calibrate import MAX_IMAGES, calibrate
from boxable.detection.detector import Detector
from boxable.errors import ArgumentError, BoxableError, ImageError
from boxable.evaluation.compare import compare
from boxable.evaluation.evaluate_files import detected, pictures_of
from boxable.evaluation.saved_evaluation import as_saved
from boxable.formats.annotations import Annotations, no_predictions
from boxable.formats.openimages_reading import has_annotations
from boxable.formats.reading import read_annotations
from boxable.formats.tables import require_tables
from boxable.hashing import sha256_of
from boxable.images.sources import expand, read_file
from boxable.metrics.evaluate import Evaluation, evaluate
from boxable.metrics.protocols import CHALLENGE
from boxable.networks.calibration import Calibration
from boxable.runtimes import RuntimeName
from boxable.weights.calibrations import Accuracy, Kept, keep, kept_calibration
from boxable.weights.compiled import compiled_from
from boxable.weights.model import Model
from boxable.weights.pull import read_weights

logger = logging.getLogger("boxable")

# Mean AP that may be lost, in points.
LOSS = 0.5
# With fewer photos ranges are guesses, and so is what they cost.
FEW = 50


class _Labelled(NamedTuple):
    """A set of photos with boxes, by image id."""

    path: Path
    annotations: Annotations
    pictures: dict[str, Path]


def quantize(
    name: str,
    calibration: Sequence[Path],
    data: Sequence[Path] = (),
    *,
    loss: float = LOSS,
    force: bool = False,
    runtime: RuntimeName = "onnxruntime",
) -> Iterator[str]:
    """Calibrate a model (its name or .safetensors file) on up to 200 photos of the folders in `calibration`.

    Mean AP in float32 and in int8 is measured on each set of `data`, as `evaluate` takes them, without the photos that
    were calibrated with; without `data`, on those folders of `calibration` that have annotations, of which half are
    held out. Lines say what came out. After that `load(name, precision="int8")` works, on every runtime.

    Raises BoxableError, and keeps nothing, where int8 loses more than `loss` points on one of the sets, and
    ArgumentError where nothing can be measured; with `force` it is kept all the same.
    """
    model, digest = read_weights(name)
    labelled = [_read(path) for path in data or [path for path in calibration if has_annotations(path)]]
    if not (labelled or force):
        raise ArgumentError(
            f"{', '.join(map(str, calibration))}: no annotations in it, so what int8 costs cannot be measured; "
            "give a labelled set with --data, or --force to keep it unmeasured"
        )
    hashes = _Hashes()
    chosen = _chosen(calibration, hashes, hold_out=bool(labelled) and not data)
    labelled = [_without(item, chosen, hashes) for item in labelled]
    for item in labelled:  # what is wrong is said before the long work
        if not evaluate(item.annotations, no_predictions(), CHALLENGE, nameable=model.classes, resamples=0).scored:
            raise ArgumentError(f"{item.path}: no box in it is of a class that {name} can name")
    found, count = calibrate(model, chosen.values())
    found = Calibration.from_dict(found.to_dict())  # to the digits that are kept: every last one moves the figures
    few = f"; {MAX_IMAGES} are better" if count < FEW else ""
    yield f"calibrated on {count} photo{'' if count == 1 else 's'}{few}"
    accuracies = []
    for item in labelled:
        accuracies.append(_measured(model, found, item, runtime))
        yield str(accuracies[-1])
        if accuracies[-1].photos < FEW:
            yield f"{accuracies[-1].photos} photos are too few to tell what it costs"
    worst = max(accuracies, key=lambda accuracy: accuracy.loss, default=None)
    if worst is None:
        yield "what int8 costs was not measured"
    elif worst.loss > loss and not force:
        raise BoxableError(
            f"int8 loses {worst.loss:.2f} points of mean AP on the {worst.photos} photos of {worst.data}, more than "
            f"{loss:g}; this calibration was not kept (the more photos, the surer the figure; --loss allows more, "
            "--force keeps it)"
        )
    if kept_calibration(digest) is not None:
        yield "it takes the place of another calibration of these weights"
    yield f"kept in {keep(digest, name, Kept(found, count, tuple(accuracies)))}"


def _read(path: Path) -> _Labelled:
    require_tables()
    pictures = pictures_of(path, None)
    if pictures is None:
        raise ArgumentError(f"{path}: no pictures there; expected a folder with annotations and an images folder")
    return _Labelled(path, read_annotations(path), pictures)


class _Hashes(dict[Path, str | None]):
    """Of each photo's content, read when it is first asked for; None for what cannot be read, which the log tells."""

    def __missing__(self, path: Path) -> str | None:
        try:
            self[path] = sha256_of(read_file(path))
        except ImageError as error:
            logger.warning("%s", error)
            self[path] = None
        return self[path]


def _chosen(folders: Sequence[Path], hashes: _Hashes, *, hold_out: bool) -> dict[str, Path]:
    """Photos to calibrate with, by the hash of their content, and in its order: a random choice, always the same.

    With `hold_out` at most half of them.
    """
    paths = [source.path for source in expand(folders) if source.path and not source.problem]
    by_hash = {digest: path for path in paths if (digest := hashes[path])}
    most = min(MAX_IMAGES, len(by_hash) // 2 if hold_out else len(by_hash))
    if not most:
        raise ArgumentError(
            f"{', '.join(map(str, folders))}: {len(by_hash)} photos in it; expected {2 if hold_out else 1} or more"
        )
    return {digest: by_hash[digest] for digest in sorted(by_hash)[:most]}


def _without(labelled: _Labelled, chosen: Collection[str], hashes: _Hashes) -> _Labelled:
    """The set without the photos whose content was chosen to calibrate with."""
    listed = set(labelled.annotations.listed_images)
    kept = {image: path for image, path in labelled.pictures.items() if image in listed and hashes[path] not in chosen}
    if not kept:
        raise ArgumentError(
            f"{labelled.path}: no labelled photo in it that is not calibrated with; give others with --data"
        )
    return labelled._replace(annotations=labelled.annotations.of_images(kept), pictures=kept)


def _measured(model: Model, calibration: Calibration, labelled: _Labelled, runtime: RuntimeName) -> Accuracy:
    compiled = compiled_from(model, calibration)
    before = _evaluated(Detector(compiled, runtime=runtime), labelled)
    after = _evaluated(Detector(compiled, runtime=runtime, precision="int8"), labelled)
    mean = compare(as_saved(before, Path("fp32")), as_saved(after, Path("int8"))).mean
    photos = len(before.inputs.images)
    return Accuracy(
        labelled.path.resolve().name, photos, len(before.scored), runtime, mean.first, mean.second, mean.interval
    )


def _evaluated(detector: Detector, labelled: _Labelled) -> Evaluation:
    with tempfile.TemporaryDirectory() as place:
        annotations, predictions, notes = detected(labelled.annotations, detector, labelled.pictures, Path(place))
    for note in notes:
        logger.info("note: %s", note)
    return evaluate(annotations, predictions, CHALLENGE, nameable=detector.classes, resamples=0)
