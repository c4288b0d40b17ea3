"""The annotated video: what players can play, whole or not there."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from boxable.errors import BoxableError
from boxable.video.writer import VideoWriter
from tests.video.clips import Shown


def write(
    path: Path, images: list[Image.Image], rate: Fraction = Fraction(25), times: list[float] | None = None
) -> None:
    with VideoWriter(path, rate) as writer:
        for number, image in enumerate(images):
            writer.write(image, images[0].size, times[number] if times else float(number / rate))


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001), Fraction(60)])
def test_size_rate_and_count_are_kept(rate: Fraction, tmp_path: Path) -> None:
    write(tmp_path / "out.mp4", [Image.new("RGB", (96, 64), (10 * i, 50, 90)) for i in range(20)], rate)
    shown = Shown(tmp_path / "out.mp4")
    assert (shown.size, len(shown.images), shown.sounds) == ((96, 64), 20, 0)
    assert shown.rate == pytest.approx(rate, rel=1e-4)


def test_times_that_vary_are_kept(tmp_path: Path) -> None:
    times = [0.0, 0.3, 0.35, 1.2]
    write(tmp_path / "out.mp4", [Image.new("RGB", (64, 64))] * 4, times=times)
    assert Shown(tmp_path / "out.mp4").times == times


def test_two_frames_at_one_time_are_both_kept(tmp_path: Path) -> None:
    write(tmp_path / "out.mp4", [Image.new("RGB", (64, 64))] * 3, times=[0.0, 0.0, 0.1])
    assert len(Shown(tmp_path / "out.mp4").images) == 3


def test_odd_sides_become_even_and_other_sizes_are_scaled(tmp_path: Path) -> None:
    write(tmp_path / "out.mp4", [Image.new("RGB", (63, 31)), Image.new("RGB", (126, 62))])
    assert [image.shape for image in Shown(tmp_path / "out.mp4").images] == [(32, 64, 3)] * 2


@pytest.mark.parametrize("color", [(255, 0, 0), (0, 255, 0), (20, 20, 230), (255, 255, 255), (0, 0, 0)])
def test_colours_are_kept(color: tuple[int, int, int], tmp_path: Path) -> None:
    write(tmp_path / "out.mp4", [Image.new("RGB", (64, 64), color)])
    (image,) = Shown(tmp_path / "out.mp4").images
    assert np.abs(image[32, 32].astype(int) - color).max() <= 6


def test_without_a_frame_or_after_an_error_there_is_no_file(tmp_path: Path) -> None:
    write(tmp_path / "none.mp4", [])
    with pytest.raises(ZeroDivisionError), VideoWriter(tmp_path / "broken.mp4", Fraction(25)) as writer:  # noqa: PT012
        writer.write(Image.new("RGB", (64, 64)), (64, 64), 0.0)
        _ = 1 / 0
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "out.mp4"
    with pytest.raises(BoxableError, match=r"cannot write .*out\.mp4"):
        write(path, [Image.new("RGB", (64, 64))])
