"""Which sources are files, cameras and addresses, and what goes to the other verb."""

from pathlib import Path

import pytest

from boxable.errors import ArgumentError
from boxable.video.names import file_of, is_camera, require_image_name, require_video_name


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("clip.mp4", "clip.mp4"),
        ("http:cat.mp4", "http:cat.mp4"),
        ("file:///films/a%20b.mp4", "/films/a b.mp4"),
        ("file://localhost/films/a.mp4", "/films/a.mp4"),
        ("0", None),
        ("/dev/video0", None),
        ("RTSP://camera/stream", None),
        ("s3://bucket/clip.mp4", None),
    ],
)
def test_files_are_told_from_cameras_and_addresses(name: str, path: str | None) -> None:
    assert file_of(name) == (Path(path) if path else None)
    assert is_camera(name) == (name in ("0", "/dev/video0"))


def test_a_file_on_another_machine_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"expected a file on this machine, .* got one on nas"):
        file_of("file://nas/films/a.mp4")


@pytest.mark.parametrize("name", ["photo.jpg", "a/PHOTO.JPEG", "scan.tiff", "file:///photo.png", "frames/%04d.jpg"])
def test_an_image_is_no_video(name: str) -> None:
    with pytest.raises(ArgumentError, match="expected a video, got an image; use: boxable detect") as caught:
        require_video_name(name)
    assert str(caught.value).count(name) == 2


def test_standard_input_is_no_video() -> None:
    with pytest.raises(ArgumentError, match="a video is not read from standard input"):
        require_video_name("-")


@pytest.mark.parametrize("name", ["clip.mp4", "moving.gif", "http://camera/video.jpg", "0", "clip"])
def test_a_video_and_what_may_be_one_are_taken(name: str) -> None:
    require_video_name(name)


@pytest.mark.parametrize("name", ["clip.mp4", "a/CLIP.MOV", "*.mkv", "rtsp://camera/1", "https://host/clip.webm?t=1"])
def test_a_video_is_no_image(name: str) -> None:
    with pytest.raises(ArgumentError, match="expected images, got a video; use: boxable video"):
        require_image_name(name)


def test_a_camera_is_no_image() -> None:
    with pytest.raises(ArgumentError, match="expected images, got a video; use: boxable video /dev/video0"):
        require_image_name("/dev/video0")


def test_images_and_folders_are_taken(tmp_path: Path) -> None:
    (tmp_path / "frames.mp4").mkdir()
    for name in (str(tmp_path / "frames.mp4"), "photo.jpg", "-", "https://host/photo.jpg", "moving.gif", "*.png"):
        require_image_name(name)
