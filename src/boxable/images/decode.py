"""Encoded pictures to pixels: uint8 RGB, upright."""

import ctypes
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from boxable.errors import ImageError

Pixels = NDArray[np.uint8]

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP")
SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif", ".tif", ".tiff", ".bmp")

# More pixels than any camera takes, few enough to hold in memory: what Pillow itself calls a bomb.
MAX_PIXELS = 178_956_970
MAX_BYTES = 512 * 2**20

# Pillow warns of large pictures at half that size; ours are refused with an error at the full one. It also
# warns of damaged metadata and other oddities that do not keep it from reading the pixels, and logs some
# errors besides raising them.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
logging.getLogger("PIL.TiffImagePlugin").setLevel(logging.CRITICAL)

_ORIENTATION = 0x0112
# What may stand before the pixels of a JPEG, each with its length: frame headers and tables, APP0, APP2 to APP15,
# comments. Not APP1, which holds EXIF and XMP.
_JPEG_SEGMENTS = {bytes([0xFF, kind]) for kind in (*range(0xC0, 0xD0), 0xDB, 0xDD, 0xE0, *range(0xE2, 0xF0), 0xFE)}
ON_ITS_SIDE = (5, 6, 7, 8)


def decode(data: bytes, name: str) -> Pixels:
    """The first frame of an encoded picture: uint8 `[height, width, 3]` RGB, EXIF orientation applied.

    Alpha is dropped, 16 bits a channel become the upper 8. Raises ImageError, which begins with `name`, for
    what is no picture, is damaged or too large.
    """
    return decode_scaled(data, name, None)[0]


def decode_as_stored(data: bytes, name: str) -> Pixels:
    """As `decode`, but an EXIF orientation is not applied; that of a TIFF is, because Pillow does so as it loads."""
    if not data:
        raise _empty(name)
    with _damage_named(name):
        plain = _plain_jpeg(data, None)
        return _by_pillow(data, name, None, as_stored=True)[0] if plain is None else plain[0]


def size_of_whole(data: bytes, name: str) -> tuple[int, int]:
    """Width and height of an encoded picture, as stored: an EXIF orientation is not applied.

    All of it is read and decoded, in the cheapest way that finds damage. Raises ImageError as `decode` does.
    """
    # Colours and fine detail are read too, but nothing is made of them.
    with suppress(ValueError):
        height, width, colors, _ = simplejpeg.decode_jpeg_header(data)
        if _is_plain(width, height, colors):
            simplejpeg.decode_jpeg(data, "GRAY", min_height=1, min_width=1, min_factor=2)
            return width, height
    height, width, _ = decode_as_stored(data, name).shape
    return width, height


def orientation_of(photo: bytes | Path) -> int:
    """The EXIF orientation that an encoded picture tells, 1 to 8; 1 where it tells none that can be read.

    Only the header is read of a file.
    """
    if isinstance(photo, bytes) and _without_orientation(photo):
        return 1
    file = io.BytesIO(photo) if isinstance(photo, bytes) else photo
    with suppress(Exception), Image.open(file, formats=FORMATS) as image:
        return _orientation_of(image)
    return 1


def decode_scaled(data: bytes, name: str, least: int | None) -> tuple[Pixels, int, int]:
    """`decode`, and the width and height of the picture, upright.

    A JPEG comes at a half, a quarter or an eighth of that size, the smallest of which no side is shorter than
    `least`: its decoder then leaves out the fine detail, and most of the work on the pixels.
    """
    if not data:
        raise _empty(name)
    with _damage_named(name):
        plain = _plain_jpeg(data, least)
        return _by_pillow(data, name, least) if plain is None else plain


