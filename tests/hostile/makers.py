"""Pictures that no camera takes and no painter saves: bytes, made of an image or of nothing."""

import io
import random
import struct
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

PHOTO = Path(__file__).parent.parent.parent / "examples" / "chelsea.png"

ORIENTATION = 0x0112
# What a camera does to the upright image before it writes the orientation down: EXIF value -> transpose.
TURNED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@cache
def photo() -> Image.Image:
    """A cat, 451 x 300, RGB."""
    with Image.open(PHOTO) as image:
        return image.convert("RGB")


def pixels(image: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(image.convert("RGB"))


def encoded(image: Image.Image, format_: str, **options: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, format_, **options)
    return content.getvalue()


def animated(format_: str) -> bytes:
    """Two frames, the second upside down."""
    return encoded(photo(), format_, save_all=True, append_images=[photo().rotate(180)])


def turned(format_: str, orientation: int, **options: Any) -> bytes:
    """The photograph as a camera held in this way writes it."""
    method = TURNED[orientation]
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return encoded(photo().transpose(method) if method is not None else photo(), format_, exif=exif, **options)


def chunk(kind: bytes, content: bytes, crc: int | None = None) -> bytes:
    """A PNG chunk."""
    checked = zlib.crc32(kind + content) if crc is None else crc
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checked)


def png(width: int, height: int, rows: bytes, *, bits: int = 8, color: int = 2) -> bytes:
    """A PNG whose header claims this size; `rows` are as they are compressed, each begins with its filter."""
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows, 9)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def png16(image: NDArray[np.uint16]) -> bytes:
    """16 bits a channel, RGB."""
    height, width, _ = image.shape
    lines = image.astype(">u2").reshape(height, -1).view(np.uint8)
    return png(width, height, np.insert(lines, 0, 0, axis=1).tobytes(), bits=16)


def tiff(image: NDArray[Any], order: str = "<", *, claimed: tuple[int, int] | None = None) -> bytes:
    """An uncompressed TIFF `[H, W, C]` of any number type in either byte order."""
    height, width = claimed or image.shape[:2]
    channels, bits = image.shape[2], image.dtype.itemsize * 8
    data = image.astype(image.dtype.newbyteorder(order)).tobytes()
    data += b"\0" * (len(data) % 2)
    table = 8 + len(data) + 2 * channels
    entries = [  # tag, type (3: 16 bits, 4: 32 bits), count, value
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, channels, 8 + len(data) if channels > 2 else bits),
        (259, 3, 1, 1),
        (262, 3, 1, 2 if channels > 2 else 1),
        (273, 4, 1, 8),
        (277, 3, 1, channels),
        (278, 4, 1, height),
        (279, 4, 1, image.nbytes),
        (339, 3, 1, 3 if image.dtype.kind == "f" else 1),
    ]
    rows = b"".join(
        struct.pack(order + ("HHIHxx" if kind == 3 and count == 1 else "HHII"), tag, kind, count, value)
        for tag, kind, count, value in entries
    )
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, table)
    depth = struct.pack(order + f"{channels}H", *[bits] * channels)
    return head + data + depth + struct.pack(order + "H", len(entries)) + rows + struct.pack(order + "I", 0)


def jpeg(**options: Any) -> bytes:
    return encoded(photo(), "JPEG", quality=95, **options)


def segment(marker: int, content: bytes) -> bytes:
    """A JPEG segment."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def with_segment(data: bytes, new: bytes) -> bytes:
    """A JPEG with bytes put in after its first segment."""
    end = 4 + int.from_bytes(data[4:6], "big")
    return data[:end] + new + data[end:]


def ycck() -> bytes:
    """A JPEG as Photoshop writes four colors: YCbCr and black, everything inverted, said so by Adobe's marker."""
    inverted = Image.eval(photo(), lambda value: 255 - value).convert("YCbCr")
    planes = [Image.eval(plane, lambda value: 255 - value) for plane in inverted.split()]
    data = encoded(Image.merge("CMYK", [*planes, Image.new("L", photo().size, 0)]), "JPEG", quality=95, subsampling=0)
    transform = data.index(b"Adobe") + 11
    return data[:transform] + b"\x02" + data[transform + 1 :]


def jpeg_claiming(width: int, height: int) -> bytes:
    """A sound JPEG but for the size in its header."""
    data = bytearray(jpeg())
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def noise_after(data: bytes, sound: int) -> bytes:
    """The first bytes, and then as much noise as there was image."""
    return data[:sound] + random.Random(7).randbytes(len(data) - sound)


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


def path_of(file: str) -> Path:
    """In a folder for each suffix, since files of one folder that differ in the suffix alone have one image id."""
    return Path(file).suffix[1:].lower() / Path(file)
