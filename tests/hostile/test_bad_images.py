"""Files that are no images, damaged, or too large: one line each that names the file, and the rest goes on."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

import boxable
from boxable import Detector
from boxable.errors import ImageError
from tests.conftest import Command
from tests.hostile.makers import (
    PHOTO,
    animated,
    chunk,
    encoded,
    flipped,
    half,
    jpeg,
    jpeg_claiming,
    noise_after,
    path_of,
    photo,
    pixels,
    png,
    tiff,
)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


class Bad(NamedTuple):
    """`says` is part of the message."""

    file: str
    make: Callable[[], bytes]
    says: str


NO_IMAGE, DAMAGED, LARGE = "got another kind of file", "damaged or unsupported", "more than 178 million pixels"


def photo_png() -> bytes:
    return encoded(photo(), "PNG")


def photo_gif() -> bytes:
    return encoded(photo(), "GIF")


def photo_webp() -> bytes:
    return encoded(photo(), "WEBP")


def photo_tiff(compression: str | None = None) -> bytes:
    return encoded(photo(), "TIFF", compression=compression)


def photo_bmp() -> bytes:
    return encoded(photo(), "BMP")


def gif_claiming(width: int, height: int) -> bytes:
    size = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    return b"GIF89a" + size + b"\x80\0\0\0\0\0\xff\xff\xff," + b"\0\0\0\0" + size + b"\0\x02\x02L\x01\0;"


def webp_claiming(width: int, height: int) -> bytes:
    canvas = b"VP8X\x0a\0\0\0\0\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBP" + canvas + photo_webp()[12:]
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def bmp_claiming(width: int, height: int) -> bytes:
    data = bytearray(photo_bmp())
    data[18:26] = width.to_bytes(4, "little") + height.to_bytes(4, "little")
    return bytes(data)


def tiff_of_strange_depth() -> bytes:
    """2048 channels."""
    data = tiff(np.zeros((4, 4, 1), np.uint8))
    return data.replace(b"\x15\x01\x03\0\x01\0\0\0\x01\0", b"\x15\x01\x03\0\x01\0\0\0\0\x08")


def tiff_in_a_ring() -> bytes:
    """A TIFF whose next page is the same one, and that has no pixels."""
    return b"II*\0\x08\0\0\0\0\0\x08\0\0\0"


BAD = [
    Bad("zero-bytes.jpg", bytes, "expected an image, got an empty file"),
    Bad("text.jpg", lambda: b"This is no image.\n" * 100, NO_IMAGE),
    Bad("one-byte.png", lambda: b"\x89", NO_IMAGE),
    Bad("only-zeros.jpg", lambda: bytes(10000), NO_IMAGE),
    Bad("web-page.png", lambda: b"<!DOCTYPE html><html><img src=a.png></html>", NO_IMAGE),
    Bad("vector.svg.png", lambda: b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', NO_IMAGE),
    Bad("heic.jpg", lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500), DAMAGED),
    Bad("avif.jpg", lambda: b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + bytes(500), DAMAGED),
    Bad("jpeg-2000.jpg", lambda: b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(500), DAMAGED),
    Bad("postscript.jpg", lambda: encoded(photo(), "EPS"), NO_IMAGE),
    Bad("portable-document.jpg", lambda: encoded(photo(), "PDF"), NO_IMAGE),
    Bad("photoshop.tif", lambda: b"8BPS\0\x01" + bytes(6) + b"\0\x03\0\0\0\x08\0\0\0\x08\0\x08\0\x03" + bytes(99),
        NO_IMAGE),
    Bad("icon.png", lambda: encoded(photo(), "ICO"), NO_IMAGE),
    Bad("targa.bmp", lambda: encoded(photo(), "TGA"), NO_IMAGE),
    Bad("archive.jpg", lambda: b"PK\x03\x04" + bytes(100), NO_IMAGE),
    Bad("half.jpg", lambda: half(jpeg()), DAMAGED),
    Bad("half-progressive.jpg", lambda: half(jpeg(progressive=True)), DAMAGED),
    Bad("half-cmyk.jpg", lambda: half(encoded(photo().convert("CMYK"), "JPEG")), DAMAGED),
    Bad("no-end.jpg", lambda: jpeg()[:-2], DAMAGED),
    Bad("half.png", lambda: half(photo_png()), DAMAGED),
    Bad("half.gif", lambda: half(photo_gif()), DAMAGED),
    Bad("half.webp", lambda: half(photo_webp()), DAMAGED),
    Bad("half-animated.webp", lambda: half(half(animated("WEBP"))), DAMAGED),
    Bad("half.bmp", lambda: half(photo_bmp()), DAMAGED),
    Bad("half-raw.tif", lambda: tiff(pixels(photo()), claimed=(3000, 451)), DAMAGED),
    Bad("half.tif", lambda: half(photo_tiff()), ""),
    Bad("half-lzw.tif", lambda: half(photo_tiff("tiff_lzw")), ""),
    Bad("only-header.jpg", lambda: jpeg()[:20], NO_IMAGE),
    Bad("no-scan.jpg", lambda: jpeg()[: jpeg().index(b"\xff\xda")], ""),
    Bad("only-header.png", lambda: photo_png()[:33], ""),
    Bad("no-pixels.png", lambda: photo_png()[:33] + chunk(b"IEND", b""), ""),
    Bad("only-header.gif", lambda: photo_gif()[:13], ""),
    Bad("no-frames.gif", lambda: photo_gif()[:13] + b";", ""),
    Bad("only-header.webp", lambda: photo_webp()[:30], ""),
    Bad("only-header.tif", lambda: photo_tiff()[:8], ""),
    Bad("only-header.bmp", lambda: photo_bmp()[:54], DAMAGED),
    Bad("no-pages.tif", tiff_in_a_ring, ""),
    Bad("noise.jpg", lambda: noise_after(jpeg(), jpeg().index(b"\xff\xda") + 14), DAMAGED),
    Bad("noise.png", lambda: noise_after(photo_png(), 41), ""),
    Bad("noise.gif", lambda: noise_after(photo_gif(), 13 + 768 + 11), ""),
    Bad("noise.webp", lambda: noise_after(photo_webp(), 30), ""),
    Bad("noise-lzw.tif", lambda: noise_after(photo_tiff("tiff_lzw"), 8), ""),
    Bad("flipped-lzw.tif", lambda: flipped(photo_tiff("tiff_lzw"), 4000), DAMAGED),
    Bad("flipped-deflate.tif", lambda: flipped(photo_tiff("tiff_deflate"), 4000), DAMAGED),
    Bad("flipped-fax.tif", lambda: half(encoded(photo().convert("1"), "TIFF", compression="group4")), ""),
    Bad("strange-depth.tif", tiff_of_strange_depth, NO_IMAGE),
    Bad("wrong-checksum-of-header.png", lambda: flipped(photo_png(), 30), ""),
    Bad("wrong-checksum-of-pixels.png", lambda: flipped(photo_png(), 5000), DAMAGED),
    Bad("no-size.png", lambda: png(0, 0, b""), ""),
    Bad("no-height.jpg", lambda: jpeg_claiming(451, 0), ""),
    Bad("no-size.gif", lambda: gif_claiming(0, 0), ""),
    Bad("no-size.bmp", lambda: bmp_claiming(0, 0), ""),
    Bad("no-size.tif", lambda: tiff(pixels(photo()), claimed=(0, 0)), ""),
    Bad("large.png", lambda: png(60000, 60000, b""), LARGE),
    Bad("larger-than-numbers.png", lambda: png(2**31 - 1, 2**31 - 1, b""), LARGE),
    Bad("large.jpg", lambda: jpeg_claiming(65500, 65500), LARGE),
    Bad("large.gif", lambda: gif_claiming(65535, 65535), LARGE),
    Bad("large.webp", lambda: webp_claiming(16383, 16383), LARGE),
    Bad("large.bmp", lambda: bmp_claiming(60000, 60000), LARGE),
    Bad("large.tif", lambda: tiff(pixels(photo()), claimed=(60000, 60000)), LARGE),
    Bad("just-too-large.png", lambda: png(178_956_971, 1, b""), LARGE),
    Bad("half.avif", lambda: half(encoded(photo(), "AVIF")), DAMAGED),
    Bad("half.jp2", lambda: half(encoded(photo(), "JPEG2000")), DAMAGED),
    Bad("half.ppm", lambda: half(encoded(photo(), "PPM")), DAMAGED),
    Bad("large.ppm", lambda: b"P6 60000 60000 255\n", LARGE),
    Bad("float.ppm", lambda: b"Pf 8 8 -1.0\n" + bytes(256), "32-bit floats"),
    Bad("float.tif", lambda: tiff(np.zeros((8, 8, 1), np.float32)), "32-bit floats"),
    Bad("double-float.tif", lambda: tiff(np.zeros((8, 8, 1), np.float64)), NO_IMAGE),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    for bad in BAD:
        path = folder / path_of(bad.file)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bad.make())
    return folder


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.file)
def test_a_bad_image_raises_one_line_that_names_it(bad: Bad, folder: Path, detector: Detector) -> None:
    path = folder / path_of(bad.file)
    with pytest.raises(ImageError) as caught:
        detector(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert bad.says in message
    assert message.isprintable()
    assert len(message) < len(str(path)) + 200


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.file)
def test_bad_bytes_without_a_name_are_called_bytes(bad: Bad, folder: Path, detector: Detector) -> None:
    with pytest.raises(ImageError, match=r"^bytes: "):
        detector((folder / path_of(bad.file)).read_bytes())


def test_a_bad_image_in_a_list_raises(folder: Path, detector: Detector) -> None:
    with pytest.raises(ImageError, match=r"half\.jpg: damaged"):
        detector([PHOTO, folder / path_of("half.jpg"), PHOTO])


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_a_stream_goes_on_after_bad_images_and_keeps_their_order(
    batch_size: int, folder: Path, ssd23_weights: Path
) -> None:
    sources = [item for bad in BAD for item in (folder / path_of(bad.file), PHOTO)][:40]
    found = list(boxable.load("ssd23", batch_size=batch_size).stream(sources, min_score=0.5))
    assert [item.source for item in found] == [str(source) for source in sources]
    for item in found[::2]:
        assert item.error is not None
        assert item.error.startswith(f"{item.source}: ")
        assert (len(item), item.width, item.height) == (0, 0, 0)
    for item in found[1::2]:
        assert item.error is None
        assert item.names.tolist() == ["Cat"]


def test_a_lazily_read_pil_image_that_is_damaged_raises(folder: Path, detector: Detector) -> None:
    for file in ("half.png", "half.jpg", "half.gif", "flipped-lzw.tif", "wrong-checksum-of-pixels.png"):
        with Image.open(folder / path_of(file)) as image, pytest.raises(ImageError, match=f"{file}: damaged"):
            detector(image)


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (Image.new("RGB", (0, 5)), "expected at least one pixel, got 0x5"),
        (Image.new("RGB", (5, 0)), "expected at least one pixel, got 5x0"),
        (Image.new("F", (5, 5)), "32-bit floats"),
        (Image.new("1", (20000, 20000)), "more than 178 million pixels"),
    ],
)
def test_a_pil_image_that_cannot_be_used_raises(image: Image.Image, says: str, detector: Detector) -> None:
    with pytest.raises(ImageError, match=f"^image: .*{says}"):
        detector(image)


def test_the_command_says_one_line_for_each_bad_image_and_does_the_rest(
    folder: Path, command: Callable[..., subprocess.CompletedProcess[bytes]], ssd23_weights: Path
) -> None:
    out, other = folder.parent / "bad-found", folder.parent / "other.png"
    other.write_bytes(PHOTO.read_bytes())
    done = command("detect", PHOTO, folder, other, "--model", "ssd23", "--out", out, "--min-score", 0.5)
    assert done.returncode == 1
    records = [json.loads(line) for line in done.stdout.splitlines()]
    first, *bad, last = records
    assert [record["source"] for record in bad] == sorted(str(folder / path_of(item.file)) for item in BAD)
    assert [item["name"] for item in first["detections"]] == [item["name"] for item in last["detections"]] == ["Cat"]
    lines = done.stderr.decode().splitlines()
    assert lines[:-1] == [f"boxable: {record['error']}" for record in bad]
    assert lines[-1].endswith(f", {len(bad)} failed")
    for record in bad:
        assert record["error"].startswith(f"{record['source']}: ")
        assert record["detections"] == []
    assert len(list(out.rglob("*.png"))) == 2
    assert not list(out.rglob("*.part"))


def peak_memory(*arguments: object) -> tuple[int, str]:
    """Peak of the resident memory of a command in bytes, and what it wrote to stderr."""
    pytest.importorskip("resource")
    # A process in between: the peak of one that was started from here would count this one's memory.
    measure = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        "sys.stderr.buffer.write(done.stderr)\n"
    )
    line = [sys.executable, "-c", measure, sys.executable, "-m", "boxable", *map(str, arguments)]
    done = subprocess.run(line, capture_output=True, check=True, timeout=120)
    unit = 1 if sys.platform == "darwin" else 1024
    return int(done.stdout) * unit, done.stderr.decode()


def test_images_that_claim_to_be_huge_cost_no_memory(folder: Path, ssd23_weights: Path) -> None:
    plain, _ = peak_memory("detect", "--model", "ssd23", *[PHOTO] * 5)
    huge = [folder / path_of(bad.file) for bad in BAD if bad.says == LARGE]
    assert len(huge) == 9
    peak, stderr = peak_memory("detect", "--model", "ssd23", *huge)
    assert stderr.count("million pixels") == len(huge)
    assert peak < plain + 50 * 2**20


@pytest.mark.parametrize("bits", [1, 8, 16])
def test_a_small_file_of_many_pixels_takes_memory_in_bounds(bits: int, tmp_path: Path, ssd23_weights: Path) -> None:
    side = 6000
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(png(side, side, bytes(side * (1 + side * bits // 8)), bits=bits, color=0))
    assert bomb.stat().st_size < 100_000
    peak, stderr = peak_memory("detect", "--model", "ssd23", bomb)
    assert stderr == ""
    assert peak < 400 * 2**20 + 14 * side**2


def test_a_file_of_many_bytes_is_not_read(tmp_path: Path, detector: Detector) -> None:
    path = tmp_path / "sparse.jpg"
    with path.open("wb") as file:
        file.truncate(100 * 2**30)
    with pytest.raises(ImageError, match=r"sparse\.jpg: more than 512 MiB"):
        detector(path)


def test_the_command_says_nothing_of_odd_metadata(command: Command, ssd23_weights: Path) -> None:
    data = jpeg(exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01\x03")
    done = command("detect", "-", "--model", "ssd23", input=data)
    assert (done.returncode, done.stderr) == (0, b"")
