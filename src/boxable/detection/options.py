"""What one call asks for beside the pictures, checked once."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from boxable.errors import ArgumentError
from boxable.vocabulary import ClassList, select
from boxable.vocabulary.selection import Selection

Nms = Literal["per-class", "class-agnostic", "hierarchy"]
Decode = Literal["exact", "fast"]

MAX_COUNT = 1024  # threads, or pictures of a batch: more than any machine has room for


@dataclass(frozen=True, slots=True)
class Options:
    """How one call filters what the network gives; `columns` are the classes looked for, None: all."""

    columns: NDArray[np.intp] | None
    min_score: float
    max_detections: int
    nms: Nms


def options(known: ClassList, classes: Selection | None, min_score: float, max_detections: int, nms: Nms) -> Options:
    """The options of a call to a model that knows these classes. Raises ArgumentError and UnknownClassError."""
    if not 0.0 <= min_score <= 1.0:
        raise ArgumentError(f"min_score={min_score} came; expected a number from 0 to 1")
    if not (isinstance(max_detections, int | np.integer) and max_detections >= 1):
        raise ArgumentError(f"max_detections={max_detections} came; expected a whole number from 1")
    if nms not in ("per-class", "class-agnostic", "hierarchy"):
        raise ArgumentError(f"nms={nms!r} came; expected 'per-class', 'class-agnostic' or 'hierarchy'")
    columns = None
    if classes is not None:
        columns = np.array([known.column(item) for item in select(classes, known)], np.intp)
    return Options(columns, min_score, int(max_detections), nms)


def check_decode(decode: Decode) -> None:
    """Raise ArgumentError unless this is a way to decode."""
    if decode not in get_args(Decode):
        raise ArgumentError(f"decode={decode!r} came; expected 'exact' or 'fast'")


def check_count(name: str, value: int) -> None:
    """Raise ArgumentError unless this is a number of threads or of pictures in a batch."""
    if not (isinstance(value, int | np.integer) and 1 <= value <= MAX_COUNT):
        raise ArgumentError(f"{name}={value} came; expected a whole number from 1 to {MAX_COUNT}")
