"""The photos of a data folder."""

from pathlib import Path

from boxable.errors import ImageError
from boxable.images.decode import SUFFIXES, Pixels, decode, decode_as_stored
from boxable.openimages.layout import PHOTOS, DataFolder

# .jpg first, as Open Images has them; some cameras write suffixes in capitals.
_SUFFIXES = (*SUFFIXES, *(suffix.upper() for suffix in SUFFIXES))


def photo_path(folder: DataFolder, image_id: str) -> Path:
    """The photo of an image, whatever its suffix; one that is not there would be a .jpg.

    Raises ImageError for an id that is no file name.
    """
    if not image_id or image_id in (".", "..") or any(char in image_id for char in "/\\\0"):
        raise ImageError(f"{image_id!r}: an image id that is no file name")
    candidates = [folder.path / PHOTOS / f"{image_id}{suffix}" for suffix in _SUFFIXES]
    return next((path for path in candidates if path.exists()), candidates[0])


def read_photo(folder: DataFolder, image_id: str, *, as_stored: bool) -> Pixels:
    """The pixels of a photo, uint8 RGB `[H, W, 3]`; `as_stored` passes over an orientation in the file.

    Raises ImageError where there is no photo, or none that can be read.
    """
    path = photo_path(folder, image_id)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ImageError(f"{path}: no such photo") from None
    except OSError as error:
        raise ImageError(f"{path}: cannot read it ({error.strerror or error})") from None
    return decode_as_stored(data, str(path)) if as_stored else decode(data, str(path))
