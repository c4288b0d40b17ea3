"""An image without its EXIF orientation."""

import struct

from boxable.images.decode import orientation_of

_TAG = 0x0112
_SHORT = 3
_MARK = b"Exif\0\0"


def without_orientation(data: bytes) -> bytes | None:
    """Set the EXIF orientation of a JPEG to 1; None if it has no EXIF orientation."""
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
