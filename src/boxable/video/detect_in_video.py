"""Detect in a video, print a record a frame or a summary, write the annotated video."""

import logging
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from math import ceil
from os.path import realpath
from pathlib import Path
from typing import Any

from boxable.detection.load import load
from boxable.errors import FAILED, INTERRUPTED, ArgumentError, VideoError
from boxable.findings import counted
from boxable.formats import FRAME_FORMATS, JSON_FORMATS
from boxable.formats.record import FrameRecord
from boxable.printing import print_text
from boxable.progress import progress
from boxable.video.detect import FrameDetections, detect_frames, frames_ahead, open_ahead
from boxable.video.frames import Frame
from boxable.video.names import file_of, require_video_name
from boxable.video.source import Video, require_video
from boxable.video.tracking import require_tracking
from boxable.video.writer import VideoWriter

logger = logging.getLogger("boxable")


@dataclass
class _VideoRun:
    video: Video
    writer: VideoWriter | None
    every: int
    max_frames: int | None
    shown: bool
    done: int = 0
    started: float = field(default_factory=time.monotonic)
    # How many frames each class was found in.
    frames_with: Counter[str] = field(default_factory=Counter)
    error: VideoError | None = None

    def records(self, found: Iterator[tuple[Frame, FrameDetections]]) -> Iterator[FrameRecord]:
        """Yield the record of each analyzed frame; frames are written on the way."""
        with progress("detecting", self._expected(), unit="frames", shown=self.shown) as advance:
            try:
                for frame, latest in found:
                    is_new = latest.number == frame.number
                    if self.writer is not None:
                        height, width = frame.pixels.shape[:2]
                        self.writer.write(latest.draw(frame), (width, height), frame.time)
                    if is_new:
                        self.done += 1
                        self.frames_with.update({*latest.detections.names.tolist()})
                        advance()
                        yield latest.to_dict()
                    if self.done == self.max_frames:
                        return
            except VideoError as error:
                if not self.done:
                    raise
                self.error = error

    def summary(self) -> str:
        """Tell how many frames were looked at, how fast, and what was in them."""
        seconds = time.monotonic() - self.started
        found = ", ".join(f"{name} in {count:,}" for name, count in self.frames_with.most_common())
        speed = self.done / max(seconds, 1e-6)
        return f"{counted(self.done, 'frame|s')} in {seconds:.1f} s, {speed:.1f} frames/s; found: {found or 'nothing'}"

    def _expected(self) -> int | None:
        if self.video.frames is None:
            return self.max_frames
        looks = ceil(self.video.frames / self.every)
        return looks if self.max_frames is None else min(looks, self.max_frames)


def detect_in_video(
    source: str,
    stop: threading.Event,
    *,
    opening: Mapping[str, Any],
    out: Path | None,
    format_: str | None,
    every: int,
    track: bool,
    max_frames: int | None,
    reconnect: bool,
    **options: Any,
) -> int:
    """Detect, print and write; returns the exit code: 1 if the video was damaged or broke off, else 0.

    Without `format_` no records are printed, but a summary on stderr. `opening` is what `load` is called with;
    `options` are those of the Detector. Once `stop` is set the results so far are finished properly, and 130 is
    returned. Raises VideoError if there is not one good frame, and ArgumentError if `out` is the source.
    """
    require_video()
    if track:
        require_tracking()
    require_video_name(source)
    _refuse_overwriting(source, out)
    detector = load(**opening)
    video = open_ahead(source, stop)
    if video is None:
        logger.warning("stopped before %s was open", source)
        return INTERRUPTED
    frames = frames_ahead(video, 1 if out else every, stop, reconnect=reconnect)
    found = detect_frames(detector, video, frames, every=every, track=track, **options)
    writer = None if out is None else VideoWriter(out, video.frame_rate)
    run = _VideoRun(video, writer, every, max_frames, shown=format_ is None or not sys.stdout.isatty())
    with writer or nullcontext():
        records = run.records(found)
        texts = FRAME_FORMATS[format_](records, detector.classes) if format_ else ("" for _ in records)
        for text in texts:
            if not print_text(text, is_json=format_ in JSON_FORMATS):
                raise BrokenPipeError
    if format_ is None:
        logger.info("%s", run.summary())
    return _report(run, stop)


def _report(run: _VideoRun, stop: threading.Event) -> int:
    if run.writer is not None and run.writer.frames:
        logger.info("wrote %s: %s, without sound", run.writer.path, counted(run.writer.frames, "frame|s"))
    if run.error is not None:
        logger.warning("%s; good are the results of %s", run.error, counted(run.done, "frame|s"))
        return FAILED
    if stop.is_set():
        logger.warning("stopped; done, with complete results: %s", counted(run.done, "frame|s"))
        return INTERRUPTED
    return 0


def _refuse_overwriting(source: str, out: Path | None) -> None:
    path = file_of(source)
    if out is not None and path is not None and realpath(out) == realpath(path):
        raise ArgumentError(f"--out {out}: the annotated video would replace {path}; choose another name")
