"""Encoded pictures to pixels: uint8 RGB, upright."""

import io
import warnings

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from boxable.errors import ImageError

Pixels = NDArray[np.uint8]

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP")
SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif", ".tif", ".tiff", ".bmp")

# More pixels than any camera takes, few enough to hold in memory: what Pillow itself calls a bomb.
MAX_PIXELS = 178_956_970
MAX_BYTES = 512 * 2**20

# Pillow warns of large pictures at half that size; ours are refused with an error at the full one.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

_ORIENTATION = 0x0112


def decode(data: bytes, name: str) -> Pixels:
    """The first frame of an encoded picture: uint8 `[height, width, 3]` RGB, EXIF orientation applied.

    Alpha is dropped, 16 bits a channel become the upper 8. Raises ImageError, which begins with `name`, for
    what is no picture, is damaged or too large.
    """
    if not data:
        raise ImageError(f"{name}: the file is empty; expected a picture")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_size(image.size, name)
            if image.format in ("JPEG", "MPO") and image.mode in ("RGB", "L"):
                return _decode_jpeg(data, image)
            return _pixels_of(ImageOps.exif_transpose(image), name)
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


def from_pil(image: Image.Image, name: str) -> Pixels:
    """Pixels of an open PIL image, as `decode` gives them."""
    _check_size(image.size, name)
    try:
        return _pixels_of(ImageOps.exif_transpose(image), name)
    except (OSError, ValueError, SyntaxError) as error:
        raise ImageError(f"{name}: damaged or unsupported picture ({_reason(error)})") from None


def _decode_jpeg(data: bytes, image: Image.Image) -> Pixels:
    try:
        pixels = simplejpeg.decode_jpeg(data, "RGB")
    except ValueError:
        # It refuses harmless oddities too (stray bytes between markers); Pillow tells these from real damage.
        return _pixels_of(ImageOps.exif_transpose(image), "")
    return _upright(pixels, _orientation_of(image))


def _orientation_of(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged metadata says nothing, and the picture itself may be fine
        return 1


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo an EXIF orientation (1 to 8)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _pixels_of(image: Image.Image, name: str) -> Pixels:
    if image.mode.startswith("I"):  # 16-bit grey, or 32-bit integers that hold it
        grey = np.clip(np.asarray(image).astype(np.int64), 0, 65535) >> 8
        return np.repeat(grey.astype(np.uint8)[:, :, None], 3, axis=2)
    if image.mode == "F":
        raise ImageError(f"{name}: its pixels are 32-bit floats; expected 8 or 16 bits a channel, so convert it first")
    return np.array(image.convert("RGB"))


def _check_size(size: tuple[int, int], name: str) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise _too_large(name)


def _too_large(name: str) -> ImageError:
    return ImageError(f"{name}: more than {MAX_PIXELS // 10**6} million pixels; make it smaller first")


def _format_names() -> str:
    return "JPEG, PNG, WebP, GIF, TIFF or BMP"


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
