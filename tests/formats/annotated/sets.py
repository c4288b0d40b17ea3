"""Annotated sets of a few small files."""

import io
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from boxable.formats.annotated.image import AnnotatedImage, AnnotatedSet

WIDTH, HEIGHT = 16, 8


def picture(kind: str = "JPEG") -> bytes:
    """An image of 16x8 pixels."""
    data = io.BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT), "teal").save(data, kind)
    return data.getvalue()


PICTURE = picture()


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files by their path in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def by_id(images: AnnotatedSet) -> dict[str, AnnotatedImage]:
    """The images that can be used, by their id."""
    return {image.image_id: image for image in images.sound()}


def file_of(image: AnnotatedImage, folder: Path) -> str | None:
    """The image file, relative to the folder."""
    return image.file.relative_to(folder).as_posix() if isinstance(image.file, Path) else None
