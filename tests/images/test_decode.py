"""Encoded images become upright RGB pixels."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps

from boxable.errors import ImageError
from boxable.images.decode import Limits, decode, decode_as_stored, decode_scaled, from_pil, size_of_whole

ORIENTATION = 0x0112
# Not square, and different in every corner, so that each of the eight orientations gives another image.
PIXELS = np.random.default_rng(0).integers(0, 256, (5, 8, 3), np.uint8).repeat(8, axis=0).repeat(8, axis=1)


def encoded(
    pixels: NDArray[np.generic] | Image.Image, format_: str, orientation: int | None = None, **options: object
) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    if orientation is not None:
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        options["exif"] = exif
    content = io.BytesIO()
    image.save(content, format_, **options)
    return content.getvalue()


def upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """As Pillow turns it."""
    image = Image.fromarray(pixels)
    image.getexif()[ORIENTATION] = orientation
    return np.asarray(ImageOps.exif_transpose(image))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_exif_orientation_is_applied(format_: str, orientation: int) -> None:
    options = {"lossless": True} if format_ == "WEBP" else {}
    as_stored = decode(encoded(PIXELS, format_, **options), "plain")
    found = decode(encoded(PIXELS, format_, orientation, **options), "turned")
    assert found.flags.c_contiguous
    assert_array_equal(found, upright(as_stored, orientation))


def test_the_eight_orientations_give_eight_images() -> None:
    found = {decode(encoded(PIXELS, "PNG", orientation), "turned").tobytes() for orientation in range(1, 9)}
    assert len(found) == 8


COMMENT = b"\xff\xfe\x00\x06\xff\xda\x00\x02"  # it holds what else begins the pixels


@pytest.mark.parametrize(
    "before", [COMMENT, b"\xff", b"\xff\xd0", b"\xff\xec\x00\x02" * 9], ids=["comment", "fill", "restart", "segments"]
)
@pytest.mark.parametrize("kind", ["EXIF", "XMP"])
def test_the_orientation_of_a_jpeg_is_found_behind_whatever_stands_before_it(before: bytes, kind: str) -> None:
    content = encoded(PIXELS, "JPEG", 6) if kind == "EXIF" else encoded(PIXELS, "JPEG", xmp=b'tiff:Orientation="6"')
    place = content.index(b"\xff\xe1")
    found = decode(content[:place] + before + content[place:], "turned")
    assert_array_equal(found, upright(decode(encoded(PIXELS, "JPEG"), "plain"), 6))


@pytest.mark.parametrize("least", [None, 10])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_with_and_without_metadata_is_the_same_image(mode: str, progressive: bool, least: int | None) -> None:
    image = Image.fromarray(PIXELS).convert(mode)
    plain, described = (
        decode_scaled(encoded(image, "JPEG", orientation, progressive=progressive), mode, least)
        for orientation in (None, 1)
    )
    assert_array_equal(plain[0], described[0])
    assert plain[1:3] == described[1:3] == (64, 40)


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_an_orientation_that_does_not_exist_changes_nothing(orientation: int) -> None:
    assert_array_equal(decode(encoded(PIXELS, "JPEG", orientation), "odd"), decode(encoded(PIXELS, "JPEG"), "plain"))


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_an_open_pil_image_is_turned_too(orientation: int) -> None:
    with Image.open(io.BytesIO(encoded(PIXELS, "PNG", orientation))) as image:
        assert_array_equal(from_pil(image, "open"), upright(PIXELS, orientation))


@pytest.mark.parametrize("format_", ["PNG", "BMP", "TIFF", "GIF"])
def test_formats_without_loss_give_the_same_pixels(format_: str) -> None:
    grey = np.repeat(PIXELS[:, :, :1], 3, axis=2)
    assert_array_equal(decode(encoded(grey, format_), "same"), grey)


def test_jpeg_pixels_are_those_of_a_baseline_decoder() -> None:
    data = encoded(PIXELS, "JPEG", quality=95, subsampling=0)
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(image)
    assert np.abs(decode(data, "photo").astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (np.full((2, 2), 77, np.uint8), [77, 77, 77]),
        (np.full((2, 2), True), [255, 255, 255]),
        (np.full((2, 2), 0xAB34, np.uint16), [0xAB, 0xAB, 0xAB]),
        (np.full((2, 2, 4), (10, 20, 30, 0), np.uint8), [10, 20, 30]),
        (np.full((2, 2, 2), (40, 9), np.uint8), [40, 40, 40]),
    ],
    ids=["grey", "one bit", "16 bits", "alpha is dropped", "grey with alpha"],
)
def test_every_kind_of_pixel_becomes_rgb(pixels: NDArray[np.generic], expected: list[int]) -> None:
    found = decode(encoded(pixels, "PNG"), "kind")
    assert found.dtype == np.uint8
    assert_array_equal(found, np.broadcast_to(np.array(expected, np.uint8), (2, 2, 3)))


def test_a_palette_becomes_its_colours() -> None:
    content = io.BytesIO()
    Image.fromarray(PIXELS).quantize(8).save(content, "PNG")
    with Image.open(content) as image:
        assert_array_equal(decode(content.getvalue(), "palette"), np.asarray(image.convert("RGB")))


def test_the_first_frame_of_an_animation_is_taken() -> None:
    frames = [Image.fromarray(np.full((4, 4, 3), grey, np.uint8)) for grey in (10, 200)]
    content = io.BytesIO()
    frames[0].save(content, "GIF", save_all=True, append_images=frames[1:])
    assert_array_equal(decode(content.getvalue(), "moving"), np.full((4, 4, 3), 10))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "expected an image, got an empty file"),
        (b"text", "expected an image \\(JPEG, PNG, .* or HEIC\\), got another kind of file"),
        (b"%PDF-1.4", "got another kind of file"),
        (encoded(PIXELS, "PNG")[:200], "damaged or unsupported"),
        (encoded(PIXELS, "JPEG")[:300], "damaged or unsupported"),
        (encoded(np.zeros((2, 2), np.float32), "TIFF"), "32-bit floats"),
    ],
    ids=["empty", "text", "pdf", "png cut", "jpeg cut", "floats"],
)
def test_what_cannot_be_read_is_an_error_that_begins_with_the_name(data: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=rf"^holiday: .*{reason}"):
        decode(data, "holiday")


@pytest.mark.parametrize(
    ("least", "factor"), [(None, 1), (400, 1), (199, 1), (160, 1), (151, 1), (150, 2), (75, 4), (38, 8), (1, 8)]
)
def test_a_scaled_jpeg_has_the_smallest_size_that_suffices_and_tells_the_full_one(
    least: int | None, factor: int
) -> None:
    content = encoded(np.full((300, 399, 3), 90, np.uint8), "JPEG")
    pixels, width, height, _ = decode_scaled(content, "grey", least)
    assert (width, height) == (399, 300)
    assert pixels.shape == (-(-300 // factor), -(-399 // factor), 3)
    assert (abs(pixels.astype(int) - 90) <= 1).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_scaled_jpeg_is_turned_and_so_is_its_size(orientation: int) -> None:
    large = PIXELS.repeat(4, axis=0).repeat(4, axis=1)
    pixels, width, height, _ = decode_scaled(
        encoded(large, "JPEG", orientation, quality=100, subsampling=0), "turned", 80
    )
    expected = upright(large, orientation)
    assert (height, width) == expected.shape[:2]
    assert pixels.shape[:2] == (height // 2, width // 2)
    assert np.abs(pixels[8::16, 8::16].astype(int) - expected[16::32, 16::32]).max() < 20


@pytest.mark.parametrize("format_", ["PNG", "TIFF", "BMP"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_other_formats_are_never_scaled(format_: str, orientation: int) -> None:
    content = encoded(PIXELS, format_, orientation if format_ != "BMP" else None)
    pixels, width, height, _ = decode_scaled(content, "whole", 1)
    assert_array_equal(pixels, decode(content, "whole"))
    assert (height, width) == pixels.shape[:2]


@pytest.mark.parametrize("orientation", [None, 1, 6])
@pytest.mark.parametrize(
    ("format_", "mode"),
    [("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "RGB"), ("WEBP", "RGB"), ("BMP", "RGB"), ("GIF", "P")],
)
def test_the_size_of_a_whole_image_is_that_of_its_pixels_as_stored(
    format_: str, mode: str, orientation: int | None
) -> None:
    content = encoded(
        Image.fromarray(PIXELS).convert(mode), format_, orientation if format_ not in ("BMP", "GIF") else None
    )
    assert size_of_whole(content, "whole") == (64, 40)
    assert decode_as_stored(content, "whole").shape == (40, 64, 3)


def as_stored(data: bytes, name: str) -> tuple[int, int]:
    height, width, _ = decode_as_stored(data, name).shape
    return width, height


def outcome(read: Callable[[bytes, str], tuple[int, int]], data: bytes) -> tuple[int, int] | str:
    try:
        return read(data, "damaged")
    except ImageError as error:
        return str(error)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_damage_that_a_decoder_meets_is_met_where_only_the_size_is_asked_for(
    progressive: bool, subsampling: int
) -> None:
    content = encoded(PIXELS.repeat(3, axis=0), "JPEG", progressive=progressive, subsampling=subsampling)
    random = np.random.default_rng(1)
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        damaged[random.integers(len(content))] = random.integers(256)
        if random.random() < 0.3:
            del damaged[random.integers(len(content)) :]
        whole, size = (outcome(read, bytes(damaged)) for read in (as_stored, size_of_whole))
        assert size == whole
        refused += isinstance(whole, str)
    assert 50 < refused < 250


def test_no_size_of_what_cannot_be_read() -> None:
    for data in (b"", b"text", encoded(PIXELS, "PNG")[:200], encoded(PIXELS, "JPEG")[:300]):
        with pytest.raises(ImageError, match=r"^holiday: "):
            size_of_whole(data, "holiday")


# Files cut at two thirds, and the share of their rows that is whole at least. A BMP begins at the bottom.
CUT = [
    ("JPEG", "RGB", 0.5),
    ("JPEG", "L", 0.5),
    ("JPEG", "CMYK", 0.5),
    ("PNG", "RGB", 0.5),
    ("PNG", "P", 0.5),
    ("PNG", "RGBA", 0.5),
    ("GIF", "P", 0.25),
    ("BMP", "RGB", 0.6),
    ("PPM", "RGB", 0.6),
    ("TIFF", "RGB", 0.6),
]


@pytest.mark.parametrize(("format_", "mode", "share"), CUT)
def test_a_damaged_image_is_decoded_as_far_as_possible_if_that_is_wanted(format_: str, mode: str, share: float) -> None:
    random = np.random.default_rng(2).integers(1, 256, (120, 80, 3), np.uint8)
    data = encoded(Image.fromarray(random).convert(mode), format_)
    cut = data[: len(data) * 2 // 3]
    with pytest.raises(ImageError, match=r"^cut: damaged"):
        decode_scaled(cut, "cut", None)
    found, whole = decode_scaled(cut, "cut", None, truncated="keep"), decode(data, "whole")
    assert found[1:] == (80, 120, True)
    rows = (found.pixels == whole).all(axis=(1, 2))
    rows = rows[::-1] if format_ == "BMP" else rows
    assert share * 120 <= rows.argmin() < 120


def test_a_progressive_jpeg_is_decoded_coarsely_and_turned() -> None:
    smooth = np.asarray(Image.linear_gradient("L").convert("RGB"))
    data = encoded(smooth, "JPEG", 6, progressive=True)
    found = decode_scaled(data[:-80], "cut", 100, truncated="keep")
    assert found[1:] == (256, 256, True)
    assert np.abs(found.pixels.astype(int) - upright(smooth, 6)).mean() < 8


def test_a_whole_image_is_not_called_truncated() -> None:
    for format_ in ("JPEG", "PNG", "WEBP", "AVIF"):
        data = encoded(PIXELS, format_)
        kept = decode_scaled(data, "whole", None, truncated="keep")
        assert not kept.truncated
        assert_array_equal(kept.pixels, decode(data, "whole"))


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP", "AVIF", "JPEG2000"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.4])
def test_where_nothing_is_decoded_a_damaged_image_stays_an_error(format_: str, share: float) -> None:
    if format_ in ("PNG", "JPEG") and share == 0.4:
        return  # those are decoded in part
    data = encoded(PIXELS, format_)
    with pytest.raises(ImageError, match=r"^cut: "):
        decode_scaled(data[: int(len(data) * share)], "cut", None, truncated="keep")


def test_limits_hold_for_damaged_images_too() -> None:
    data = encoded(PIXELS, "PNG")
    with pytest.raises(ImageError, match="million pixels"):
        decode_scaled(data[:-200], "cut", None, Limits(max_pixels=100), "keep")


def test_keeping_a_damaged_image_leaves_the_switch_of_pillow_alone() -> None:
    decode_scaled(encoded(PIXELS, "PNG")[:-200], "cut", None, truncated="keep")
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
