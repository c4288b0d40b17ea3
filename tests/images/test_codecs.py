"""Which decoder opens an image, and what is said where it is not installed."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from boxable.errors import ImageError
from boxable.images.codecs import SUFFIXES, UNREAD_SUFFIXES, is_video, lacks_heif, open_image, suffix_of
from boxable.images.decode import decode
from tests.hostile.makers import encoded

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500)
IMAGE = Image.fromarray(np.zeros((16, 16, 3), np.uint8))


@pytest.mark.parametrize(
    ("format_", "feature", "name"),
    [("WEBP", "webp", "WebP"), ("AVIF", "avif", "AVIF"), ("JPEG2000", "jpg_2000", "JPEG 2000")],
)
def test_a_pillow_without_a_decoder_is_named_once_it_is_needed(
    format_: str, feature: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, other = encoded(IMAGE, format_), encoded(IMAGE, "PNG")
    monkeypatch.setattr(features, "check", lambda asked: asked != feature)
    with pytest.raises(ImageError, match=rf"^a\.x: the installed Pillow cannot read {name}; run: pip install"):
        decode(image, "a.x")
    assert decode(other, "a.png").shape == (16, 16, 3)


@pytest.mark.parametrize("brands", [b"heic\0\0\0\0mif1heic", b"mif1\0\0\0\0mif1heic", b"heix\0\0\0\0mif1heix"])
def test_heic_without_its_extra_is_named_whatever_the_suffix(brands: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ImageError, match=r"^a\.jpg: a HEIC image needs .* pip install 'boxable\[heif\]'$"):
        open_image(b"\0\0\0\x18ftyp" + brands + bytes(500), "a.jpg")
    assert lacks_heif(".heic")
    assert lacks_heif(".hif")
    assert not lacks_heif(".jpg")


def test_heic_leaves_the_decoders_of_pillow_as_they_are() -> None:
    pytest.importorskip("pillow_heif")
    with pytest.raises(ImageError, match="damaged or unsupported"):
        decode(HEIC, "a.heic")
    assert not {"HEIF", "HEIC"} & set(Image.OPEN)
    assert not lacks_heif(".heic")


def test_no_decoder_runs_but_those_that_are_named() -> None:
    for format_ in ("TGA", "ICO", "PCX", "SGI", "PDF", "EPS", "DDS"):
        with pytest.raises(ImageError, match="got another kind of file"):
            decode(encoded(IMAGE, format_), "a.jpg")


def test_the_suffix_of_content_is_that_of_its_format() -> None:
    suffixes = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif", "TIFF": ".tif", "BMP": ".bmp"}
    suffixes |= {"PPM": ".ppm", "AVIF": ".avif", "JPEG2000": ".jp2"}
    assert {format_: suffix_of(encoded(IMAGE, format_)) for format_ in suffixes} == suffixes
    assert (suffix_of(HEIC), suffix_of(b""), suffix_of(b"text")) == (".heic", ".jpg", ".jpg")


def test_a_suffix_is_read_or_named_and_not_both() -> None:
    assert not set(SUFFIXES) & set(UNREAD_SUFFIXES)
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in (*SUFFIXES, *UNREAD_SUFFIXES))


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mpg", ".flv", ".wmv", ".3gp"])
def test_a_video_is_told_from_other_files_by_its_content(suffix: str, tmp_path: Path) -> None:
    clips = pytest.importorskip("tests.video.clips", reason="needs PyAV")
    codec = {".webm": "libvpx", ".mpg": "mpeg2video", ".wmv": "wmv2", ".flv": "flv"}.get(suffix, "mpeg4")
    clip = clips.write_clip(tmp_path / f"clip{suffix}", clips.cat_frames(2, (176, 144)), codec=codec)
    with pytest.raises(ImageError, match=r"^photo.jpg: expected an image, got a video; use boxable.detect_video or"):
        decode(clip.read_bytes(), "photo.jpg")


@pytest.mark.parametrize(
    "data", [b"\0\0\0\x18ftypmif1\0\0\0\0mif1miaf", b"RIFF\0\0\0\0WAVEfmt ", b"G" * 100, b"text", b""]
)
def test_what_only_resembles_a_video_is_none(data: bytes) -> None:
    assert not is_video(data)
