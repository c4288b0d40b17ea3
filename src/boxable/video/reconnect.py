"""A live source that is opened again whenever it ends or breaks off."""

import logging
import threading
import time
from collections.abc import Generator
from dataclasses import replace

from boxable.errors import ArgumentError, VideoError
from boxable.video.frames import Frame, read_frames
from boxable.video.source import Video, open_video

logger = logging.getLogger("boxable")

# Seconds before the first attempt; each next one waits twice as long, up to the last number.
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0


def read_reconnecting(video: Video, step: int, ended: threading.Event) -> Generator[Frame]:
    """Yield every `step`-th frame, for ever: numbers go on, and times with the seconds that passed meanwhile.

    Once `ended` is set, no new attempt is made. Raises ArgumentError for a source that is not live.
    """
    if not video.live:
        video.container.close()
        raise ArgumentError(f"reconnect: expected a camera or a live stream, got {video.name}")
    current: Video | None = video
    number, shift, last, seen = 0, 0.0, 0.0, time.monotonic()
    while current is not None:
        start = number
        why = "ended"
        try:
            for frame in read_frames(current, step):
                now = time.monotonic()
                if frame.number == 0 and start:
                    shift = last + now - seen
                number, last, seen = start + frame.number + step, round(frame.time + shift, 6), now
                yield replace(frame, number=start + frame.number, time=last)
        except VideoError as error:
            why = str(error).removeprefix(f"{video.name}: ")
        logger.warning("%s: %s; connecting again", video.name, why)
        current = _open_again(video.name, ended)


def _open_again(name: str, ended: threading.Event) -> Video | None:
    wait_s = FIRST_WAIT_S
    while not ended.wait(wait_s):
        try:
            video = open_video(name)
        except VideoError as error:
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            logger.warning("%s; trying again in %.0f seconds", error, wait_s)
        else:
            logger.info("%s: connected again", name)
            return video
    return None
