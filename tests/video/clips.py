"""Small videos: the cat of examples/ wanders from left to right."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from tests.conftest import EXAMPLES

SIZE = (480, 270)


def cat_frames(count: int, size: tuple[int, int] = SIZE) -> list[Image.Image]:
    cat = Image.open(EXAMPLES / "chelsea.png").convert("RGB").resize((225, 150))
    frames = []
    for number in range(count):
        frame = Image.new("RGB", size, (120, 130, 140))
        frame.paste(cat, (round((size[0] - 225) * number / max(count - 1, 1)), (size[1] - 150) // 2))
        frames.append(frame)
    return frames


def write_clip(
    path: Path,
    frames: Iterable[Image.Image],
    *,
    rate: int = 25,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    times: list[float] | None = None,
    rotation: int | None = None,
    matrix: tuple[int, int, int, int] | None = None,
    aspect: Fraction | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write a video.

    `times` in seconds make the frame rate vary; `rotation` is in degrees counter-clockwise, `matrix` has the first two
    numbers of each of the first two rows of the display matrix; `aspect` is that of a pixel.
    """
    with av.open(str(path), "w", options=options or {}) as container:
        stream: Any = container.add_stream(codec, rate=rate, options={"bf": "0"} if codec == "libx264" else {})
        if times:
            stream.codec_context.time_base = Fraction(1, 1000)
        if rotation:
            stream.set_display_rotation(rotation)
        if matrix:
            a, b, c, d = (item * 2**16 for item in matrix)
            stream.set_display_matrix([a, b, 0, c, d, 0, 0, 0, 2**30])
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        for number, image in enumerate(frames):
            if number == 0:
                stream.width, stream.height, stream.pix_fmt = *image.size, pix_fmt
            frame = av.VideoFrame.from_image(image)
            if times:
                frame.pts, frame.time_base = round(times[number] * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def cat_clip(path: Path, count: int = 12, **options: Any) -> Path:
    return write_clip(path, cat_frames(count), **options)


def song(path: Path) -> Path:
    """A second of silence, and no image."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), "fltp", "mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


class Shown:
    """What a player would show of a file."""

    def __init__(self, path: Path) -> None:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            self.rate = stream.average_rate
            self.sounds = len(container.streams.audio)
            decoded = list(container.decode(stream))
            self.times = [round(float(frame.time), 3) for frame in decoded]
            self.images = [np.asarray(frame.to_ndarray(format="rgb24")) for frame in decoded]
            self.size = (stream.width, stream.height)
            self.seconds = (container.duration or 0) / 1_000_000
