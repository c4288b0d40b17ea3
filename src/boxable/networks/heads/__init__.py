"""Detection heads: what makes detections of a network's outputs (post-processing, SEMANTICS §6)."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from boxable.arrays import Floats
from boxable.networks.heads.rules import NmsResult, PostprocessRules

# Runs a graph by name: named inputs to named outputs. Arrays may be on a device (torch tensors).
Runner = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]


class DetectionHead(Protocol):
    """Anchors, box coder, thresholds and NMS of an architecture; it drives the runtime, in one stage or two."""

    @property
    def score_threshold(self) -> float:
        """Scores at or below it are never detections, unless the weights bring another threshold."""
        ...

    def detect(self, run: Runner, images: Floats, rules: PostprocessRules) -> list[NmsResult]:
        """Detect in a batch of images `[B, H, W, 3]`, prepared by the network's `preprocess`."""
        ...
