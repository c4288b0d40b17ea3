"""Decoded frames: RGB as players show them, numbered, with their time."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from boxable.errors import VideoError
from boxable.video.clock import clock_of
from boxable.video.display import Display
from boxable.video.source import Video, reason

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame: its number from 0, its time in seconds after the first, uint8 `[height, width, 3]` RGB.

    The pixels are those that players show: upright, and square.
    """

    number: int
    time: float
    pixels: Pixels


def read_frames(video: Video, step: int) -> Generator[Frame]:
    """Yield every `step`-th frame, from the first; the video is closed at the end.

    Damaged parts are skipped. Raises VideoError, after all frames that can be read, if there were any, or if
    the source broke off.
    """
    time = 0.0
    number = -1
    # What is asked of PyAV once the container is closed may crash it.
    promised, seconds = video.stream.frames, (video.container.duration or 0) / 1_000_000
    clock, display = clock_of(video), Display(video.stream)
    with video.container:
        for number, decoded in enumerate(_decoded(video)):
            time = clock.time(decoded.time)
            if number % step == 0:
                yield Frame(number, round(time, 6), display.pixels(decoded))
    if number < 0:
        raise VideoError(f"{video.name}: no frames in it")
    # Edited files leave out frames; those that are cut off end too early besides.
    if number + 1 < promised and time + 2 / video.frame_rate < seconds:
        raise VideoError(f"{video.name}: cut off; it has {number + 1} of its {promised} frames")


def _decoded(video: Video) -> Iterator["VideoFrame"]:
    import av

    damaged = 0
    for packet in _packets(video):
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            damaged += 1
    if damaged:
        raise VideoError(f"{video.name}: damaged; {damaged} of its packets could not be decoded")


def _packets(video: Video) -> Iterator["Packet[Any]"]:
    import av

    try:
        yield from video.container.demux(video.stream)
    except av.error.FFmpegError as error:
        raise VideoError(f"{video.name}: breaks off: {reason(error)}") from None
