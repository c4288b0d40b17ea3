"""Frames as they come out of a file: all of them, with their times."""

import struct
from pathlib import Path

import numpy as np
import pytest

from boxable.video.frames import Frame, read_frames
from boxable.video.source import open_video
from tests.video.clips import cat_clip, cat_frames, write_clip


def frames_of(path: Path, step: int = 1) -> list[Frame]:
    return list(read_frames(open_video(path), step))


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


@pytest.mark.parametrize("begins", [(0, 0), (0, 3 * 3600), (3 * 3600, 0)])
def test_recordings_that_were_joined_follow_each_other(begins: tuple[int, int], tmp_path: Path) -> None:
    joined = tmp_path / "joined.ts"
    parts = []
    for begin in begins:
        options = {"output_ts_offset": str(begin), "mpegts_copyts": "1"}
        parts.append(write_clip(tmp_path / "part.ts", cat_frames(6), rate=10, options=options).read_bytes())
    joined.write_bytes(b"".join(parts))
    found = frames_of(joined)
    assert [frame.time for frame in found] == pytest.approx([number / 10 for number in range(12)])
    assert [frame.number for frame in found] == list(range(12))


def test_what_an_edit_list_leaves_out_is_neither_shown_nor_missed(tmp_path: Path) -> None:
    clip = cat_clip(tmp_path / "edited.mp4", 20, rate=10)
    data = bytearray(clip.read_bytes())
    entry = data.find(b"elst") + 12  # after its version, flags and count: duration in ms, first time
    data[entry : entry + 8] = struct.pack(">Ii", 1000, 7 * 1024)
    clip.write_bytes(data)
    assert [frame.time for frame in frames_of(clip)] == pytest.approx([number / 10 for number in range(10)])


def test_frames_without_timestamps_come_at_the_frame_rate(tmp_path: Path) -> None:
    clip = cat_clip(tmp_path / "raw.h264", 5, options={"framerate": "25"})
    assert [frame.time for frame in frames_of(clip)] == pytest.approx([number / 25 for number in range(5)])
