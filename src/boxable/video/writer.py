"""Write a video: H.264 in MP4, whole or not at all, without sound."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from PIL import Image

from boxable.errors import BoxableError
from boxable.files import atomic_path

# Ticks a second, as is usual for MPEG; every usual frame rate divides into it.
_TICKS = 90_000

# The best that FFmpeg was built with; the second is in every build.
_CODECS = {"libx264": {"preset": "veryfast", "crf": "23"}, "mpeg4": {"qscale": "4"}}


class VideoWriter:
    """A video that takes its size from its first frame; the file is there when the block has ended without an error.

    Sides are rounded up to even numbers of pixels, and every frame is scaled to them: what players can play. With no
    frame there is no file. Raises BoxableError, naming the file and the reason, when writing fails.
    """

    def __init__(self, path: Path, frame_rate: Fraction) -> None:
        self.path = path
        self.frames = 0
        self._rate = frame_rate
        self._block = ExitStack()
        self._container: Any = None
        self._last = -1

    def __enter__(self) -> Self:
        return self

    def write(self, image: Image.Image, size: tuple[int, int], time: float) -> None:
        """Add a frame that is shown from `time` on, in seconds; the first gives the width and height of all."""
        import av

        with _failure_named(self.path):
            if self._container is None:
                self._open(size)
            frame = av.VideoFrame.from_ndarray(np.asarray(image), "rgb24").reformat(
                self._stream.width, self._stream.height, "yuv420p",
                dst_colorspace="ITU709", dst_color_range="MPEG", interpolation="BICUBIC",
            )  # fmt: skip
            # Two frames at one time would be refused.
            self._last = frame.pts = max(round(time * _TICKS), self._last + 1)
            frame.time_base = Fraction(1, _TICKS)
            frame.pict_type = 0
            self._container.mux(self._stream.encode(frame))
            self.frames += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._container is None:
            return
        try:
            with _failure_named(self.path):
                if error is None:
                    self._container.mux(self._stream.encode(None))
                self._container.close()
        except BaseException as failure:
            self._block.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._block.__exit__(kind, error, trace)

    def _open(self, size: tuple[int, int]) -> None:
        import av

        temporary = self._block.enter_context(atomic_path(self.path))
        self._container = av.open(str(temporary), "w", format="mp4", options={"movflags": "faststart"})
        codec = next(name for name in _CODECS if name in av.codecs_available)
        self._stream = self._container.add_stream(codec, rate=self._rate, options=_CODECS[codec])
        self._stream.width, self._stream.height = (side + side % 2 for side in size)
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.time_base = Fraction(1, _TICKS)
        # 1 is BT.709, and the range that is usual in video.
        context.colorspace = context.color_primaries = context.color_trc = context.color_range = 1


@contextmanager
def _failure_named(path: Path) -> Iterator[None]:
    """Turn what FFmpeg raises into a BoxableError that names the file."""
    import av

    try:
        yield
    except av.error.FFmpegError as error:
        raise BoxableError(f"cannot write {path}: {error.strerror or error}") from error
