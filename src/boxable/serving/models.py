"""The models of a service, by name; loaded and warmed up before they are served."""

import logging
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from boxable.detection.detector import Detector
from boxable.detection.load import load
from boxable.errors import BoxableError, UnknownModelError
from boxable.images.sources import Source
from boxable.networks.heads.rules import PostprocessRules
from boxable.serving.options import ServeOptions
from boxable.weights.cards import get_card

logger = logging.getLogger("boxable")

# Selections of classes and limits of requests, whose rules are made once.
_KNOWN_RULES = 256


class ServedModel:
    """A Detector under the name that requests use, and the rules of requests."""

    def __init__(self, name: str, detector: Detector) -> None:
        self.name, self.detector = name, detector
        self.rules = lru_cache(_KNOWN_RULES)(self._rules)

    def _rules(self, classes: str | None, min_score: float, max_detections: int, nms: Any) -> PostprocessRules:
        return self.detector.rules(classes=classes, min_score=min_score, max_detections=max_detections, nms=nms)

    @cached_property
    def about(self) -> dict[str, Any]:
        """Describe it, for clients."""
        detector = self.detector
        return {
            "name": self.name, "handle": detector.handle, "classes": len(detector.classes),
            "runtime": detector.runtime, "precision": detector.precision, "fingerprint": detector.fingerprint,
        }  # fmt: skip

    def warm_up(self) -> None:
        """Detect in an image in both ways to run, so that no request waits for memory or a second runtime."""
        height, width = self.detector.network.preprocess.output_size(300, 300)
        image = Source.from_array(np.zeros((height, width, 3), np.uint8))
        for alone in (True, False):
            self.detector.detect_batch([image], self.detector.rules(), self.detector.runtime_for(alone=alone))


class Models:
    """The models that are served: the first is the default. `reload` replaces them while requests go on."""

    def __init__(self, options: ServeOptions) -> None:
        self._options = options
        self._served = self._load()

    def reload(self) -> None:
        """Load all models again, from what is installed now. Raises BoxableError; the former ones then stay."""
        self._served = self._load()

    def names(self) -> Sequence[str]:
        """List the names, the default first."""
        return list(self._served)

    def get(self, name: str | None) -> ServedModel:
        """Return a model by name, None: the default. Raises UnknownModelError."""
        served = self._served
        if name is None:
            return next(iter(served.values()))
        if name not in served:
            raise UnknownModelError(f"no model {name!r} is served here; expected one of: {', '.join(served)}")
        return served[name]

    def _load(self) -> dict[str, ServedModel]:
        served = {name: ServedModel(name, detector) for name, detector in load_all(self._options).items()}
        for model in served.values():
            model.warm_up()
        return served


def load_all(options: ServeOptions) -> dict[str, Detector]:
    """Load the models, by the names that requests use. Raises BoxableError, for a model that is named twice too."""
    found: dict[str, Detector] = {}
    for given in options.models or (None,):
        detector = load(given, **{**options.running, "threads": options.threads})
        name = _served_name(detector)
        if name in found:
            raise BoxableError(f"{given} is {name}, which is served already; name each model once")
        found[name] = detector
    return found


def _served_name(detector: Detector) -> str:
    """Name a model by its alias if it is a published one, else by its handle; never by its path."""
    card = get_card(detector.handle)
    return card.alias if card is not None else detector.handle
