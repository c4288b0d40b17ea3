"""Video sources: files, cameras, addresses. Needs PyAV, which is imported here when a video is opened."""

import errno
import sys
import time
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike, fsdecode
from typing import TYPE_CHECKING, Any

from boxable.errors import ArgumentError, MissingExtraError, VideoError
from boxable.http import USER_AGENT
from boxable.images.addresses import scheme_of
from boxable.settings import require_network
from boxable.video.names import LIVE, SCHEMES, file_of, is_camera, require_video_name

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

TIMEOUT_S = 10.0
# Over UDP, the default of RTSP, images break up as soon as a packet is lost; of UDP itself losses are expected.
_OPTIONS = {
    "rtsp": {"rtsp_flags": "prefer_tcp"},
    "rtsps": {"rtsp_flags": "prefer_tcp"},
    "udp": {"overrun_nonfatal": "1"},
    "http": {"user_agent": USER_AGENT},
    "https": {"user_agent": USER_AGENT},
}
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
    """Open a file, a camera (its number, or /dev/video0) or an address: RTSP, RTMP, HTTP, UDP, RTP, TCP or SRT.

    Raises VideoError for what is not there, does not answer within ten seconds or has no video that can be decoded,
    ArgumentError for an image or what is no name, and MissingExtraError without PyAV.
    """
    require_video()
    import av

    name = _name(source)
    require_video_name(name)
    place, format_, options = _place(name)
    scheme = scheme_of(name)
    is_address = scheme in SCHEMES
    timeout = TIMEOUT_S if is_address else None
    start = time.monotonic()
    try:
        container = av.open(place, "r", format=format_, options=options, timeout=timeout)
    except (av.error.FFmpegError, ValueError) as error:  # ValueError: a format for cameras that is not built in
        # Of RTSP that is silent FFmpeg says in the end that its data are invalid.
        is_silent = is_address and time.monotonic() - start >= TIMEOUT_S
        if is_camera(name) and isinstance(error, FileNotFoundError):
            raise VideoError(f"{name}: no such camera") from None
        raise VideoError(f"{name}: {_SILENT if is_silent else reason(error)}") from None
    try:
        stream = _stream(container, name)
    except VideoError:
        container.close()
        raise
    rate = stream.average_rate or stream.guessed_rate or _USUAL_RATE
    seconds = container.duration / 1_000_000 if container.duration else None
    live = is_camera(name) or scheme in LIVE or (is_address and seconds is None)
    if not live:
        # Of a live source it would hold back as many frames as it has threads.
        stream.thread_type = "AUTO"
    frames = stream.frames or (round(seconds * rate) if seconds is not None else None)
    return Video(name, container, stream, live, rate, None if live else frames)


def _name(source: Any) -> str:
    if isinstance(source, str | PathLike):
        return fsdecode(source)
    raise ArgumentError(f'expected a path, an address or a camera such as "0" as video, got {source!r}')


def require_video() -> None:
    """Raise MissingExtraError without PyAV."""
    try:
        import av  # noqa: F401
    except ImportError:
        raise MissingExtraError("video", "boxable[video]") from None


def reason(error: Exception) -> str:
    """Format an error of FFmpeg for people."""
    import av

    if isinstance(error, av.error.ProtocolNotFoundError):
        return "the FFmpeg in this PyAV was built without this protocol"
    if isinstance(error, av.error.InvalidDataError):
        return "damaged, or not a video that can be read"
    if isinstance(error, av.error.ExitError | TimeoutError):
        return _SILENT
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, IsADirectoryError):
        return "a folder; expected a video"
    if getattr(error, "errno", None) == errno.EBUSY:
        return "the camera is busy; close the program that uses it"
    return f"cannot be read ({getattr(error, 'strerror', None) or error})"


def _place(name: str) -> tuple[str, str | None, dict[str, str]]:
    """Return FFmpeg's name, format (None: to be detected) and options of a source."""
    if is_camera(name):
        return _camera(name)
    path = file_of(name)
    if path is not None:
        # So that a colon in the name of a file does not make a protocol of it.
        return f"file:{path}", None, {}
    scheme = scheme_of(name)
    if scheme not in SCHEMES:
        raise VideoError(f"{name}: expected a file, a camera or an address of {', '.join(SCHEMES)}; got {scheme}://")
    require_network(name)
    return name, None, _OPTIONS.get(scheme, {})


def _camera(name: str) -> tuple[str, str, dict[str, str]]:
    if sys.platform == "linux":
        return (f"/dev/video{name}" if name.isdecimal() else name), "v4l2", {}
    if sys.platform == "darwin":
        return name, "avfoundation", {"framerate": "30"}
    raise VideoError(f"{name}: cameras can be read on Linux and macOS; expected a file or an address")


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
