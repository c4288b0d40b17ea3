"""Decoded frames as players show them: in RGB, upright, with square pixels."""

from contextlib import suppress
from fractions import Fraction
from math import cos, radians, sin
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from boxable.images.contiguous import contiguous

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# No camera or disc has narrower or wider pixels; what a file states beyond that is a mistake.
_MAX_ASPECT = 4

# The frames of this decoder have side data with metadata, which PyAV 18 frees twice when it is asked for side data.
_CRASHING = ("png", "apng")


class Display:
    """How players show the frames of one stream."""

    def __init__(self, stream: "VideoStream") -> None:
        self._aspect = _pixel_aspect(stream)
        self._matrix = _rotation if stream.codec_context.name in _CRASHING else _display_matrix

    def pixels(self, decoded: "VideoFrame") -> NDArray[np.uint8]:
        """Return uint8 `[height, width, 3]` RGB; pixels that are not square are stretched, none is lost.

        The display matrix is rounded to the nearest of the eight orientations; of PNG only its rotation is known.
        """
        width, height = decoded.width, decoded.height
        if self._aspect > 1:
            width = round(width * self._aspect)
        else:
            height = round(height / self._aspect)
        pixels = np.asarray(decoded.to_ndarray(format="rgb24", width=width, height=height), np.uint8)
        # A stored pixel (x, y) is shown at (a x + c y, b x + d y).
        a, b, c, d = self._matrix(decoded)
        if abs(b) > abs(a):
            pixels, a, d = pixels.swapaxes(0, 1), c, b
        return contiguous(pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1])


def _pixel_aspect(stream: "VideoStream") -> Fraction:
    """Return the width of a pixel divided by its height (sample aspect ratio); 1 if unknown or implausible."""
    aspect: Fraction | None = stream.sample_aspect_ratio
    if aspect is None or not Fraction(1, _MAX_ASPECT) <= aspect <= _MAX_ASPECT:
        return Fraction(1)
    return aspect


def _display_matrix(decoded: "VideoFrame") -> tuple[float, float, float, float]:
    """Return a, b, c and d of the display matrix `[[a, b, u], [c, d, v], [x, y, w]]`.

    `decoded.side_data` would keep itself in the frame, a cycle of references that can crash PyAV at exit.
    """
    from av.sidedata import sidedata

    container: Any = sidedata.SideDataContainer
    with suppress(ValueError):  # side data of another kind, which this PyAV does not know
        data = container(decoded).get("DISPLAYMATRIX")
        if data is None:
            return 1, 0, 0, 1
        a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].tolist()
        return a, b, c, d
    return _rotation(decoded)


def _rotation(decoded: "VideoFrame") -> tuple[float, float, float, float]:
    angle = radians(decoded.rotation)
    return cos(angle), -sin(angle), sin(angle), cos(angle)
