"""The call of the original TF-Hub module: what it takes and what it returns (SEMANTICS §1)."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from boxable.detection.detections import Detections
from boxable.errors import ArgumentError
from boxable.images.sources import unit_to_pixels

ClassFields = Literal["documented", "served"]

_EXPECTED = "expected a float32 array [1, height, width, 3], RGB, values 0 to 1"


def check_input(image: Any) -> NDArray[np.float32]:
    """The one picture of a contract call, `[H, W, 3]`, values 0..255. Raises ArgumentError for anything else."""
    if not isinstance(image, np.ndarray) and not hasattr(image, "__array__"):
        raise ArgumentError(f"as_dict=True: {type(image).__name__} came; {_EXPECTED}; for files call without as_dict")
    array = np.asarray(image)
    if array.ndim != 4 or array.shape[3] != 3:
        hint = "; add the batch axis with image[None]" if array.ndim == 3 and array.shape[2] == 3 else ""
        raise ArgumentError(f"as_dict=True: shape {list(array.shape)} came; {_EXPECTED}{hint}")
    if array.shape[0] != 1:
        raise ArgumentError(
            f"as_dict=True: a batch of {array.shape[0]} came; {_EXPECTED}; for several pictures call detector(list)"
        )
    if 0 in array.shape:
        raise ArgumentError(f"as_dict=True: an empty picture, shape {list(array.shape)}, came; {_EXPECTED}")
    if array.dtype != np.float32:
        hint = "image.astype('float32') / 255" if array.dtype == np.uint8 else "image.astype('float32')"
        raise ArgumentError(f"as_dict=True: dtype {array.dtype} came; {_EXPECTED}; convert it with {hint}")
    return unit_to_pixels(array[0], "as_dict=True")


def to_contract(detections: Detections, class_fields: ClassFields) -> dict[str, NDArray[Any]]:
    """The dictionary of the original.

    "documented": entities are MIDs, names are display names, both `str`. "served": what the module really
    gives, the two exchanged and as `bytes` (SEMANTICS §1.2).
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
        raise ArgumentError(f"class_fields={class_fields!r} came; expected 'documented' or 'served'")


def _as_bytes(strings: NDArray[np.str_]) -> NDArray[Any]:
    return np.array([text.encode() for text in strings.tolist()], object)
