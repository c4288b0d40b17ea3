"""The EXIF orientation of a photo, and the photo without it."""

import io
import struct
from pathlib import Path

from PIL import Image

from boxable.images.decode import FORMATS, orientation_of

_TAG = 0x0112
_SHORT = 3
_MARK = b"Exif\0\0"


def orientation(photo: Path | bytes) -> int:
    """1 to 8; 1 where it tells none that can be read. Only the header is read of a file."""
    try:
        with Image.open(io.BytesIO(photo) if isinstance(photo, bytes) else photo, formats=FORMATS) as picture:
            return int(picture.getexif().get(_TAG, 1))
    except Exception:  # damage in many ways; it is the reader of the photo who will tell
        return 1


def without_orientation(data: bytes) -> bytes | None:
    """The same bytes, but an EXIF orientation of 1; None for what is no JPEG that tells its orientation in EXIF."""
    place = data.find(_MARK)
    if not data.startswith(b"\xff\xd8") or place < 0:
        return None
    tiff = place + len(_MARK)
    order = ">" if data[tiff : tiff + 2] == b"MM" else "<"
    try:
        (offset,) = struct.unpack_from(order + "I", data, tiff + 4)
        (entries,) = struct.unpack_from(order + "H", data, tiff + offset)
        for entry in range(tiff + offset + 2, tiff + offset + 2 + 12 * entries, 12):
            if struct.unpack_from(order + "HH", data, entry) == (_TAG, _SHORT):
                data = data[: entry + 8] + struct.pack(order + "H", 1) + data[entry + 10 :]
    except struct.error:
        return None
    return data if orientation_of(data) == 1 else None
