"""Decode images to pixels: uint8 RGB, upright."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from boxable.errors import ImageError
from boxable.images.codecs import FORMAT_NAMES, is_video, open_image
from boxable.images.contiguous import contiguous

Pixels = NDArray[np.uint8]
# What to do with an image that ends too early or is damaged: an error, or decode it as far as possible.
Truncated = Literal["error", "keep"]


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest image that is read: bytes of its file, and pixels.

    By default more pixels than any camera has, and few enough to hold in memory; Pillow refuses more in any case.
    """

    max_bytes: int = 512 * 2**20
    max_pixels: int = 178_956_970


DEFAULT_LIMITS = Limits()


class Decoded(NamedTuple):
    """Pixels uint8 `[H, W, 3]`, width and height of the whole image, upright, and whether pixels are missing in it."""

    pixels: Pixels
    width: int
    height: int
    truncated: bool = False


_ORIENTATION = 0x0112
# libjpeg decodes what precedes an end marker, and fills the rest with gray.
_JPEG_START, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
# What may stand before the pixels of a JPEG, each with its length: frame headers and tables, APP0, APP2 to APP15,
# comments. Not APP1, which holds EXIF and XMP.
_JPEG_SEGMENTS = {bytes([0xFF, kind]) for kind in (*range(0xC0, 0xD0), 0xDB, 0xDD, 0xE0, *range(0xE2, 0xF0), 0xFE)}
ON_ITS_SIDE = (5, 6, 7, 8)


def decode(data: bytes, name: str, limits: Limits = DEFAULT_LIMITS) -> Pixels:
    """Decode the first frame of an image: uint8 `[height, width, 3]` RGB, EXIF orientation applied.

    Alpha is dropped, 16 bits a channel become the upper 8. Raises ImageError, which begins with `name`, for data that
    is no image, damaged or too large.
    """
    return decode_scaled(data, name, None, limits).pixels


def decode_as_stored(data: bytes, name: str) -> Pixels:
    """Decode as `decode`, without applying an EXIF orientation; Pillow applies that of a TIFF as it loads."""
    if not data:
        raise _empty(name)
    with _damage_named(name, DEFAULT_LIMITS, data):
        plain = _plain_jpeg(data, None, DEFAULT_LIMITS)
        return (plain or _by_pillow(data, name, None, DEFAULT_LIMITS, as_stored=True)).pixels


def size_of_whole(data: bytes, name: str) -> tuple[int, int]:
    """Return width and height of an encoded image as stored, without its EXIF orientation.

    All of it is read and decoded, in the cheapest way that finds damage. Raises ImageError as `decode` does.
    """
    # Colors and fine detail are read too, but not decoded.
    with suppress(ValueError):
        height, width, colors, _ = simplejpeg.decode_jpeg_header(data)
        if _is_plain(width, height, colors, DEFAULT_LIMITS):
            simplejpeg.decode_jpeg(data, "GRAY", min_height=1, min_width=1, min_factor=2)
            return width, height
    height, width, _ = decode_as_stored(data, name).shape
    return width, height


def orientation_of(image: bytes | Path) -> int:
    """Read the EXIF orientation of an encoded image, 1 to 8; 1 if it has none that is readable.

    Only the header is read of a file.
    """
    if isinstance(image, bytes) and _without_orientation(image):
        return 1
    with suppress(Exception), open_image(image, "") as opened:
        return _orientation_of(opened)
    return 1


def decode_scaled(
    data: bytes, name: str, least: int | None, limits: Limits = DEFAULT_LIMITS, truncated: Truncated = "error"
) -> Decoded:
    """Decode an image, and return the width and height of the whole image, upright.

    A JPEG is decoded at a half, a quarter or an eighth of that size, the smallest with no side shorter than `least`:
    its decoder skips the fine detail, and most of the work on the pixels. With `truncated="keep"` a damaged image is
    decoded as far as possible; raises ImageError only where that is no pixel.
    """
    if not data:
        raise _empty(name)
    try:
        with _damage_named(name, limits, data):
            plain = _plain_jpeg(data, least, limits)
            return _by_pillow(data, name, least, limits) if plain is None else plain
    except ImageError:
        kept = _decode_damaged(data, name, limits) if truncated == "keep" else None
        if kept is None:
            raise
        return kept


