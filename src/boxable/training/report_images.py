"""Validation images of a training report: the detections before and after, where they changed most."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from boxable.arrays import Doubles, Integers, Mask
from boxable.errors import BoxableError
from boxable.images.draw import draw_boxes
from boxable.images.sources import source_of
from boxable.metrics.evaluate import Evaluation
from boxable.metrics.matching import Outcome
from boxable.metrics.thresholds import best_threshold, pooled_curve

logger = logging.getLogger("boxable")

# Images in a report; of them, images that became worse, if there are so many.
_IMAGES, _WORSE = 12, 3
# Pixels of the long side of an image; detections drawn in one, the best.
_LONG_SIDE, _DRAWN = 640, 30


@dataclass(frozen=True, slots=True)
class Drawn:
    """An image with the detections of one model, and how many boxes it `found` and how many detections are `wrong`."""

    image: Image.Image
    found: int
    wrong: int


@dataclass(frozen=True, slots=True)
class ImagePair:
    """An image before and after training; `boxes` is the number of ground-truth boxes."""

    image_id: str
    boxes: int
    before: Drawn
    after: Drawn


def score_threshold(evaluation: Evaluation) -> float:
    """Compute the score of the best F1 over all counted classes; 0.5 if nothing is found."""
    best = best_threshold(pooled_curve(evaluation.ranking, _columns(evaluation)))
    return best.score if best else 0.5


def image_pairs(
    before: Evaluation, after: Evaluation, image_files: Mapping[str, Path], min_score: float
) -> Iterator[ImagePair]:
    """Draw the images whose F1 changed most from one evaluation to another of the same ground truth, 12 at most.

    Improvements come first; a few of the images became worse, if any did. Detections of at least `min_score` count
    and are drawn, over thin boxes of the ground truth, of the classes that `after` counts. Unreadable images are
    skipped.
    """
    counted = np.zeros(len(after.data.mids), bool)
    counted[_columns(after)] = True
    results = [_Result(evaluation, counted, min_score) for evaluation in (before, after)]
    drawn = (_pair(number, results, image_files) for number in _most_changed(*results))
    return islice((pair for pair in drawn if pair is not None), _IMAGES)


class _Result:
    """An evaluation, image by image: the numbers of boxes, found boxes and wrong detections, int64 `[images]`; F1.

    `counted` bool `[classes]` are the classes that count.
    """

    def __init__(self, evaluation: Evaluation, counted: Mask, min_score: float) -> None:
        data, matches = evaluation.data, evaluation.matches
        self.evaluation = evaluation
        # Boxes that were copied to ancestors of their class would be drawn twice.
        annotated = data.truth_object == np.arange(len(data.truth_object))
        self.truth: Mask = counted[data.truth_label] & annotated
        self.shown: Mask = counted[data.label] & (data.score >= min_score)
        real = self.truth & ~matches.ignored
        matched = matches.matched_detection
        found = real & (matched >= 0)
        found[found] = data.score[matched[found]] >= min_score
        wrong = self.shown & (matches.outcome == Outcome.FALSE_POSITIVE)
        images = len(data.images)
        self.boxes = np.bincount(data.truth_image[real], minlength=images)
        self.found = np.bincount(data.truth_image[found], minlength=images)
        self.wrong = np.bincount(data.image[wrong], minlength=images)
        total = self.boxes + self.found + self.wrong
        self.f1: Doubles = np.where(total > 0, 2 * self.found / np.maximum(total, 1), 1.0)

    def draw(self, number: int, pixels: Image.Image) -> Drawn:
        """Draw an image, given in display size."""
        data, classes = self.evaluation.data, self.evaluation.classes
        truth = np.flatnonzero(self.truth & (data.truth_image == number))
        ids = [classes[column].label_id for column in data.truth_label[truth].tolist()]
        thin = draw_boxes(
            np.asarray(pixels), data.truth_box[truth].astype(np.float32), [""] * len(ids), ids, line_width=1
        )
        rows = np.flatnonzero(self.shown & (data.image == number))
        rows = rows[np.argsort(-data.score[rows], kind="stable")][:_DRAWN]
        items = [classes[column] for column in data.label[rows].tolist()]
        labels = [f"{item.name} {score:.0%}" for item, score in zip(items, data.score[rows].tolist(), strict=True)]
        boxes = data.box[rows].astype(np.float32)
        image = draw_boxes(np.asarray(thin), boxes, labels, [item.label_id for item in items])
        return Drawn(image, int(self.found[number]), int(self.wrong[number]))


def _pair(number: int, results: list[_Result], image_files: Mapping[str, Path]) -> ImagePair | None:
    """Draw an image twice; None if there is no file, or it cannot be read."""
    image_id = results[1].evaluation.data.images[number]
    if image_id not in image_files:
        return None
    try:
        pixels = np.asarray(source_of(image_files[image_id]).pixels(), np.uint8)
    except BoxableError as error:
        logger.warning("%s", error)
        return None
    image = Image.fromarray(pixels)
    scale = _LONG_SIDE / max(image.size)
    small = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    before, after = (result.draw(number, small) for result in results)
    return ImagePair(image_id, int(results[1].boxes[number]), before, after)


def _most_changed(before: _Result, after: _Result) -> list[int]:
    """Order images by the change of F1, of equal ones by their boxes: the best, a few of the worst, then the others."""
    change = after.f1 - before.f1
    order = np.lexsort((-after.boxes, -np.abs(change)))
    better, worse = order[change[order] > 0], order[change[order] < 0]
    bad = worse[: max(_WORSE, _IMAGES - len(better))]
    first = [*better[: _IMAGES - len(bad)].tolist(), *bad.tolist()]
    return [*first, *(number for number in order.tolist() if number not in first)]


def _columns(evaluation: Evaluation) -> Integers:
    return np.array([evaluation.classes.column(result.item) for result in evaluation.scored], np.intp)
