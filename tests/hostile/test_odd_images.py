"""Images that are unusual and sound: each gives what the plain image gives."""

import io
import json
import os
import random
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from boxable import Detections, Detector
from boxable.run_folder import RECORD
from tests.hostile.makers import (
    ORIENTATION,
    PHOTO,
    TURNED,
    animated,
    chunk,
    encoded,
    jpeg,
    path_of,
    photo,
    pixels,
    png,
    png16,
    segment,
    tiff,
    turned,
    with_segment,
    ycck,
)

Pixels = NDArray[np.uint8]

# As when the package is used outside the tests: Pillow's remarks on odd files are not wanted.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


class Odd(NamedTuple):
    """`expected` are the upright pixels; the mean difference from them may be as large as `lossy`."""

    file: str
    make: Callable[[], bytes]
    expected: Callable[[], Pixels]
    lossy: float = 0.0


@cache
def plain() -> Pixels:
    return pixels(photo())


@cache
def grey() -> Pixels:
    return pixels(photo().convert("L"))


def bilevel() -> Pixels:
    return pixels(photo().convert("1"))


def palette() -> Pixels:
    return pixels(photo().quantize(64))


def black(width: int, height: int) -> Callable[[], Pixels]:
    return lambda: np.zeros((height, width, 3), np.uint8)


def grey16() -> Image.Image:
    return Image.fromarray(np.asarray(photo().convert("L")).astype(np.uint16) * 257)


def with_alpha() -> Image.Image:
    image = photo().copy()
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


def exif(content: bytes) -> bytes:
    return segment(0xE1, b"Exif\0\0" + content)


def heic(orientation: int | None = None) -> bytes:
    """As a telephone writes it; libheif encodes it."""
    from pillow_heif import from_pillow

    content, exif = io.BytesIO(), Image.Exif()
    if orientation is not None:
        exif[ORIENTATION] = orientation
    method = TURNED[orientation or 1]
    from_pillow(photo().transpose(method) if method is not None else photo()).save(
        content, quality=95, exif=exif.tobytes()
    )
    return content.getvalue()


def png_with_texts(*, after_pixels: bool) -> bytes:
    """Two million bytes of text in each of the three ways, and as much of a color profile."""
    text = random.Random(7).randbytes(2_000_000).hex().encode()
    packed = zlib.compress(text)
    chunks = b"".join((
        chunk(b"iCCP", b"profile\0\0" + packed), chunk(b"tEXt", b"parameters\0" + text),
        chunk(b"zTXt", b"workflow\0\0" + packed), chunk(b"iTXt", b"prompt\0\1\0en\0\0" + packed),
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(2**26), 9)),
    ))  # fmt: skip
    data = encoded(photo(), "PNG")
    place = len(data) - 12 if after_pixels else 33
    return data[:place] + chunks + data[place:]


