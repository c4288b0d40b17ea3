"""The data of a training run: images to train on, ground truth to validate by, and what was odd about them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from boxable.arrays import Ints
from boxable.datasets.as_data_folder import as_data_folder
from boxable.datasets.dataset import Dataset
from boxable.datasets.ground_truth import open_ground_truth
from boxable.errors import ArgumentError
from boxable.findings import Finding, counted
from boxable.formats.annotated.image import AnnotatedSet
from boxable.formats.annotated.image_files import MISSING
from boxable.formats.annotations import Annotations
from boxable.metrics.input_checks import examples_of
from boxable.training.image_files import has_file, is_in
from boxable.training.images import TrainingImages, known_mids, training_images
from boxable.training.options import LabelPolicy
from boxable.training.splits import Origin, Split, split_images
from boxable.vocabulary import ClassList


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """What a run trains on and validates by.

    `validation` are the annotations of the validation images alone, `classes` those that the set names, with and
    without boxes. `annotations` says whether classes without a label in an image are negatives there. `origin` tells
    where the split comes from. `notes` are what was dropped, and what to know.
    """

    images: TrainingImages
    validation: Annotations
    classes: ClassList
    annotations: LabelPolicy
    origin: Origin
    notes: list[Finding]

    def __str__(self) -> str:
        validation = counted(len(self.validation.listed_images), "image|s")
        by = {"given": "those of --val", "format": "the split of the set", "hash": "one in five by the hash of its id"}
        return (
            f"{counted(len(self.images), 'image|s')} to train on, {validation} to validate by ({by[self.origin]}); "
            f"annotations: {self.annotations}"
        )


@contextmanager
def open_training_data(
    path: Path, val: Path | None = None, *, annotations: LabelPolicy | None = None
) -> Iterator[TrainingData]:
    """Open a set of annotated images of any format for training.

    Validation images are those of `val`, a set of any format, else of the split of the set, else one in five by the
    hash of the id (`split_images`). Without `annotations` they are taken to be `verified` where the image labels name
    absent classes, as those of Open Images do, else `exhaustive`: image labels that are all positive say nothing of
    other classes, and where no class is known to be absent from an image that lacks it, no class could be learned to
    differ from the others. A set that is no data folder becomes a temporary one, which is gone when the
    block ends.

    Images with the bytes of a validation image are not trained on (of very large sets, with its id). Raises
    ArgumentError for a set without boxes or image files, or where nothing is left to train on or to validate by, and
    as `as_data_folder` does.
    """
    with ExitStack() as opened:
        folder, made_of = opened.enter_context(as_data_folder(path))
        dataset = Dataset(folder)
        if not len(dataset.index.box):
            raise ArgumentError(f"{path}: {counted(len(dataset), 'image|s')} without a box; expected boxes to train on")
        split = split_images(dataset, validation_elsewhere=val is not None)
        notes = [*_found_in(made_of), *split.notes]
        truth = opened.enter_context(open_ground_truth(folder if val is None else val))
        if val is None:
            truth = truth.of_images({dataset.image_id(number) for number in split.validation.tolist()})
        notes += [note for note in truth.notes if note not in notes]
        _require_parts(path, val, split, truth)
        truth, missing = _validation_with_files(truth)
        numbers, more = _with_files(dataset, split.train, truth, path)
        more += missing
        images, flaws = training_images(dataset, numbers)
        if not images.usable.any():
            raise ArgumentError(f"{path}: no box can be trained on; {'; '.join(map(str, [*notes, *more, *flaws]))}")
        policy, why = _policy(dataset) if annotations is None else (annotations, [])
        known = known_mids(dataset)
        classes = ClassList(item for item in dataset.classes if item.mid in known)
        yield TrainingData(images, truth, classes, policy, split.origin, [*notes, *more, *flaws, *why])


def _found_in(made_of: AnnotatedSet | None) -> list[Finding]:
    """List what was found while the set was converted; of missing files it is said what training does."""
    findings = made_of.findings.values() if made_of else ()
    return [finding for finding in findings if finding.level != "ok" and finding.subject != MISSING]


def _require_parts(path: Path, val: Path | None, split: Split, truth: Annotations) -> None:
    """Raise ArgumentError unless there are images to train on and images with boxes and files to validate by."""
    images = counted(len(split.train) + len(split.validation), "image|s")
    if val is None and not (len(split.train) and len(split.validation)):
        what = "validation" if len(split.train) else "training"
        raise ArgumentError(f"{path}: {images}, of which the split leaves none for {what}; give others with --val DIR")
    where = f"{path}, its validation images" if val is None else str(val)
    if not len(truth.boxes):
        raise ArgumentError(f"{where}: no box in them; expected boxes to validate by, so give others with --val DIR")
    if not truth.files:
        example = f"{truth.listed_images[0]}.jpg"
        raise ArgumentError(f"{where}: no image file there; expected files named by image id, such as {example}")


def _validation_with_files(truth: Annotations) -> tuple[Annotations, list[Finding]]:
    """Drop validation images without a file; a finding counts them."""
    missing = [image for image in truth.listed_images if image not in truth.files]
    if not missing:
        return truth, []
    note = Finding("validation image|s without a file", "dropped", "warning", len(missing))
    note.examples = examples_of(missing)
    return truth.of_images(truth.files), [note]


def _with_files(dataset: Dataset, numbers: Ints, truth: Annotations, path: Path) -> tuple[Ints, list[Finding]]:
    """Drop training images without a file and those that are validation images too; findings count them."""
    there = has_file(dataset, numbers)
    if not there.any():
        raise ArgumentError(
            f"{path}: no image file there; expected the images to train on, named by image id, "
            f"such as {dataset.image_id(int(numbers[0]))}.jpg in {dataset.files.image_files.folder}"
        )
    shared = is_in(dataset, numbers, truth.files)
    if not (there & ~shared).any():
        raise ArgumentError(f"{path}: all of its training images are validation images too; give others with --val DIR")
    notes = [
        Finding(subject, "not trained on", "warning", int(mask.sum()), examples=_ids(dataset, numbers[mask]))
        for subject, mask in (
            ("training image|s without a file", ~there),
            ("training image|s with the content of a validation image", shared),
        )
        if mask.any()
    ]
    return numbers[there & ~shared], notes


def _ids(dataset: Dataset, numbers: Ints) -> list[str]:
    return examples_of([dataset.image_id(number) for number in numbers[:4].tolist()])


def _policy(dataset: Dataset) -> tuple[LabelPolicy, list[Finding]]:
    """Choose the default of `annotations`, and explain it where image labels might let expect another."""
    confidence = dataset.index.confidence
    if not len(confidence):
        return "exhaustive", []
    if (confidence == 0).any():
        return "verified", []
    effect = "all positive, so that classes without a box are taken as absent; with --annotations verified as unknown"
    return "exhaustive", [Finding("image label|s", effect, "note", len(confidence))]
