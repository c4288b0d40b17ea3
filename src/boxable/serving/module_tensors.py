"""The tensors of the module, which TensorFlow Serving's API and the Open Inference Protocol name alike."""

from collections.abc import Iterable
from itertools import chain
from typing import Any

import numpy as np

from boxable.detection.contract import check_input
from boxable.errors import ArgumentError
from boxable.images.sources import Source
from boxable.serving.problems import RequestError
from boxable.serving.service import Service

# The version that every model has.
VERSION = "1"
# Data type, in the names of the Open Inference Protocol, and shape of each output.
OUTPUTS = {
    "detection_boxes": ("FP32", [-1, 4]),
    "detection_class_entities": ("BYTES", [-1]),
    "detection_class_names": ("BYTES", [-1]),
    "detection_class_labels": ("INT64", [-1]),
    "detection_scores": ("FP32", [-1]),
}
# Bytes of JSON for a pixel: three numbers of up to 18 digits, commas and brackets.
_BYTES_A_PIXEL = 64


def most_json(service: Service) -> int:
    """Return the most bytes of JSON that an image may have, as numbers or in base64."""
    return max(service.options.max_tensor_pixels * _BYTES_A_PIXEL, service.limits.max_bytes * 4 // 3 + 1024)


def check_size(numbers: int, service: Service) -> None:
    """Raise RequestError for a tensor of too many numbers."""
    most = service.options.max_tensor_pixels
    if numbers > 3 * most:
        raise RequestError(413, f"images: more than {most:,} pixels", reason="too_large")


def numbers(data: Any) -> np.ndarray:
    """Convert numbers of JSON to float32. Raises ValueError for anything else, as texts of digits, and ragged lists."""
    try:
        found = np.asarray(data, np.float32)
    except (TypeError, OverflowError) as error:
        raise ValueError(str(error)) from None
    leaves: Iterable[Any] = [data]
    for _ in range(found.ndim):
        leaves = chain.from_iterable(leaves)
    if not set(map(type, leaves)) <= {int, float}:  # NumPy converts texts and booleans too
        raise ValueError("expected numbers")
    return found


def float_image(values: np.ndarray, service: Service) -> Source:
    """Make the image of the input `images`, float32 `[1, H, W, 3]` in 0..1. Raises RequestError."""
    check_size(values.size, service)
    if not np.isfinite(values).all():
        raise RequestError(400, "images: expected numbers from 0 to 1, got one that is not finite", reason="bad_input")
    try:
        return check_input(values, "images")
    except ArgumentError as error:
        raise RequestError(400, str(error), reason="bad_input") from None


def plain(values: np.ndarray) -> list[Any]:
    """Convert an output to lists of numbers and text, for JSON."""
    return [value.decode() if isinstance(value, bytes) else value for value in values.tolist()]
