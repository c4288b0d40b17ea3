"""The call of the original TF-Hub module: what it takes and what it returns (SEMANTICS §1)."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from boxable.detection.detections import Detections
from boxable.errors import ArgumentError
from boxable.images.from_array import to_array
from boxable.images.sources import Source, has_attribute

ClassFields = Literal["documented", "served"]

_EXPECTED = "expected a float32 array [1, height, width, 3], RGB, values 0 to 1"


def check_input(image: Any, name: str = "as_dict=True") -> Source:
    """Check the image of a contract call, float32 `[1, H, W, 3]` in 0..1.

    Raises ArgumentError for anything else; its text begins with `name`.
    """
    if not isinstance(image, np.ndarray) and not has_attribute(image, "__array__"):
        raise ArgumentError(f"{name}: {_EXPECTED}, got {type(image).__name__}; for files call without as_dict")
    array = to_array(image, name)
    got = f"got shape {list(array.shape)}"
    if array.ndim != 4 or array.shape[3] != 3:
        hint = "; add the batch axis with image[None]" if array.ndim == 3 and array.shape[2] == 3 else ""
        raise ArgumentError(f"{name}: {_EXPECTED}, {got}{hint}")
    if array.shape[0] != 1:
        raise ArgumentError(f"{name}: {_EXPECTED}, {got}; for several images call detector(list)")
    if 0 in array.shape:
        raise ArgumentError(f"{name}: {_EXPECTED}, {got}, an empty image")
    if array.dtype != np.float32:
        hint = "image.astype('float32') / 255" if array.dtype == np.uint8 else "image.astype('float32')"
        raise ArgumentError(f"{name}: {_EXPECTED}, got dtype {array.dtype}; convert it with {hint}")
    return Source.from_array(array[0], name)


def to_contract(detections: Detections, class_fields: ClassFields) -> dict[str, NDArray[Any]]:
    """Convert to the dictionary of the original.

    "documented": entities are MIDs, names are display names, both `str`. "served": what the module really
    returned, the two exchanged and as `bytes` (SEMANTICS §1.2).
    """
    entities, names = detections.mids, detections.names
    if class_fields == "served":
        entities, names = _as_bytes(detections.names), _as_bytes(detections.mids)
    return {
        "detection_boxes": detections.boxes,
        "detection_class_entities": entities,
        "detection_class_names": names,
        "detection_class_labels": detections.label_ids,
        "detection_scores": detections.scores,
    }


def check_class_fields(class_fields: str) -> None:
    """Raise ArgumentError for a kind of class fields that there is not."""
    if class_fields not in ("documented", "served"):
        raise ArgumentError(f"class_fields: expected 'documented' or 'served', got {class_fields!r}")


def _as_bytes(strings: NDArray[np.str_]) -> NDArray[Any]:
    return np.array([text.encode() for text in strings.tolist()], object)
