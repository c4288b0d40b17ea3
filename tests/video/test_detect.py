"""Detect in a video."""

from pathlib import Path

import numpy as np
import pytest

import boxable
from boxable.errors import ArgumentError, VideoError
from boxable.video import detect as detect_module
from boxable.video.frames import Frame
from tests.video.clips import cat_clip


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return cat_clip(tmp_path / "cat.mp4", 10)


def test_each_frame_has_its_detections(detector: boxable.Detector, clip: Path) -> None:
    found = list(boxable.detect_video(detector, clip))
    assert [item.number for item in found] == list(range(10))
    assert [item.time for item in found] == [number / 25 for number in range(10)]
    assert all(item.detections.names.tolist() == ["Cat"] for item in found)
    assert all(item.detections.source == str(clip) for item in found)
    lefts = [float(item.detections.boxes[0, 1]) for item in found]
    assert lefts[-1] - lefts[0] > 0.4


def test_every_nth_frame_and_the_options_of_the_detector(detector: boxable.Detector, clip: Path) -> None:
    found = list(boxable.detect_video(detector, clip, every=4, classes="Dog", min_score=0.3))
    assert [(item.number, len(item.detections)) for item in found] == [(0, 0), (4, 0), (8, 0)]


def test_a_record_is_that_of_an_image_with_frame_and_time(detector: boxable.Detector, clip: Path) -> None:
    found = next(iter(boxable.detect_video(detector, str(clip), min_score=0.3)))
    record = found.to_dict()
    assert list(record) == ["source", "frame", "time", "width", "height", "detections"]
    assert (record["source"], record["frame"], record["width"], record["height"]) == (str(clip), 0, 480, 270)
    assert record["detections"] == found.detections.to_dict()["detections"]
    assert "track" not in record["detections"][0]


def test_drawing_changes_the_frame(detector: boxable.Detector, clip: Path) -> None:
    found = next(iter(boxable.detect_video(detector, clip, min_score=0.3)))
    frame = Frame(0, 0.0, np.full((270, 480, 3), 100, np.uint8))
    image = found.draw(frame)
    assert image.size == (480, 270)
    assert (np.asarray(image) != frame.pixels).any()


def test_a_live_source_that_left_out_frames_is_still_looked_at(detector: boxable.Detector, clip: Path) -> None:
    video = detect_module.open_ahead(clip, None)
    assert video is not None
    black = np.zeros((90, 90, 3), np.uint8)
    frames = [Frame(number, number / 25, black) for number in (0, 1, 7, 8, 13)]
    found = detect_module.detect_frames(detector, video, frames, every=3, track=False)
    assert [(frame.number, latest.number) for frame, latest in found] == [(0, 0), (1, 0), (7, 7), (8, 7), (13, 13)]
    video.container.close()


@pytest.mark.parametrize("every", [0, -1, 1.5])
def test_every_must_be_a_count(detector: boxable.Detector, clip: Path, every: int) -> None:
    with pytest.raises(ArgumentError, match=r"every: expected .*, got"):
        next(iter(boxable.detect_video(detector, clip, every=every)))


def test_a_missing_file_is_an_error_at_the_first_frame(detector: boxable.Detector, tmp_path: Path) -> None:
    found = boxable.detect_video(detector, tmp_path / "none.mp4")
    with pytest.raises(VideoError, match=r"none.mp4: no such file"):
        next(iter(found))
