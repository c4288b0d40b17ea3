"""The times of frames, from timestamps as files and streams really have them."""

from fractions import Fraction
from time import monotonic
from typing import Any

from boxable.video.source import Video

# Timestamps that step back so far, or back to the first, begin another recording; so do those that step ahead so far
# in a format that is made to be joined (MPEG-TS). The bounds are those of ffmpeg (`ts_discontinuity_detect`).
BACK_S = 0.1
AHEAD_S = 10.0

# Times are told in millionths of a second.
_TICK_S = 1e-6


class Clock:
    """The times of the frames of one source, in seconds after the first; they grow from frame to frame.

    Recordings that were joined follow each other without a gap. A frame without a timestamp comes one frame after the
    last. With `by_arrival` the time of this computer takes the place of timestamps, as also in a live source whose
    first frame has none.
    """

    def __init__(
        self, frame_rate: Fraction, *, live: bool = False, joinable: bool = False, by_arrival: bool = False
    ) -> None:
        self._frame_s = float(1 / frame_rate)
        self._live, self._joinable, self._by_arrival = live, joinable, by_arrival
        self._last: float | None = None
        # The first timestamp of this recording, and what is added to its timestamps.
        self._begin: float | None = None
        self._shift = 0.0

    def time(self, timestamp: float | None) -> float:
        """Return the time of the next frame, whose timestamp is in seconds, None if it has none."""
        if self._by_arrival or (self._live and self._last is None and timestamp is None):
            self._by_arrival, timestamp = True, monotonic()
        expected = 0.0 if self._last is None else self._last + self._frame_s
        if timestamp is None:
            self._last = expected
            return expected
        if self._begin is None or self._is_joined(timestamp):
            self._begin, self._shift = timestamp, expected - timestamp
        told = timestamp + self._shift
        self._last = told if self._last is None else max(told, self._last + _TICK_S)
        return self._last

    def _is_joined(self, timestamp: float) -> bool:
        step = timestamp + self._shift - (self._last or 0.0)
        if step < 0:
            return step < -BACK_S or timestamp <= (self._begin or 0.0)
        return self._joinable and step > AHEAD_S


def clock_of(video: Video) -> Clock:
    """Make the clock of an open source; raw streams and JPEG over HTTP have no timestamps of their own."""
    from av.format import Flags

    def has(flag: Any) -> bool:
        return bool(video.container.format.flags & flag.value)

    return Clock(
        video.frame_rate, live=video.live, joinable=has(Flags.ts_discont),
        by_arrival=video.live and has(Flags.no_timestamps),
    )  # fmt: skip
