"""What the name of a source says: a file, a camera, or an address."""

import re
from pathlib import Path

from boxable.errors import ArgumentError
from boxable.images.addresses import path_of, scheme_of
from boxable.images.codecs import SUFFIXES as IMAGES

# What FFmpeg may be asked for; the first are always live.
LIVE = ("rtsp", "rtsps", "udp", "rtp", "srt")
SCHEMES = (*LIVE, "rtmp", "rtmps", "tcp", "http", "https")

VIDEOS = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".m2ts", ".mts", ".mpg", ".mpeg", ".vob", ".wmv", ".asf",
    ".flv", ".3gp", ".ogv", ".mxf", ".h264", ".h265", ".hevc", ".m3u8",
)  # fmt: skip
_DEVICE = "/dev/video"
# Images that may move.
_MOVING = (".gif", ".apng")


def is_camera(name: str) -> bool:
    """Tell whether this is a camera: its number, or its device."""
    return name.isdecimal() or name.startswith(_DEVICE)


def file_of(name: str) -> Path | None:
    """Return the path of a file, which may be given as file://; None of a camera or another address.

    Raises ArgumentError for a file on another machine.
    """
    scheme = scheme_of(name)
    if scheme == "file":
        try:
            return Path(path_of(name))
        except ValueError as error:
            raise ArgumentError(f"{name}: {error}") from None
    return None if scheme or is_camera(name) else Path(name)


def require_video_name(name: str) -> None:
    """Raise ArgumentError, which points to `boxable detect`, if this is an image file; also for standard input."""
    if name == "-":
        raise ArgumentError("-: a video is not read from standard input; expected a file, a camera or an address")
    path = file_of(name)
    suffix = path.suffix.lower() if path else ""
    if suffix in IMAGES and suffix not in _MOVING:
        raise ArgumentError(f"{name}: expected a video, got an image; use: boxable detect {name}")


def require_image_name(name: str) -> None:
    """Raise ArgumentError, which points to `boxable video`, if this is a video file, a camera's device or a stream."""
    scheme = scheme_of(name)
    path = re.split("[?#]", name)[0] if scheme else name  # not by urlsplit: an address may be malformed
    is_stream = scheme in SCHEMES and scheme not in ("http", "https")
    if is_stream or name.startswith(_DEVICE) or (Path(path).suffix.lower() in VIDEOS and not Path(path).is_dir()):
        raise ArgumentError(f"{name}: expected images, got a video; use: boxable video {name}")
