"""Which images are measured."""

import io
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

import boxable
from boxable.bench.images import collect_images, draw_images
from boxable.errors import ArgumentError
from tests.conftest import EXAMPLES


def test_drawn_images_are_the_same_each_time_and_all_differ(tmp_path: Path) -> None:
    first, second = draw_images(tmp_path / "first"), draw_images(tmp_path / "second")
    assert first.contents == second.contents
    assert len(set(first.contents)) == len(first.contents) == 8
    assert [path.read_bytes() for path in first.files] == first.contents


def test_drawn_images_are_as_heavy_as_photos_and_show_something(tmp_path: Path, detector: boxable.Detector) -> None:
    contents = draw_images(tmp_path).contents
    with Image.open(io.BytesIO(contents[0])) as image:
        assert (image.format, image.size) == ("JPEG", (1024, 768))
    assert all(150_000 < len(content) < 350_000 for content in contents)
    assert sum(len(detector(content, min_score=0.3)) for content in contents) >= len(contents)


def test_of_many_photos_32_are_taken_evenly(tmp_path: Path) -> None:
    for number in range(70):
        Image.new("RGB", (8 + number, 8)).save(tmp_path / f"{number:02}.png")
    taken = collect_images([tmp_path])
    numbers = [int(path.stem) for path in taken.files]
    assert len(numbers) == 32
    assert {second - first for first, second in pairwise(numbers)} == {2, 3}
    assert taken.title.startswith("32 of 70 images")


def test_files_that_are_no_images_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 nothing more")
    taken = collect_images([tmp_path / "broken.jpg", EXAMPLES / "chelsea.png", tmp_path / "absent.jpg"])
    assert taken.files == [EXAMPLES / "chelsea.png"]
    assert taken.contents == [(EXAMPLES / "chelsea.png").read_bytes()]
    assert taken.title == "1 of 3 images, median size 451x300"


def test_a_folder_without_images_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    collect_images([EXAMPLES / "chelsea.png", tmp_path])
    assert caplog.messages[0].startswith(f"{tmp_path}: no images in this folder")


def test_without_a_photo_there_is_nothing_to_measure(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="expected files or folders with images"):
        collect_images([tmp_path])
