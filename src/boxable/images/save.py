"""Save images as files, in the format that their suffix says."""

import struct
from pathlib import Path

from PIL import Image

from boxable.errors import ArgumentError, BoxableError
from boxable.files import atomic_file

IMAGE_FORMATS = {".png": "PNG", ".webp": "WEBP", ".jpg": "JPEG", ".jpeg": "JPEG"}

QUALITY = 92


def check_suffix(path: Path) -> None:
    """Raise ArgumentError unless the suffix of a path is that of an image that can be saved."""
    if path.suffix.lower() not in IMAGE_FORMATS:
        raise ArgumentError(f"{path}: expected a name that ends in {', '.join(IMAGE_FORMATS)}")


def save_image(image: Image.Image, path: Path) -> None:
    """Save an image in the format of its suffix, whole or not at all; folders are made as needed.

    Raises ArgumentError for another suffix than those of `IMAGE_FORMATS`, and BoxableError if it cannot be written.
    """
    check_suffix(path)
    format_ = IMAGE_FORMATS[path.suffix.lower()]
    with atomic_file(path) as file:
        try:
            image.save(file, format_, quality=QUALITY)
        except OSError as error:
            raise BoxableError(f"cannot write {path}: {error.strerror or error}") from error
        except (ValueError, struct.error) as error:
            raise BoxableError(f"cannot write {path}: {format_} cannot hold {image.width}x{image.height}") from error