def png_with_late_exif() -> bytes:
    """Orientation 3, said after the pixels."""
    data = encoded(photo().rotate(180), "PNG")
    return data[:-12] + chunk(b"eXIf", b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x03\0\0\0\0\0\0\0") + data[-12:]


ODD = [
    Odd("animated.gif", lambda: animated("GIF"), plain, 8),
    Odd("animated.webp", lambda: animated("WEBP"), plain, 6),
    Odd("lossless.webp", lambda: encoded(photo(), "WEBP", lossless=True), plain),
    Odd("avif.avif", lambda: encoded(photo(), "AVIF", quality=95), plain, 3),
    Odd("turned.avif", lambda: turned("AVIF", 6, quality=95), plain, 3),
    Odd("jpeg-2000.jp2", lambda: encoded(photo(), "JPEG2000"), plain),
    Odd("codestream.j2k", lambda: encoded(photo(), "JPEG2000", no_jp2=True), plain),
    Odd("pixmap.ppm", lambda: encoded(photo(), "PPM"), plain),
    Odd("graymap.pgm", lambda: encoded(photo().convert("L"), "PPM"), grey),
    Odd("graymap-16-bit.pgm", lambda: encoded(grey16(), "PPM"), grey),
    Odd("bitmap.pbm", lambda: encoded(photo().convert("1"), "PPM"), bilevel),
    Odd("text.ppm", lambda: b"P3 1 2 255\n1 1 1 1 1 1\n", lambda: np.ones((2, 1, 3), np.uint8)),
    Odd("heic.heic", heic, plain, 3),
    Odd("turned.heic", lambda: heic(6), plain, 3),
    Odd("heic-by-another-name.jpg", heic, plain, 3),
    Odd("texts.png", lambda: png_with_texts(after_pixels=False), plain),
    Odd("texts-after-pixels.png", lambda: png_with_texts(after_pixels=True), plain),
    Odd("animated.png", lambda: animated("PNG"), plain),
    Odd("frames-miscounted.png", lambda: encoded(photo(), "PNG")[:33] + chunk(b"acTL", b"\0" * 8)
        + encoded(photo(), "PNG")[33:], plain),
    Odd("cmyk.jpg", lambda: encoded(photo().convert("CMYK"), "JPEG", quality=95), plain, 6),
    Odd("cmyk-turned.jpg", lambda: encoded(photo().transpose(TURNED[6]).convert("CMYK"), "JPEG", quality=95,
        exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"), plain, 6),
    Odd("ycck.jpg", ycck, plain, 6),
    Odd("cmyk.tif", lambda: encoded(photo().convert("CMYK"), "TIFF"), plain, 1),
    Odd("16-bit-grey.png", lambda: encoded(grey16(), "PNG"), grey),
    Odd("16-bit-grey.tif", lambda: encoded(grey16(), "TIFF"), grey),
    Odd("16-bit-grey-big-endian.tif", lambda: tiff(np.asarray(grey16())[:, :, None], ">"), grey),
    Odd("16-bit-rgb.png", lambda: png16(plain().astype(np.uint16) * 257), plain),
    Odd("16-bit-rgb.tif", lambda: tiff(plain().astype(np.uint16) * 257), plain),
    Odd("32-bit-grey.tif", lambda: tiff(np.asarray(grey16())[:, :, None].astype(np.int32)), grey),
    Odd("1-bit.png", lambda: encoded(photo().convert("1"), "PNG"), bilevel),
    Odd("1-bit-fax.tif", lambda: encoded(photo().convert("1"), "TIFF", compression="group4"), bilevel),
    Odd("palette.png", lambda: encoded(photo().quantize(64), "PNG"), palette),
    Odd("palette.bmp", lambda: encoded(photo().quantize(64), "BMP"), palette),
    Odd("palette-one-transparent.png", lambda: encoded(photo().quantize(64), "PNG", transparency=5), palette),
    Odd("palette-transparency.png", lambda: encoded(photo().quantize(64), "PNG", transparency=bytes(range(0, 256, 4))),
        palette),
    Odd("transparent-colour.png", lambda: encoded(photo(), "PNG", transparency=(1, 2, 3)), plain),
    Odd("grey-alpha.png", lambda: encoded(with_alpha().convert("LA"), "PNG"), grey),
    Odd("rgba.png", lambda: encoded(with_alpha(), "PNG"), plain),
    Odd("rgba.tif", lambda: encoded(with_alpha(), "TIFF"), plain),
    Odd("rgba.webp", lambda: encoded(with_alpha(), "WEBP", lossless=True, exact=True), plain),
    *[Odd(f"turned-{way}.jpg", lambda way=way: turned("JPEG", way, quality=95), plain, 3) for way in TURNED],
    *[Odd(f"turned-{way}.png", lambda way=way: turned("PNG", way), plain) for way in TURNED],
    Odd("turned.webp", lambda: turned("WEBP", 6, lossless=True), plain),
    Odd("turned.tif", lambda: turned("TIFF", 6), plain),
    Odd("turned-deflate.tif", lambda: turned("TIFF", 7, compression="tiff_deflate"), plain),
    Odd("turned-late.png", png_with_late_exif, plain),
    Odd("turned-not-at-all.jpg", lambda: with_segment(jpeg(), exif(b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"
        b"\x63\0\0\0\0\0\0\0")), plain, 3),
    Odd("exif-noise.jpg", lambda: with_segment(jpeg(), exif(b"\x13\x37" * 40)), plain, 3),
    Odd("exif-empty.jpg", lambda: with_segment(jpeg(), exif(b"")), plain, 3),
    Odd("exif-cut.jpg", lambda: with_segment(jpeg(), exif(b"II*\0\x08\0\0\0\xff\xff\x12\x01\x03")), plain, 3),
    Odd("exif-outside.jpg", lambda: with_segment(jpeg(), exif(b"MM\0*\xff\xff\xff\xf0")), plain, 3),
    Odd("exif-text.jpg", lambda: with_segment(jpeg(), exif(b"II*\0\x08\0\0\0\x01\0\x12\x01\x02\0\x04\0\0\0"
        b"up!\0\0\0\0\0")), plain, 3),
    Odd("exif-cut.png", lambda: encoded(photo(), "PNG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01\x03"), plain),
    Odd("exif-noise.webp", lambda: encoded(photo(), "WEBP", lossless=True, exif=b"Exif\0\0" + b"\x13\x37" * 9), plain),
    Odd("exif-cut-cmyk.jpg", lambda: with_segment(encoded(photo().convert("CMYK"), "JPEG", quality=95),
        exif(b"II*\0\x08\0\0\0\xff\xff\x12\x01\x03")), plain, 6),
    Odd("progressive.jpg", lambda: jpeg(progressive=True), plain, 3),
    Odd("grey.jpg", lambda: encoded(photo().convert("L"), "JPEG", quality=95), grey, 3),
    Odd("rgb-not-ycc.jpg", lambda: jpeg(keep_rgb=True), plain, 3),
    Odd("restarts.jpg", lambda: jpeg(restart_marker_rows=1), plain, 3),
    Odd("stray-bytes.jpg", lambda: with_segment(jpeg(), b"\xff\xff\xff"), plain, 3),
    Odd("stray-bytes-before-end.jpg", lambda: jpeg()[:-2] + b"\0\x01\x02\xff\xd9", plain, 3),
    Odd("trailing-noise.jpg", lambda: jpeg() + b"\xff\xd8 no image \xff\xd9" * 99, plain, 3),
    Odd("comments.jpg", lambda: with_segment(jpeg(), segment(0xFE, b"x" * 65533) * 20), plain, 3),
    Odd("two.mpo.jpg", lambda: animated("MPO"), plain, 5),
    Odd("malformed-mpo.jpg", lambda: with_segment(jpeg(), segment(0xE2, b"MPF\0II*\0\x08\0\0\0\0\0")), plain, 3),
    Odd("plain.bmp", lambda: encoded(photo(), "BMP"), plain),
    Odd("pages.tif", lambda: animated("TIFF"), plain),
    Odd("lzw.tif", lambda: encoded(photo(), "TIFF", compression="tiff_lzw"), plain),
    Odd("deflate.tiff", lambda: encoded(photo(), "TIFF", compression="tiff_deflate"), plain),
    Odd("packbits.tif", lambda: encoded(photo(), "TIFF", compression="packbits"), plain),
    Odd("jpeg.tif", lambda: encoded(photo(), "TIFF", compression="jpeg", quality=95), plain, 4),
    Odd("big.tif", lambda: encoded(photo(), "TIFF", big_tiff=True), plain),
    Odd("big-endian.tif", lambda: tiff(plain(), ">"), plain),
    Odd("one-pixel.png", lambda: png(1, 1, b"\0" * 4), black(1, 1)),
    Odd("one-pixel.jpg", lambda: encoded(Image.new("RGB", (1, 1)), "JPEG"), black(1, 1)),
    Odd("one-pixel.gif", lambda: encoded(Image.new("RGB", (1, 1)), "GIF"), black(1, 1)),
    Odd("tall.png", lambda: png(1, 20000, b"\0" * 80000), black(1, 20000)),
    Odd("wide.png", lambda: png(20000, 1, b"\0" * 60001), black(20000, 1)),
    Odd("wide.jpg", lambda: encoded(Image.new("RGB", (20000, 1)), "JPEG"), black(20000, 1)),
    Odd("trailing-noise.png", lambda: encoded(photo(), "PNG") + b"noise" * 99, plain),
    Odd("with space.png", PHOTO.read_bytes, plain),
    Odd("two\nlines.png", PHOTO.read_bytes, plain),
    Odd("\x1b[31mcoloured.png", PHOTO.read_bytes, plain),
    Odd("größe 猫 🐈.png", PHOTO.read_bytes, plain),
    Odd("[a-z]*?.png", PHOTO.read_bytes, plain),
    Odd("100%s%n{0}.png", PHOTO.read_bytes, plain),
    Odd("it's \"quoted\", really.png", PHOTO.read_bytes, plain),
    Odd("n" * 246 + ".png", PHOTO.read_bytes, plain),
    Odd("UPPER.PNG", PHOTO.read_bytes, plain),
    Odd("a-png-named.jpg", PHOTO.read_bytes, plain),
    Odd("a-jpeg-named.png", jpeg, plain, 3),
    Odd("a-tiff-named.gif", lambda: tiff(plain()), plain),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("odd")
    for odd in ODD:
        path = folder / path_of(odd.file)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(odd.make())
    return folder


def require_same(found: Detections, expected: Detections) -> None:
    assert np.array_equal(found.scores, expected.scores)
    assert np.array_equal(found.boxes, expected.boxes)
    assert np.array_equal(found.mids, expected.mids)


def require_near(found: Detections, expected: Detections) -> None:
    assert found[0].name == expected[0].name
    assert found[0].score == pytest.approx(expected[0].score, abs=0.1)
    assert found[0].box == pytest.approx(expected[0].box, abs=0.05)


@pytest.fixture(scope="module")
def detected(detector: Detector) -> Callable[[Callable[[], Pixels]], Detections]:
    """What is in pixels, detected once for each kind."""
    return cache(lambda make: detector(make(), min_score=0))


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: ascii(odd.file[:40]))
def test_an_odd_image_gives_what_its_upright_pixels_give(
    odd: Odd, folder: Path, detector: Detector, detected: Callable[[Callable[[], Pixels]], Detections]
) -> None:
    expected = odd.expected()
    found = detector(folder / path_of(odd.file), min_score=0)
    assert found.source == str(folder / path_of(odd.file))
    assert (found.height, found.width) == expected.shape[:2]
    drawn_on = np.asarray(found[:0].draw())
    assert np.abs(drawn_on.astype(int) - expected).mean() <= odd.lossy
    assert np.all((found.boxes >= 0) & (found.boxes <= 1))
    (require_near if odd.lossy else require_same)(found, detected(odd.expected))


MODES = ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "HSV", "I", "I;16", "I;16B"]


@pytest.mark.parametrize("mode", MODES)
def test_pil_images_of_any_mode_are_detected_in(mode: str, detector: Detector) -> None:
    found = detector(Image.new(mode, (31, 17)))
    assert (found.width, found.height) == (31, 17)


def test_a_pil_image_with_an_orientation_is_turned_and_stays_as_it_was(detector: Detector) -> None:
    image = photo().transpose(TURNED[6])
    image.getexif()[0x0112] = 6
    require_same(detector(image, min_score=0), detector(plain(), min_score=0))
    assert image.size == (300, 451)
    assert image.getexif()[0x0112] == 6


def test_arrays_of_every_layout_give_the_same(detector: Detector) -> None:
    expected = detector(plain(), min_score=0)
    bgr = np.ascontiguousarray(plain()[..., ::-1])  # as OpenCV reads
    for array in (
        bgr[..., ::-1],
        np.asfortranarray(plain()),
        plain()[::-1][::-1],
        np.dstack([plain(), plain()[:, :, :1]]),
    ):
        require_same(detector(array, min_score=0), expected)
    unit = plain().astype(np.float32) / np.float32(255)
    for array in (unit.astype(">f4"), unit.astype(np.float64), unit.astype(np.longdouble)):
        require_near(detector(array, min_score=0), expected)


@pytest.fixture(scope="module")
def from_command(folder: Path, command: Any, ssd23_weights: Path) -> tuple[dict[str, Any], Path]:
    """The records by file name, of all odd images in one run, and the folder with the annotated ones."""
    out = folder.parent / "odd-found"
    extra = folder.parent / "explicit"
    extra.mkdir()
    (extra / "no-suffix").write_bytes(PHOTO.read_bytes())
    (extra / "-dash.png").write_bytes(PHOTO.read_bytes())
    (extra / "link.png").symlink_to(PHOTO)
    (extra / "link-without-suffix").symlink_to("link.png")
    names = ["no-suffix", "-dash.png", "link.png", "link-without-suffix"]
    done = command("detect", "--model", "ssd23", "--out", out, "--", folder, *names, cwd=extra)
    assert done.stderr.decode().startswith(f"boxable: wrote {out}: ")
    assert done.stderr.endswith(b", 0 failed\n")
    assert done.returncode == 0
    assert (out / "detections.jsonl").read_bytes() == done.stdout
    records = [json.loads(line) for line in done.stdout.decode().split("\n")[:-1]]
    assert [record["source"] for record in records] == [*sorted(str(folder / path_of(odd.file)) for odd in ODD), *names]
    return {os.path.basename(record["source"]): record for record in records}, out  # noqa: PTH119


def test_the_command_detects_in_every_odd_image_and_says_nothing_else(
    from_command: tuple[Any, Path], detected: Callable[[Callable[[], Pixels]], Detections]
) -> None:
    records, _ = from_command
    for odd in ODD:
        height, width = odd.expected().shape[:2]
        record = records[odd.file]
        assert "error" not in record
        assert (record["width"], record["height"]) == (width, height), odd.file
        best = detected(odd.expected).filter(min_score=0.3).names[:1].tolist()
        assert [item["name"] for item in record["detections"][:1]] == best, odd.file


@pytest.mark.parametrize("name", ["no-suffix", "-dash.png", "link.png", "link-without-suffix"])
def test_files_with_odd_names_can_be_named(name: str, from_command: tuple[Any, Path]) -> None:
    records, _ = from_command
    assert records[name]["detections"][0]["name"] == "Cat"


def test_every_annotated_image_is_whole_and_nothing_half_written_stays(from_command: tuple[Any, Path]) -> None:
    records, out = from_command
    images = [path for path in out.rglob("*") if path.is_file() and path.name not in ("detections.jsonl", RECORD)]
    assert len(images) == len(records)
    for path in images:
        with Image.open(path) as image:
            image.load()