def _by_pillow(data: bytes, name: str, least: int | None, limits: Limits, *, as_stored: bool = False) -> Decoded:
    """Decode any image as `decode_scaled` does; Pillow reads its header."""
    with open_image(data, name) as image:
        _check_size(image.size, name, limits)
        is_jpeg = image.format in ("JPEG", "MPO")
        pixels = _jpeg_pixels(data, image, least) if is_jpeg else _pixels_of(image, name)
        orientation = 1 if as_stored else _orientation_of(image)
        upright = _upright(pixels, orientation)
        if not is_jpeg:
            return Decoded(upright, upright.shape[1], upright.shape[0])
        width, height = image.size[::-1] if orientation in ON_ITS_SIDE else image.size
        return Decoded(upright, width, height)


def _decode_damaged(data: bytes, name: str, limits: Limits) -> Decoded | None:
    """Decode an image up to the damage; return None if no pixel precedes it.

    Pillow's own switch for this, LOAD_TRUNCATED_IMAGES, would also affect the other images of the process.
    """
    with suppress(Exception), open_image(data + _JPEG_END if data.startswith(_JPEG_START) else data, name) as image:
        _check_size(image.size, name, limits)
        try:
            image.load()
        except Exception:
            image.tile = []  # nothing is left to load: the image holds what was decoded by then
        pixels = _upright(_pixels_of(image, name), _orientation_of(image))
        if pixels.any():
            return Decoded(pixels, pixels.shape[1], pixels.shape[0], truncated=True)
    return None


def from_pil(image: Image.Image, name: str, limits: Limits = DEFAULT_LIMITS) -> Pixels:
    """Return the pixels of an open PIL image as `decode` does."""
    _check_size(image.size, name, limits)
    with _damage_named(name, limits):
        return _upright(_pixels_of(image, name), _orientation_of(image))


@contextmanager
def _damage_named(name: str, limits: Limits, data: bytes = b"") -> Iterator[None]:
    """Turn any exception of a decoder, of these data, into an ImageError that begins with `name`."""
    try:
        yield
    except ImageError:
        raise
    except Image.DecompressionBombError:
        raise _too_large(name, limits) from None
    except UnidentifiedImageError:
        if is_video(data):
            raise ImageError(
                f"{name}: expected an image, got a video; use boxable.detect_video or `boxable video`"
            ) from None
        raise ImageError(f"{name}: expected an image ({FORMAT_NAMES}), got another kind of file") from None
    except MemoryError:
        raise ImageError(f"{name}: not enough memory to decode it") from None
    # Decoders meet damage in many ways (OSError, SyntaxError, struct.error, ...); for the caller it is one.
    except Exception as error:
        raise ImageError(f"{name}: damaged or unsupported image ({_reason(error)})") from None


def _plain_jpeg(data: bytes, least: int | None, limits: Limits) -> Decoded | None:
    """Decode a JPEG that does not need Pillow, whose header parser would cost more than all but the pixels."""
    if not _without_orientation(data):
        return None
    with suppress(ValueError):
        height, width, colors, _ = simplejpeg.decode_jpeg_header(data)
        if _is_plain(width, height, colors, limits):
            return Decoded(_rgb_of_jpeg(data, least), width, height)
    return None


def _is_plain(width: int, height: int, colors: str, limits: Limits) -> bool:
    """Tell whether a JPEG with this header can be decoded without Pillow."""
    return colors not in ("CMYK", "YCCK") and width * height <= limits.max_pixels


def _without_orientation(data: bytes) -> bool:
    """Tell whether this is a JPEG whose header surely has no segment (EXIF, XMP) with an orientation."""
    if not data.startswith(_JPEG_START):
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
    """Return the EXIF orientation; read after the pixels, because Pillow rotates a TIFF when it loads it."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # metadata may be damaged where the image is fine
        return 1


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo an EXIF orientation (1 to 8)."""
    if orientation in ON_ITS_SIDE:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return contiguous(pixels)


def _pixels_of(image: Image.Image, name: str) -> Pixels:
    if image.mode.startswith("I"):  # 16-bit grey, or 32-bit integers that hold it
        grey = (np.clip(np.asarray(image), 0, 65535) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode == "F":
        raise ImageError(f"{name}: expected 8 or 16 bits a channel, got 32-bit floats; convert it first")
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")  # Pillow warns of the direct way
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _check_size(size: tuple[int, int], name: str, limits: Limits) -> None:
    if min(size) < 1:
        raise ImageError(f"{name}: expected at least one pixel, got {size[0]}x{size[1]}")
    if size[0] * size[1] > limits.max_pixels:
        raise _too_large(name, limits)


def _empty(name: str) -> ImageError:
    return ImageError(f"{name}: expected an image, got an empty file")


def _too_large(name: str, limits: Limits) -> ImageError:
    return ImageError(f"{name}: more than {limits.max_pixels // 10**6} million pixels; make it smaller first")


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
