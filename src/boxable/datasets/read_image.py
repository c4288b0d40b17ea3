"""Find and decode the images of a data folder."""

from pathlib import Path

from boxable.datasets.layout import DataFolder
from boxable.errors import ImageError
from boxable.images.codecs import SUFFIXES
from boxable.images.decode import Pixels, decode, decode_as_stored

# .jpg first, as Open Images has them; some cameras write suffixes in capitals.
_SUFFIXES = (*SUFFIXES, *(suffix.upper() for suffix in SUFFIXES))


def image_path(folder: DataFolder, image_id: str) -> Path:
    """Find the file of an image, whatever its suffix; a missing one would be a .jpg.

    The folder is listed only where it has subfolders, and the file is not in it directly. Raises ImageError for an id
    that is not a file name.
    """
    if not image_id or image_id in (".", "..") or any(char in image_id for char in "/\\\0"):
        raise ImageError(f"{image_id!r}: expected an image id that is a file name")
    # Lazily: most images are found under the first suffix, and a path takes as long to make as to look for.
    candidates = (folder.image_files.folder / f"{image_id}{suffix}" for suffix in _SUFFIXES)
    direct = next((path for path in candidates if path.exists()), None)
    nested = folder.image_files.find(image_id) if direct is None and folder.image_files.has_subfolders else None
    return direct or nested or folder.image_files.folder / f"{image_id}{_SUFFIXES[0]}"


def read_image(folder: DataFolder, image_id: str, *, as_stored: bool) -> Pixels:
    """Decode an image to uint8 RGB `[H, W, 3]`; `as_stored` ignores the EXIF orientation.

    Raises ImageError where the file is missing or unreadable.
    """
    path = image_path(folder, image_id)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ImageError(f"{path}: no such image") from None
    except OSError as error:
        raise ImageError(f"{path}: cannot read it ({error.strerror or error})") from None
    return decode_as_stored(data, str(path)) if as_stored else decode(data, str(path))
