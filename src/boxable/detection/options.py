"""The arguments of a call, checked and turned into rules of post-processing."""

from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from boxable.errors import ArgumentError
from boxable.images.decode import Truncated
from boxable.networks.heads import DetectionHead
from boxable.networks.heads.rules import NmsMode, PostprocessRules
from boxable.vocabulary import select
from boxable.vocabulary.selection import Selection
from boxable.weights.cards import owner_of
from boxable.weights.compiled import Compiled
from boxable.weights.model import Description

Decode = Literal["exact", "fast"]

MAX_COUNT = 1024  # threads, or images of a batch: more than any machine has memory for


def rules_for(
    compiled: Compiled, classes: Selection | None, min_score: float, max_detections: int, nms: NmsMode
) -> PostprocessRules:
    """Check the arguments of a call to a model. Raises ArgumentError and UnknownClassError."""
    check_min_score(min_score)
    if not (isinstance(max_detections, int | np.integer) and max_detections >= 1):
        raise ArgumentError(f"max_detections: expected a whole number from 1, got {max_detections}")
    if nms not in get_args(NmsMode):
        raise ArgumentError(f"nms: expected 'per-class', 'class-agnostic' or 'hierarchy', got {nms!r}")
    model, chosen, columns = compiled.description, tuple(compiled.classes), None
    if classes is not None:
        chosen = select(classes, compiled.classes, owner_of(model.handle, compiled.classes))
    if classes is not None or len(chosen) < len(model.classes):
        columns = np.array([model.classes.column(item) for item in chosen], np.intp)
    return PostprocessRules(columns, min_score, model.score_threshold, max_detections=int(max_detections), nms=nms)


def head_for(model: Description, proposals: int | None) -> DetectionHead:
    """Return the head of a model, with this number of proposals at most. Raises ArgumentError."""
    head = model.network.head
    if proposals is None:
        return head
    from boxable.networks.heads.faster_rcnn import FasterRcnnHead  # few need it

    check_count("proposals", proposals)
    if not isinstance(head, FasterRcnnHead):
        raise ArgumentError(f"proposals: {model.handle} has a single stage without proposals; leave them out")
    return replace(head, proposals=int(proposals))


def check_min_score(min_score: float) -> None:
    """Raise ArgumentError unless this is a number from 0 to 1."""
    if not (isinstance(min_score, int | float | np.number) and 0.0 <= min_score <= 1.0):
        raise ArgumentError(f"min_score: expected a number from 0 to 1, got {min_score!r}")


def check_decode(decode: str) -> None:
    """Raise ArgumentError unless this is a way to decode."""
    if decode not in get_args(Decode):
        raise ArgumentError(f"decode: expected 'exact' or 'fast', got {decode!r}")


def check_truncated(truncated: str) -> None:
    """Raise ArgumentError unless this says what to do with a damaged image."""
    if truncated not in get_args(Truncated):
        raise ArgumentError(f"truncated: expected 'error' or 'keep', got {truncated!r}")


def check_count(name: str, value: int) -> None:
    """Raise ArgumentError unless this is a number of threads or of images in a batch."""
    if not (isinstance(value, int | np.integer) and 1 <= value <= MAX_COUNT):
        raise ArgumentError(f"{name}: expected a whole number from 1 to {MAX_COUNT}, got {value}")