def _by_pillow(data: bytes, name: str, least: int | None, *, as_stored: bool = False) -> tuple[Pixels, int, int]:
    """`decode_scaled` of any picture; Pillow reads what stands before the pixels."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        _check_size(image.size, name)
        if image.format == "TIFF":
            _silence_libtiff()
        is_jpeg = image.format in ("JPEG", "MPO")
        pixels = _jpeg_pixels(data, image, least) if is_jpeg else _pixels_of(image, name)
        orientation = 1 if as_stored else _orientation_of(image)
        upright = _upright(pixels, orientation)
        if not is_jpeg:
            return upright, upright.shape[1], upright.shape[0]
        width, height = image.size[::-1] if orientation in ON_ITS_SIDE else image.size
        return upright, width, height


def from_pil(image: Image.Image, name: str) -> Pixels:
    """Pixels of an open PIL image, as `decode` gives them."""
    _check_size(image.size, name)
    with _damage_named(name):
        return _upright(_pixels_of(image, name), _orientation_of(image))


@contextmanager
def _damage_named(name: str) -> Iterator[None]:
    """Turn whatever a decoder raises into an ImageError that begins with `name`."""
    try:
        yield
    except ImageError:
        raise
    except Image.DecompressionBombError:
        raise _too_large(name) from None
    except UnidentifiedImageError:
        raise ImageError(f"{name}: not a picture that can be read; expected {_format_names()}") from None
    except MemoryError:
        raise ImageError(f"{name}: not enough memory to decode it") from None
    # Decoders meet damage in many ways (OSError, SyntaxError, struct.error, ...); for the caller it is one.
    except Exception as error:
        raise ImageError(f"{name}: damaged or unsupported picture ({_reason(error)})") from None


@cache
def _silence_libtiff() -> None:
    """Keep libtiff from writing to stderr what it finds damaged; Pillow raises an error besides."""
    with suppress(ImportError, AttributeError, OSError):  # a Pillow that has no libtiff, or does not show it
        from PIL import _imaging

        ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler(None)


def _plain_jpeg(data: bytes, least: int | None) -> tuple[Pixels, int, int] | None:
    """`decode_scaled` of a JPEG that Pillow need not be asked about, which would cost more than all but the pixels."""
    if not _without_orientation(data):
        return None
    with suppress(ValueError):
        height, width, colors, _ = simplejpeg.decode_jpeg_header(data)
        if _is_plain(width, height, colors):
            return _rgb_of_jpeg(data, least), width, height
    return None


def _is_plain(width: int, height: int, colors: str) -> bool:
    """Whether a JPEG with this header can be decoded without Pillow."""
    return colors not in ("CMYK", "YCCK") and width * height <= MAX_PIXELS


def _without_orientation(data: bytes) -> bool:
    """Whether this is a JPEG, and its header surely has no segment (EXIF, XMP) that could tell an orientation."""
    if not data.startswith(b"\xff\xd8\xff"):
        return False
    place = 2
    while (marker := data[place : place + 2]) in _JPEG_SEGMENTS:
        place += 2 + int.from_bytes(data[place + 2 : place + 4])
    return marker == b"\xff\xda"  # where the pixels begin


def _jpeg_pixels(data: bytes, image: Image.Image, least: int | None) -> Pixels:
    if image.mode in ("RGB", "L"):
        # It refuses harmless oddities too (stray bytes between markers); Pillow tells these from real damage.
        with suppress(ValueError):
            return _rgb_of_jpeg(data, least)
    return _pixels_of(image, "")


def _rgb_of_jpeg(data: bytes, least: int | None) -> Pixels:
    # Other factors than a half, a quarter and an eighth are slower than decoding all of it.
    scale = {} if least is None else {"min_height": least, "min_width": least, "min_factor": 2}
    pixels: Pixels = simplejpeg.decode_jpeg(data, "RGB", **scale)
    return pixels


def _orientation_of(image: Image.Image) -> int:
    """Its EXIF orientation; asked after the pixels, because Pillow turns a TIFF by itself when it loads it."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged metadata says nothing, and the picture itself may be fine
        return 1


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo an EXIF orientation (1 to 8)."""
    if orientation in ON_ITS_SIDE:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _pixels_of(image: Image.Image, name: str) -> Pixels:
    if image.mode.startswith("I"):  # 16-bit grey, or 32-bit integers that hold it
        grey = (np.clip(np.asarray(image), 0, 65535) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode == "F":
        raise ImageError(f"{name}: its pixels are 32-bit floats; expected 8 or 16 bits a channel, so convert it first")
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")  # Pillow warns of the direct way
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _check_size(size: tuple[int, int], name: str) -> None:
    if min(size) < 1:
        raise ImageError(f"{name}: no pixels, {size[0]}x{size[1]}; expected at least one")
    if size[0] * size[1] > MAX_PIXELS:
        raise _too_large(name)


def _empty(name: str) -> ImageError:
    return ImageError(f"{name}: the file is empty; expected a picture")


def _too_large(name: str) -> ImageError:
    return ImageError(f"{name}: more than {MAX_PIXELS // 10**6} million pixels; make it smaller first")


def _format_names() -> str:
    return "JPEG, PNG, WebP, GIF, TIFF or BMP"


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
