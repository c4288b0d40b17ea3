"""Validation: the mean AP of a model while it is trained, measured on the path that users get."""

import logging
from collections.abc import Iterator, Sequence

from boxable.detection.detections import Detections
from boxable.detection.load import load
from boxable.detection.predictions import to_predictions
from boxable.errors import ArgumentError, BoxableError
from boxable.formats.annotations import Annotations, Predictions, no_predictions
from boxable.metrics.evaluate import SEED, Evaluation, evaluate
from boxable.metrics.input_checks import examples_of
from boxable.metrics.protocols import CHALLENGE, PASCAL
from boxable.progress import progress
from boxable.training.options import LabelPolicy
from boxable.vocabulary import ClassList
from boxable.weights.model import Model

logger = logging.getLogger("boxable")


class Validation:
    """The validation images with their ground truth; measures models.

    The metric is AP at IoU 0.5, averaged over the classes of the model that have ground truth: by the `pascal` protocol
    for `exhaustive` annotations, where every other detection is wrong; by `challenge` for `verified` ones, which counts
    only classes that are verified in an image, and ancestors of a class as correct, as training does. It is the number
    of `boxable evaluate` on the same images.

    `annotations` are those of the images, which all have files; unreadable ones are dropped when they are first
    detected in, with a warning on the log, and `unreadable` are their ids.
    """

    def __init__(self, annotations: Annotations, policy: LabelPolicy) -> None:
        self.protocol = PASCAL if policy == "exhaustive" else CHALLENGE
        self.annotations = annotations
        self.unreadable: list[str] = []

    def require_boxes(self, classes: ClassList) -> None:
        """Raise ArgumentError unless some box can be found by a model with these classes."""
        if not self._evaluate(no_predictions(), classes, 0, SEED).scored:
            names = ", ".join(examples_of([item.name for item in classes]))
            raise ArgumentError(
                f"no validation box is of a class that is trained ({names}); give a set that has some with --val DIR"
            )

    def measure(self, model: Model, *, resamples: int = 0, seed: int = SEED) -> tuple[Evaluation, Predictions]:
        """Detect in all images with a model, in fp32 on ONNX Runtime, and evaluate; intervals if there are `resamples`.

        Raises BoxableError where no image can be read, or none with boxes.
        """
        images = self.annotations.listed_images
        broken: dict[str, str] = {}

        def readable() -> Iterator[tuple[str, Detections]]:
            for image, found in zip(images, self.detect(model, images, min_score=0), strict=True):
                if found.error is None:
                    yield image, found
                else:
                    broken[image] = found.error

        predictions = to_predictions(readable())
        if len(broken) == len(images):
            raise BoxableError(f"none of the validation images can be read: {'; '.join(list(broken.values())[:3])}")
        self._drop(broken)
        evaluation = self._evaluate(predictions, model.classes, resamples, seed)
        if not evaluation.scored:
            raise BoxableError("no readable validation image has a box of a class of the model; give others with --val")
        return evaluation, predictions

    def detect(self, model: Model, images: Sequence[str], *, min_score: float) -> Iterator[Detections]:
        """Detect in some of the images with a model, in their order; an unreadable one has no detections."""
        files = [self.annotations.files[image] for image in images]
        with progress("validating", len(files)) as advance:
            for found in load(model).stream(files, min_score=min_score):
                yield found
                advance()

    def _evaluate(self, predictions: Predictions, classes: ClassList, resamples: int, seed: int) -> Evaluation:
        return evaluate(self.annotations, predictions, self.protocol, nameable=classes, resamples=resamples, seed=seed)

    def _drop(self, broken: dict[str, str]) -> None:
        for error in broken.values():
            logger.warning("%s; dropped from validation", error)
        if broken:
            self.unreadable += broken
            self.annotations = self.annotations.of_images(set(self.annotations.listed_images) - broken.keys())
