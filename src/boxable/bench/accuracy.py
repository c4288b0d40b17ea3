"""Accuracy of the candidates of a benchmark on annotated images."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from tempfile import TemporaryDirectory

from boxable.datasets.ground_truth import open_ground_truth
from boxable.detection.detector import Detector
from boxable.evaluation.evaluate_files import evaluate
from boxable.files import write_atomically
from boxable.formats import ImageRecord
from boxable.formats.annotations import Annotations
from boxable.formats.openimages import openimages
from boxable.formats.reading import read_predictions
from boxable.formats.record import DetectionRecord
from boxable.metrics import evaluate as measuring
from boxable.metrics.evaluate import Evaluation
from boxable.metrics.protocols import protocol_named
from boxable.progress import progress
from boxable.vocabulary import ClassList


@dataclass(frozen=True, slots=True)
class Accuracy:
    """mAP by the Challenge's rules, its 95 % interval by bootstrap over the images, and their number.

    `mean_ap` is None where no class has ground truth.
    """

    mean_ap: float | None
    interval: tuple[float, float] | None
    images: int


def of_detector(data: Path, detector: Detector) -> Accuracy:
    """Evaluate a detector as `boxable evaluate` does."""
    return _accuracy(evaluate(data, detector))


def of_peer(data: Path, find: Callable[[bytes], list[DetectionRecord]], classes: ClassList) -> Accuracy:
    """Evaluate a function from the content of a file to detections; it raises OSError for what is no image."""
    with open_ground_truth(data) as annotations:
        return _of_peer(annotations, find, classes)


def _of_peer(annotations: Annotations, find: Callable[[bytes], list[DetectionRecord]], classes: ClassList) -> Accuracy:
    files = annotations.files
    wanted = [image for image in annotations.listed_images if image in files]
    seen = []

    def records() -> Iterator[ImageRecord]:
        with progress("detecting", len(wanted)) as advance:
            for image in wanted:
                try:
                    found = find(files[image].read_bytes())
                except OSError:
                    continue
                seen.append(image)
                yield {"source": image, "image_id": image, "width": 0, "height": 0, "detections": found}
                advance()

    with TemporaryDirectory() as place:
        table = Path(place) / "found.csv"
        write_atomically(table, "".join(openimages(records(), classes)).encode())
        predictions = read_predictions(table)
    seen_only = annotations.of_images(set(seen))
    return _accuracy(measuring.evaluate(seen_only, predictions, protocol_named("challenge"), nameable=classes))


def _accuracy(found: Evaluation) -> Accuracy:
    return Accuracy(None if isnan(found.mean_ap) else found.mean_ap, found.interval, len(found.data.images))
