"""Video sources: files, cameras, addresses. Needs PyAV, which is imported here when a video is opened."""

import errno
import sys
import time
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

from boxable.errors import MissingExtraError, VideoError
from boxable.settings import require_network

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

ADDRESSES = ("rtsp://", "rtsps://", "http://", "https://")
TIMEOUT_S = 10.0
_SILENT = f"no answer within {TIMEOUT_S:.0f} seconds"

# Where a source does not say how many frames it has a second.
_USUAL_RATE = Fraction(25)


@dataclass(frozen=True, slots=True, eq=False)
class Video:
    """An open source. A `live` one does not wait for its reader; `frames` is an estimate, None where unknown."""

    name: str
    container: "InputContainer"
    stream: "VideoStream"
    live: bool
    frame_rate: Fraction
    frames: int | None


def open_video(source: str | PathLike[str]) -> Video:
    """Open a file, a camera (its number, or /dev/video0) or an rtsp://, http:// or https:// address.

    Raises VideoError for what is not there, does not answer within ten seconds or has no video that can be decoded,
    and MissingExtraError without PyAV.
    """
    require_video()
    import av

    name = fspath(source)
    place, format_, options = _place(name)
    is_address = _is_address(name)
    timeout = TIMEOUT_S if is_address else None
    start = time.monotonic()
    try:
        container = av.open(place, "r", format=format_, options=options, timeout=timeout)
    except (av.error.FFmpegError, ValueError) as error:  # ValueError: a format for cameras that is not built in
        # Of RTSP that is silent FFmpeg says in the end that its data are invalid.
        is_silent = is_address and time.monotonic() - start >= TIMEOUT_S
        raise VideoError(f"{name}: {_SILENT if is_silent else reason(error)}") from None
    try:
        stream = _stream(container, name)
    except VideoError:
        container.close()
        raise
    rate = stream.average_rate or stream.guessed_rate or _USUAL_RATE
    seconds = container.duration / 1_000_000 if container.duration else None
    live = format_ is not None or name.lower().startswith("rtsp") or (is_address and seconds is None)
    if not live:
        # Of a live source it would hold back as many frames as it has threads.
        stream.thread_type = "AUTO"
    frames = stream.frames or (round(seconds * rate) if seconds is not None else None)
    return Video(name, container, stream, live, rate, None if live else frames)


def require_video() -> None:
    """Raise MissingExtraError without PyAV."""
    try:
        import av  # noqa: F401
    except ImportError:
        raise MissingExtraError("video", "boxable[video]") from None


def reason(error: Exception) -> str:
    """Format an error of FFmpeg for people."""
    import av

    if isinstance(error, av.error.InvalidDataError):
        return "damaged, or not a video that can be read"
    if isinstance(error, av.error.ExitError | TimeoutError):
        return _SILENT
    if isinstance(error, FileNotFoundError):
        return "no such file or camera"
    if isinstance(error, IsADirectoryError):
        return "a folder; expected a video"
    if getattr(error, "errno", None) == errno.EBUSY:
        return "the camera is busy; close the program that uses it"
    return f"cannot be read ({getattr(error, 'strerror', None) or error})"


def _place(name: str) -> tuple[str, str | None, dict[str, str]]:
    """Return FFmpeg's name, format (None: to be detected) and options of a source."""
    if name.isdecimal() or name.startswith("/dev/video"):
        return _camera(name)
    if _is_address(name):
        require_network(name)
        # Over UDP, the default, images break up as soon as a packet is lost.
        return name, None, {"rtsp_flags": "prefer_tcp"} if name.lower().startswith("rtsp") else {}
    # So that a colon in the name of a file does not make a protocol of it.
    return f"file:{name}", None, {}


def _camera(name: str) -> tuple[str, str, dict[str, str]]:
    if sys.platform == "linux":
        return (f"/dev/video{name}" if name.isdecimal() else name), "v4l2", {}
    if sys.platform == "darwin":
        return name, "avfoundation", {"framerate": "30"}
    raise VideoError(f"{name}: cameras can be read on Linux and macOS; expected a file or an address")


def _is_address(name: str) -> bool:
    return name.lower().startswith(ADDRESSES)


def _stream(container: "InputContainer", name: str) -> "VideoStream":
    """Return the first video stream; the cover of a song is none."""
    from av.stream import Disposition

    covers = Disposition.attached_pic
    stream = next((item for item in container.streams.video if not item.disposition & covers), None)
    if stream is None:
        raise VideoError(f"{name}: no video in it; expected a file with a video stream")
    if stream.codec_context is None:
        raise VideoError(f"{name}: no decoder for its codec here; convert it to H.264 first")
    return stream


def is_file(name: str) -> Path | None:
    """Return the path if the source is a file, and not a camera or an address."""
    return None if name.isdecimal() or name.startswith("/dev/") or _is_address(name) else Path(name)
