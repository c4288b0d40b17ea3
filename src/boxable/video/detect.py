"""Detect in a video."""

import threading
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any

import numpy as np
from PIL import Image

from boxable.detection import DEFAULT_MIN_SCORE
from boxable.detection.detections import Detections
from boxable.detection.detector import Detector
from boxable.errors import ArgumentError
from boxable.formats.record import FrameRecord
from boxable.images.draw import draw_boxes
from boxable.networks.heads.rules import MAX_TOTAL, NmsMode
from boxable.prefetch import prefetch
from boxable.video.frames import Frame, read_frames
from boxable.video.reconnect import read_reconnecting
from boxable.video.source import Video, open_video
from boxable.video.tracking import Tracker
from boxable.vocabulary.selection import Selection

# Frames decoded before they are needed, of a file; of a live source only the newest is of use.
_ROOM = 4


@dataclass(frozen=True, slots=True, eq=False)
class FrameDetections:
    """What was found in one frame of a video.

    `number` is the frame's, from 0, and `time` its seconds after the first. With tracking, `tracks` has for each
    detection the number of its object, from 1, in its first frame as well; None for one that scores less than 0.3 and
    continues no object. Without, it is None.
    """

    number: int
    time: float
    detections: Detections
    tracks: list[int | None] | None = None

    def to_dict(self) -> FrameRecord:
        """Convert to plain numbers and strings, in the layout of `boxable video --format jsonl`."""
        record = self.detections.to_dict()
        if self.tracks is not None:
            for item, track in zip(record["detections"], self.tracks, strict=True):
                item["track"] = track
        return {
            "source": record["source"], "frame": self.number, "time": self.time,
            "width": record["width"], "height": record["height"], "detections": record["detections"],
        }  # fmt: skip

    def draw(self, frame: Frame) -> Image.Image:
        """Draw boxes, names, track numbers and scores on a frame; a label that does not fit is left off."""
        tracks = self.tracks or [None] * len(self.detections)
        labels = [
            f"{item.name} {'' if track is None else f'#{track} '}{item.score:.0%}"
            for item, track in zip(self.detections, tracks, strict=True)
        ]
        return draw_boxes(frame.pixels, self.detections.boxes, labels, self.detections.label_ids.tolist())


def detect_video(
    detector: Detector,
    source: str | PathLike[str],
    *,
    every: int = 1,
    track: bool = False,
    classes: Selection | None = None,
    min_score: float = DEFAULT_MIN_SCORE,
    max_detections: int = MAX_TOTAL,
    nms: NmsMode = "per-class",
    reconnect: bool = False,
    stop: threading.Event | None = None,
) -> Iterator[FrameDetections]:
    """Detect in every `every`-th frame of a file, a camera ("0") or an address (RTSP, RTMP, HTTP, UDP, RTP, TCP, SRT).

    A file gives all its frames; a live source drops frames for which there is no time, and with `reconnect` is opened
    again whenever it ends or breaks off. `track` follows objects from frame to frame. The other options are those of
    the Detector; once `stop` is set, nothing more comes.

    Raises VideoError for what cannot be read, and after the last good frame of what is damaged; ArgumentError; and
    MissingExtraError where PyAV, or for `track` the library trackers, is not installed.
    """
    video = open_ahead(source, stop)
    if video is not None:
        options = {"classes": classes, "min_score": min_score, "max_detections": max_detections, "nms": nms}
        frames = frames_ahead(video, every, stop, reconnect=reconnect)
        for _, found in detect_frames(detector, video, frames, every=every, track=track, **options):
            yield found


def open_ahead(source: str | PathLike[str], stop: threading.Event | None) -> Video | None:
    """Open a video in a thread; None if `stop` is set before it answers, which a blocking open could not notice."""

    def opened() -> Generator[Video]:
        yield open_video(source)

    return next(prefetch(opened(), 1, stop=stop), None)


def frames_ahead(video: Video, step: int, stop: threading.Event | None, *, reconnect: bool = False) -> Iterator[Frame]:
    """Decode every `step`-th frame in a thread; of a live source only the newest of them."""
    if not (isinstance(step, int | np.integer) and step >= 1):
        raise ArgumentError(f"every: expected a whole number from 1, got {step}")
    ended = threading.Event()
    frames = read_reconnecting(video, step, ended) if reconnect else read_frames(video, step)
    try:
        yield from prefetch(frames, 1 if video.live else _ROOM, drop_oldest=video.live, stop=stop)
    finally:
        ended.set()


def detect_frames(
    detector: Detector, video: Video, frames: Iterable[Frame], *, every: int, track: bool, **options: Any
) -> Iterator[tuple[Frame, FrameDetections]]:
    """Yield each frame with the latest detections: its own if it is `every` or more after the last that had any."""
    tracker = Tracker(float(video.frame_rate) / every) if track else None
    latest: FrameDetections | None = None
    for frame in frames:
        if latest is None or frame.number >= latest.number + every:
            found = replace(detector(frame.pixels, **options), source=video.name)
            tracks = tracker.update(found, frame.time) if tracker else None
            latest = FrameDetections(frame.number, frame.time, found, tracks)
        yield frame, latest
