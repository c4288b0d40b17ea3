"""Frames as they come out of a file: all of them, with their times, upright, RGB."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from boxable.video.frames import Frame, read_frames
from boxable.video.source import open_video
from tests.video.clips import cat_clip, write_clip

RED, GREEN, BLUE, GREY = (200, 30, 30), (30, 200, 30), (30, 30, 200), (128, 128, 128)


def frames_of(path: Path, step: int = 1) -> list[Frame]:
    return list(read_frames(open_video(path), step))


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


@pytest.mark.parametrize(("step", "numbers"), [(1, list(range(7))), (3, [0, 3, 6]), (50, [0])])
def test_every_nth_frame_comes_with_its_number_and_time(step: int, numbers: list[int], tmp_path: Path) -> None:
    found = frames_of(cat_clip(tmp_path / "cat.mp4", 7), step)
    assert [frame.number for frame in found] == numbers
    assert [frame.time for frame in found] == [number / 25 for number in numbers]
    assert {(frame.pixels.shape, frame.pixels.dtype) for frame in found} == {((270, 480, 3), np.dtype(np.uint8))}


def test_times_are_those_of_the_file_where_the_frame_rate_varies(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.5, 0.54, 2.0]
    clip = cat_clip(tmp_path / "slow.mkv", 5, times=times)
    assert [frame.time for frame in frames_of(clip)] == pytest.approx(times, abs=1e-3)


def test_the_first_frame_is_at_0_wherever_the_file_begins(tmp_path: Path) -> None:
    clip = cat_clip(tmp_path / "late.mkv", 3, times=[5.0, 5.1, 5.2])
    assert [frame.time for frame in frames_of(clip)] == pytest.approx([0, 0.1, 0.2], abs=1e-3)


@pytest.mark.parametrize(
    ("rotation", "expected"),
    [
        (None, ["red", "green", "blue", "grey"]),
        (90, ["green", "grey", "red", "blue"]),
        (180, ["grey", "blue", "green", "red"]),
        (-90, ["blue", "red", "grey", "green"]),
    ],
)
def test_frames_are_upright(rotation: int | None, expected: list[str], tmp_path: Path) -> None:
    (frame,) = frames_of(write_clip(tmp_path / "turned.mp4", [flag()], rotation=rotation))
    assert corners(frame.pixels) == expected
    assert frame.pixels.shape == ((64, 32, 3) if rotation in (90, -90) else (32, 64, 3))


@pytest.mark.parametrize(
    ("codec", "pix_fmt"), [("ffv1", "gray"), ("ffv1", "bgra"), ("ffv1", "yuv444p10le"), ("prores", "yuv422p10le")]
)
def test_other_pixel_formats_become_rgb(codec: str, pix_fmt: str, tmp_path: Path) -> None:
    (frame,) = frames_of(write_clip(tmp_path / "odd.mkv", [flag()], codec=codec, pix_fmt=pix_fmt))
    assert frame.pixels.shape == (32, 64, 3)
    if pix_fmt == "gray":
        assert (np.ptp(frame.pixels.astype(int), axis=2) == 0).all()
    else:
        assert corners(frame.pixels) == ["red", "green", "blue", "grey"]


def test_sides_may_be_odd(tmp_path: Path) -> None:
    image = flag().resize((63, 31))
    (frame,) = frames_of(write_clip(tmp_path / "odd.mkv", [image], codec="ffv1", pix_fmt="bgra"))
    assert frame.pixels.shape == (31, 63, 3)
