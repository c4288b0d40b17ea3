"""Sources of images: files, folders, globs, URLs, standard input, bytes, open files, PIL images, arrays."""

import glob
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from boxable.errors import ArgumentError, ImageError
from boxable.images import addresses, decode
from boxable.images.folders import find_images
from boxable.images.from_array import Pixels, pixels_of, to_array
from boxable.images.image_ids import image_id
from boxable.images.reading import BinaryFile, bounded, download, read_file, read_open, read_stdin


class ArrayLike(Protocol):
    """What converts itself into an array: a tensor of another library."""

    def __array__(self) -> NDArray[Any]: ...


class ReadImage(NamedTuple):
    """Pixels `[H, W, 3]`, 0..255, upright; width and height of the whole image; whether pixels of it are missing."""

    pixels: Pixels
    width: int
    height: int
    truncated: bool = False


@dataclass(slots=True)
class Source:
    """One image: its name (as given, or the path in a folder) and how to get its pixels.

    `path` is set for files, `folder` for those found in a folder or by a pattern (its fixed part). `problem` is why
    there is nothing to read; `pixels` then raises it. Made by `from_path`, `from_url`, `from_bytes`, `from_file`,
    `from_pil` and `from_array`: who accepts bytes only calls `from_bytes`. With `truncated="keep"` a damaged image is
    decoded as far as possible.
    """

    name: str
    path: Path | None = None
    problem: str | None = None
    folder: Path | None = None
    limits: decode.Limits = decode.DEFAULT_LIMITS
    truncated: decode.Truncated = "error"
    _content: Any = field(default=None, repr=False)

    @classmethod
    def from_path(cls, path: str | os.PathLike[str], limits: decode.Limits = decode.DEFAULT_LIMITS) -> "Source":
        """Make the source of an image file."""
        name = os.fsdecode(os.fspath(path))
        return cls(name, Path(name), limits=limits)

    @classmethod
    def from_url(cls, url: str, limits: decode.Limits = decode.DEFAULT_LIMITS) -> "Source":
        """Make the source of an image at an http:// or https:// address."""
        problem = None if addresses.is_web(url) else "expected an address that begins with http:// or https://"
        return cls(addresses.shown(url), problem=addresses.problem_of(url) or problem, limits=limits)

    @classmethod
    def from_bytes(
        cls, data: bytes | bytearray | memoryview, name: str = "bytes", limits: decode.Limits = decode.DEFAULT_LIMITS
    ) -> "Source":
        """Make the source of an encoded image."""
        return cls(name, limits=limits, _content=bytes(data))

    @classmethod
    def from_file(cls, file: BinaryFile, name: str = "", limits: decode.Limits = decode.DEFAULT_LIMITS) -> "Source":
        """Read an open binary file, from its beginning where it can go back to it, and make the source of its image."""
        given = getattr(file, "name", None)
        name = name or (given if isinstance(given, str) else "file")
        return cls(name, limits=limits, _content=read_open(file, name, limits))

    @classmethod
    def from_pil(cls, image: Image.Image, limits: decode.Limits = decode.DEFAULT_LIMITS) -> "Source":
        """Make the source of a PIL image."""
        return cls(os.fsdecode(getattr(image, "filename", "") or "image"), limits=limits, _content=image)

    @classmethod
    def from_array(cls, array: ArrayLike | NDArray[Any], name: str = "array") -> "Source":
        """Make the source of an array `[H, W, 3]` (RGB) or `[H, W]` (gray), uint8 or float 0..1.

        Raises ArgumentError where it cannot be converted, as a tensor that requires gradients.
        """
        return cls(name, _content=to_array(array, name))

    def pixels(self) -> Pixels:
        """Return uint8, or float32 of float arrays, `[height, width, 3]`, 0..255, upright. Raises ImageError."""
        return self.read().pixels

    def read(self, least: int | None = None) -> ReadImage:
        """Read the image. With `least`, pixels may be fewer than width and height say, as in `decode_scaled`."""
        content = self._stored()
        if isinstance(content, bytes):
            data = bounded(content, self.name, self.limits)
            return ReadImage(*decode.decode_scaled(data, self.name, least, self.limits, self.truncated))
        if isinstance(content, Image.Image):
            pixels: Pixels = decode.from_pil(content, self.name, self.limits)
        else:
            pixels = pixels_of(content, self.name)
        return ReadImage(pixels, pixels.shape[1], pixels.shape[0])

    def encoded(self) -> bytes:
        """Return the encoded image as it was given, or pixels as PNG, to send them elsewhere. Raises ImageError."""
        content = self._stored()
        if isinstance(content, bytes):
            return bounded(content, self.name, self.limits)
        file, pixels = io.BytesIO(), self.pixels()
        Image.fromarray(pixels if pixels.dtype == np.uint8 else np.rint(pixels).astype(np.uint8)).save(file, "PNG")
        return file.getvalue()

    def _stored(self) -> Any:
        """Return the bytes, the PIL image or the pixels. Raises ImageError."""
        if self.problem:
            raise ImageError(f"{self.name}: {self.problem}")
        if self.path is not None:
            return read_file(self.path, self.limits)
        if self._content is None:
            self._content = read_stdin(self.limits) if self.name == "-" else download(self.name, self.limits)
        return self._content

    @property
    def image_id(self) -> str:
        """The id of the image (`image_ids`): of its path below `folder`, else of the file name, or the end of a URL."""
        if self.path is None or self.folder is None:
            return id_of_name(self.name)
        return image_id(os.path.relpath(self.path, self.folder))

    def forget(self) -> None:
        """Drop the downloaded image; it would be downloaded again."""
        if self.path is None and addresses.is_web(self.name):
            self._content = None


