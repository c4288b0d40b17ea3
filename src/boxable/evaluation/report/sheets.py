"""Contact sheets of classes: true positives, false positives and missed boxes."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from boxable.arrays import Doubles, Integers
from boxable.errors import BoxableError
from boxable.images.sources import source_of
from boxable.metrics.error_kinds import ErrorKind, Errors
from boxable.metrics.evaluate import ClassResult, Evaluation
from boxable.metrics.matching import Outcome
from boxable.reports.embedded import jpeg_url

logger = logging.getLogger("boxable")

# Images of each sort in the sheet of a class, the long side of each in pixels, and their JPEG quality.
_EACH, _LONG_SIDE, _QUALITY = 8, 400, 78


class Sheets:
    """Sheets of some classes, and the images that they show, each once."""

    def __init__(self, evaluation: Evaluation, errors: Errors, image_files: dict[str, Path]) -> None:
        self._evaluation = evaluation
        self._errors = errors
        self._image_files = image_files
        self.photos: dict[str, dict[str, Any]] = {}

    def sheet(self, result: ClassResult, why: str) -> dict[str, Any]:
        """Collect the best true positives, the worst false positives and the largest missed boxes of a class."""
        evaluation = self._evaluation
        data, matches = evaluation.data, evaluation.matches
        label = evaluation.classes.column(result.item)
        own = np.flatnonzero(data.label == label)
        own = own[np.argsort(-data.score[own], kind="stable")]
        truth = np.flatnonzero((data.truth_label == label) & ~matches.ignored & (matches.matched_detection < 0))
        ymin, xmin, ymax, xmax = data.truth_box[truth].T
        truth = truth[np.argsort(-(ymax - ymin) * (xmax - xmin), kind="stable")]
        return {
            "mid": result.item.mid,
            "name": result.item.name,
            "why": why,
            "true": self._shown(own[matches.outcome[own] == Outcome.TRUE_POSITIVE], self._true),
            "false": self._shown(own[matches.outcome[own] == Outcome.FALSE_POSITIVE], self._false),
            "missed": self._shown(truth, self._missed),
        }

    def _shown(self, rows: Integers, describe: Callable[[int], dict[str, Any]]) -> list[dict[str, Any]]:
        """Take the first few whose image is available, one per image."""
        shown: dict[str, dict[str, Any]] = {}
        for row in rows[: 100 * _EACH]:
            item = describe(int(row))
            if len(shown) < _EACH and item["image"] not in shown and self._photo(item["image"]):
                shown[item["image"]] = item
        return list(shown.values())

    def _true(self, row: int) -> dict[str, Any]:
        data, matches = self._evaluation.data, self._evaluation.matches
        return self._detection(row, "found") | {"truth": _rounded(data.truth_box[matches.truth[row]])}

    def _false(self, row: int) -> dict[str, Any]:
        data = self._evaluation.data
        kind, about = ErrorKind(self._errors.kind[row]), self._errors.about[row]
        item = self._detection(row, kind.name.lower())
        if about >= 0:
            item["truth"] = _rounded(data.truth_box[about])
        if kind is ErrorKind.CLASSIFICATION:
            item["is"] = self._evaluation.classes[int(data.truth_label[about])].name
        return item

    def _missed(self, row: int) -> dict[str, Any]:
        data = self._evaluation.data
        image = data.images[data.truth_image[row]]
        return {"image": image, "kind": "missed", "truth": _rounded(data.truth_box[row])}

    def _detection(self, row: int, kind: str) -> dict[str, Any]:
        data = self._evaluation.data
        image = data.images[data.image[row]]
        return {"image": image, "kind": kind, "box": _rounded(data.box[row]), "score": float(data.score[row])}

    def _photo(self, image: str) -> bool:
        """Take the image in; False if there is none that can be read."""
        if image not in self.photos and image in self._image_files:
            try:
                pixels = np.asarray(source_of(self._image_files[image]).pixels(), np.uint8)
            except BoxableError as error:
                logger.warning("%s", error)
                del self._image_files[image]
                return False
            thumbnail = Image.fromarray(pixels)
            thumbnail.thumbnail((_LONG_SIDE, _LONG_SIDE))
            self.photos[image] = {
                "src": jpeg_url(thumbnail, _QUALITY),
                "width": thumbnail.width,
                "height": thumbnail.height,
            }
        return image in self.photos


def _rounded(box: Sequence[float] | Doubles) -> list[float]:
    return [round(float(value), 4) for value in box]
