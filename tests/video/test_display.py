"""Frames as players show them: RGB, upright, mirrored where the file says so, with square pixels."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image, ImageCms

from boxable.video.frames import Frame, read_frames
from boxable.video.source import open_video
from tests.video.clips import write_clip

RED, GREEN, BLUE, GREY = (200, 30, 30), (30, 200, 30), (30, 30, 200), (128, 128, 128)


def corners(pixels: np.ndarray) -> list[str]:
    """Which color is at the top left, top right, bottom left, bottom right."""
    names = {"red": RED, "green": GREEN, "blue": BLUE, "grey": GREY}
    found = []
    for y, x in ((8, 8), (8, -8), (-8, 8), (-8, -8)):
        distance = {name: np.abs(pixels[y, x].astype(int) - color).sum() for name, color in names.items()}
        found.append(min(distance, key=lambda name: distance[name]))
    return found


def flag() -> Image.Image:
    """Red and green above, blue and gray below; 64x32."""
    image = Image.new("RGB", (64, 32), GREY)
    for color, place in ((RED, (0, 0)), (GREEN, (32, 0)), (BLUE, (0, 16))):
        image.paste(color, (*place, place[0] + 32, place[1] + 16))
    return image


def only_frame(path: Path) -> Frame:
    (frame,) = read_frames(open_video(path), 1)
    return frame


# What ffmpeg shows (`-autorotate`), of red and green above blue and grey.
@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ((1, 0, 0, 1), ["red", "green", "blue", "grey"]),
        ((-1, 0, 0, 1), ["green", "red", "grey", "blue"]),
        ((1, 0, 0, -1), ["blue", "grey", "red", "green"]),
        ((-1, 0, 0, -1), ["grey", "blue", "green", "red"]),
        ((0, 1, 1, 0), ["red", "blue", "green", "grey"]),
        ((0, 1, -1, 0), ["blue", "red", "grey", "green"]),
        ((0, -1, 1, 0), ["green", "grey", "red", "blue"]),
        ((0, -1, -1, 0), ["grey", "green", "blue", "red"]),
    ],
)
def test_all_eight_orientations(matrix: tuple[int, int, int, int], expected: list[str], tmp_path: Path) -> None:
    frame = only_frame(write_clip(tmp_path / "turned.mp4", [flag()], matrix=matrix))
    assert corners(frame.pixels) == expected
    assert frame.pixels.shape == ((32, 64, 3) if matrix[0] else (64, 32, 3))


@pytest.mark.parametrize(
    ("rotation", "expected"),
    [
        (90, ["green", "grey", "red", "blue"]),
        (-90, ["blue", "red", "grey", "green"]),
        (85, ["green", "grey", "red", "blue"]),
    ],
)
def test_rotations_go_to_the_nearest_right_angle(rotation: int, expected: list[str], tmp_path: Path) -> None:
    assert corners(only_frame(write_clip(tmp_path / "turned.mp4", [flag()], rotation=rotation)).pixels) == expected


@pytest.mark.parametrize(
    ("aspect", "size"),
    [
        (Fraction(1), (64, 32)),
        (Fraction(16, 11), (93, 32)),
        (Fraction(1, 2), (64, 64)),
        (Fraction(1000), (64, 32)),
        (Fraction(1, 1000), (64, 32)),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_pixels_become_square_and_none_is_lost(
    aspect: Fraction, size: tuple[int, int], turned: bool, tmp_path: Path
) -> None:
    matrix = (0, 1, -1, 0) if turned else None
    frame = only_frame(write_clip(tmp_path / "dvd.mp4", [flag()], aspect=aspect, matrix=matrix))
    assert frame.pixels.shape == ((*size, 3) if turned else (*size[::-1], 3))
    assert corners(frame.pixels) == (["blue", "red", "grey", "green"] if turned else ["red", "green", "blue", "grey"])


@pytest.mark.parametrize(
    ("codec", "pix_fmt"), [("ffv1", "gray"), ("ffv1", "bgra"), ("ffv1", "yuv444p10le"), ("prores", "yuv422p10le")]
)
def test_other_pixel_formats_become_rgb(codec: str, pix_fmt: str, tmp_path: Path) -> None:
    frame = only_frame(write_clip(tmp_path / "odd.mkv", [flag()], codec=codec, pix_fmt=pix_fmt))
    assert frame.pixels.shape == (32, 64, 3)
    if pix_fmt == "gray":
        assert (np.ptp(frame.pixels.astype(int), axis=2) == 0).all()
    else:
        assert corners(frame.pixels) == ["red", "green", "blue", "grey"]


def test_sides_may_be_odd(tmp_path: Path) -> None:
    image = flag().resize((63, 31))
    frame = only_frame(write_clip(tmp_path / "odd.mkv", [image], codec="ffv1", pix_fmt="bgra"))
    assert frame.pixels.shape == (31, 63, 3)


def wrap(image: Path, video: Path, codec: str, pix_fmt: str, rotation: int) -> Path:
    """Make the file of an image the only frame of a video."""
    with av.open(str(image)) as source, av.open(str(video), "w") as target:
        stream: Any = target.add_stream(codec, rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 32, pix_fmt
        if rotation:
            stream.set_display_rotation(rotation)
        packet = next(source.demux(video=0))
        packet.stream = stream
        target.mux(packet)
    return video


@pytest.mark.parametrize(
    ("rotation", "expected"), [(0, ["red", "green", "blue", "grey"]), (90, ["green", "grey", "red", "blue"])]
)
def test_png_frames_with_a_color_profile_do_not_crash(rotation: int, expected: list[str], tmp_path: Path) -> None:
    """PyAV 18 frees the metadata of their side data twice, once it has been asked for."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    flag().save(tmp_path / "flag.png", icc_profile=profile)
    clip = wrap(tmp_path / "flag.png", tmp_path / "flag.mov", "png", "rgb24", rotation)
    assert corners(only_frame(clip).pixels) == expected


def test_the_exif_orientation_of_motion_jpeg_is_applied(tmp_path: Path) -> None:
    """PyAV 18 does not know EXIF as side data, and raises ValueError for it."""
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    flag().save(tmp_path / "flag.jpg", exif=exif)
    clip = wrap(tmp_path / "flag.jpg", tmp_path / "flag.avi", "mjpeg", "yuvj420p", 0)
    assert corners(only_frame(clip).pixels) == ["blue", "red", "grey", "green"]