Encoded = bytes | bytearray | memoryview | BinaryFile
ImageLike = str | os.PathLike[str] | Encoded | Image.Image | NDArray[Any] | ArrayLike | Source


def id_of_name(name: str) -> str:
    """Make an image id of a source's name: of the file name, without folders, or the last part of a URL; or `stdin`."""
    if name == "-":
        return "stdin"
    if addresses.scheme_of(name) == "data":
        return "image"
    path = name.partition("?")[0].rstrip("/") if addresses.is_web(name) else name
    return image_id(Path(path).name) or "image"


def source_of(image: ImageLike) -> Source:
    """Make the source of one image: a path, URL, `-`, bytes, open file, PIL image or array. Raises ArgumentError."""
    if isinstance(image, Source):
        return image
    if isinstance(image, str | os.PathLike):
        return _source_of_name(os.fsdecode(os.fspath(image)))
    if isinstance(image, bytes | bytearray | memoryview):
        return Source.from_bytes(image)
    if isinstance(image, Image.Image):
        return Source.from_pil(image)
    other: Any = image
    if has_attribute(other, "__array__"):
        return Source.from_array(other)
    if has_attribute(other, "read"):
        return Source.from_file(other)
    raise ArgumentError(
        f"expected a path, a URL, bytes, an open file, a PIL image or an array as image, got {type(image).__name__}"
    )


def _source_of_name(name: str) -> Source:
    if not name:  # as a path it would mean the current folder
        return Source("''", problem="expected a path or a URL, got an empty name")
    if problem := addresses.problem_of(name):
        return Source(addresses.shown(name), problem=problem)
    scheme = addresses.scheme_of(name)
    try:
        if scheme == "data":
            return Source.from_bytes(addresses.data_of(name), addresses.shown(name))
        if scheme == "file":
            return Source.from_path(addresses.path_of(name))
    except ValueError as error:
        return Source(addresses.shown(name), problem=str(error))
    if name == "-":
        return Source(name)
    return Source.from_url(name) if scheme else Source.from_path(name)


def is_image(item: object) -> TypeGuard[ImageLike]:
    """Tell whether this is one image, and not a collection of images; a 4-D array is a collection."""
    if isinstance(item, str | os.PathLike | bytes | bytearray | memoryview | Image.Image | Source):
        return True
    if has_attribute(item, "__array__"):
        return _is_no_batch(item)
    return has_attribute(item, "read") or not isinstance(item, Iterable)


def _is_no_batch(array: Any) -> bool:
    try:
        return to_array(array).ndim < 4
    except ArgumentError:  # an image that cannot be read
        return True


def has_attribute(item: object, attribute: str) -> bool:
    """Tell whether an object has an attribute; those of other libraries may raise anything when asked."""
    try:
        return hasattr(item, attribute)
    except Exception:
        return False


def expand(images: Iterable[ImageLike]) -> Iterator[Source]:
    """Yield the source of every image: folders are searched (recursively, in name order), globs matched.

    What is missing is yielded as a Source with a `problem`, so that the others can go on.
    """
    for image in images:
        source = _source_or_problem(image)
        if source.path is None:
            yield _held(source)
        elif os.path.isdir(source.path):
            yield from (replace(found, folder=source.path) for found in _folder(source.path))
        elif not os.path.lexists(source.path) and glob.has_magic(source.name):
            yield from (replace(found, folder=_fixed_folder(source.name)) for found in _matches(source.name))
        else:
            yield source


def _fixed_folder(pattern: str) -> Path:
    """Return the folder that a pattern names, before the first part that may match anything."""
    return Path(*takewhile(lambda part: not glob.has_magic(part), Path(pattern).parent.parts))


def _source_or_problem(image: ImageLike) -> Source:
    try:
        return source_of(image)
    except Exception as error:  # an object's own conversion to an array may raise anything
        return Source(type(image).__name__, problem=str(error))


def _held(source: Source) -> Source:
    """Read standard input now: a thread that waits for it could not be stopped. Other sources stay as they are."""
    if source.name != "-" or source.problem or source._content is not None:
        return source
    try:
        return replace(source, _content=read_stdin(source.limits))
    except ImageError as error:
        return replace(source, problem=str(error).removeprefix("-: "))


def _folder(folder: Path) -> Iterator[Source]:
    for path, problem in find_images(folder):
        yield Source(str(path), path if problem is None else None, problem)


def _matches(pattern: str) -> Iterator[Source]:
    try:
        found = sorted(name for name in glob.iglob(pattern, recursive=True) if not os.path.isdir(name))
    except ValueError as error:  # a null byte
        yield Source(pattern, problem=str(error))
        return
    for name in _once(found) if "**" in pattern else found:
        yield Source(name, Path(name))
    if not found:
        yield Source(pattern, problem="no file matches this pattern")


def _once(names: list[str]) -> list[str]:
    """Leave out files of folders that are among these by a shorter path: `**` follows links in circles."""
    shortest: dict[tuple[str, str], str] = {}
    for name in sorted(names, key=lambda name: name.count(os.sep)):
        folder, file = os.path.split(name)
        shortest.setdefault((os.path.realpath(folder), file), name)
    return sorted(shortest.values())
