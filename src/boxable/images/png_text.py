"""Drop the texts of a PNG: Pillow refuses an image for a text of more than 1 MiB."""

import zlib
from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
# Texts that may hold the orientation: EXIF as ImageMagick writes it, and XMP.
_WITH_ORIENTATION = (b"Raw profile type exif\0", b"XML:com.adobe.xmp\0")
# As much of a compressed text as Pillow reads.
_MAX_INFLATED = 2**20


def without_text(data: bytes) -> bytes:
    """Return a PNG without the texts and the color profile that its pixels do not need; other data as they are."""
    if not data.startswith(_SIGNATURE):
        return data
    kept, start = [], 0
    for kind, place, end in _chunks(data):
        if kind == b"iCCP" or (kind in _TEXTS and not _is_needed(kind, data[place + 8 : end - 4])):
            kept.append(data[start:place])
            start = end
    return b"".join([*kept, data[start:]]) if kept else data


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind, the first byte and the end of each whole chunk."""
    place = len(_SIGNATURE)
    while place + 12 <= len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4])
        if end > len(data):
            return
        yield data[place + 4 : place + 8], place, end
        place = end


def _is_needed(kind: bytes, text: bytes) -> bool:
    """Tell whether a text may hold the orientation, and Pillow reads that much."""
    keyword = next((keyword for keyword in _WITH_ORIENTATION if text.startswith(keyword)), None)
    if keyword is None:
        return False
    rest = text[len(keyword) :]
    if kind == b"zTXt":
        compressed = rest[1:]
    elif kind == b"iTXt" and rest[:1] == b"\x01":  # flag, method, language, translated keyword
        compressed = rest[2:].split(b"\0", 2)[-1]
    else:
        return True
    try:
        return len(zlib.decompressobj().decompress(compressed, _MAX_INFLATED + 1)) <= _MAX_INFLATED
    except zlib.error:
        return False
