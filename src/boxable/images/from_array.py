"""Pixels of arrays, and of objects that convert themselves into one."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.errors import ArgumentError
from boxable.images.contiguous import contiguous
from boxable.images.reading import reason

Pixels = NDArray[np.uint8] | NDArray[np.float32]


def to_array(array: Any, name: str = "array") -> NDArray[Any]:
    """Convert to an array. Raises ArgumentError where the object's own conversion fails, whatever it raises."""
    try:
        return np.asarray(array)
    except Exception as error:
        raise ArgumentError(f"{name}: cannot convert {type(array).__name__} to an array ({reason(error)})") from None


def pixels_of(array: NDArray[Any], name: str) -> Pixels:
    """Convert an array `[H, W, 3]`, `[H, W, 4]` or `[H, W]`, uint8 or float 0..1, to RGB `[H, W, 3]`, 0..255.

    Gray gets three channels, alpha is dropped; floats become float32. Raises ArgumentError for any other array.
    """
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise ArgumentError(
            f"{name}: expected [height, width, 3] (RGB) or [height, width] (gray), or a list of such arrays, "
            f"got shape {list(array.shape)}"
        )
    array = array[:, :, :3] if array.shape[2] > 1 else np.repeat(array, 3, axis=2)
    if array.dtype == np.uint8:
        return contiguous(array)
    if not np.issubdtype(array.dtype, np.floating):
        raise ArgumentError(f"{name}: expected uint8 (0 to 255) or float (0 to 1), got dtype {array.dtype}")
    with np.errstate(over="ignore"):  # numbers that do not fit are infinite then, and refused
        array = array.astype(np.float32)
    return _unit_to_pixels(array, name)


def _unit_to_pixels(array: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    """Multiply float values 0..1 by 255 (SEMANTICS §2.3). Raises ArgumentError for NaN and for other ranges."""
    low, high = float(array.min()), float(array.max())
    if not np.isfinite([low, high]).all():
        raise ArgumentError(f"{name}: expected numbers from 0 to 1, got NaN or infinity")
    if low < 0 or high > 1:
        hint = "; divide 8-bit values by 255" if high > 1 else ""
        raise ArgumentError(f"{name}: expected values from 0 to 1, got {low:g} to {high:g}{hint}")
    return array * np.float32(255)
