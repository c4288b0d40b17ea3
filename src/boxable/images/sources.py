"""Sources of images: files, folders, globs, URLs, standard input, bytes, PIL images, arrays."""

import glob
import os
import stat
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from boxable.errors import ArgumentError, BoxableError, FetchError, ImageError
from boxable.http import fetching
from boxable.images import decode

Pixels = NDArray[np.uint8] | NDArray[np.float32]

_URL = ("http://", "https://")
_WHOLE_TIMEOUT_S = 300.0


class ArrayLike(Protocol):
    """What converts itself into an array: a tensor of another library."""

    def __array__(self) -> NDArray[Any]: ...


@dataclass(slots=True)
class Source:
    """One image: its name (as given, or the path in a folder) and how to get its pixels.

    `path` is set for files. `problem` is why there is nothing to read; `pixels` then raises it. Made by `from_path`,
    `from_url`, `from_bytes`, `from_pil` and `from_array`: who accepts bytes only calls `from_bytes`.
    """

    name: str
    path: Path | None = None
    problem: str | None = None
    limits: decode.Limits = decode.DEFAULT_LIMITS
    _content: Any = field(default=None, repr=False)

    @classmethod
    def from_path(cls, path: str | os.PathLike[str], limits: decode.Limits = decode.DEFAULT_LIMITS) -> "Source":
        """Make the source of an image file."""
        name = os.fsdecode(os.fspath(path))
        return cls(name, Path(name), limits=limits)

    @classmethod
    def from_url(cls, url: str, limits: decode.Limits = decode.DEFAULT_LIMITS) -> "Source":
        """Make the source of an image at an http:// or https:// address."""
        return cls(url, limits=limits)

    @classmethod
    def from_bytes(
        cls, data: bytes | bytearray | memoryview, name: str = "bytes", limits: decode.Limits = decode.DEFAULT_LIMITS
    ) -> "Source":
        """Make the source of an encoded image."""
        return cls(name, limits=limits, _content=bytes(data))

    @classmethod
    def from_pil(cls, image: Image.Image, limits: decode.Limits = decode.DEFAULT_LIMITS) -> "Source":
        """Make the source of a PIL image."""
        return cls(getattr(image, "filename", "") or "image", limits=limits, _content=image)

    @classmethod
    def from_array(cls, array: ArrayLike | NDArray[Any], name: str = "array") -> "Source":
        """Make the source of an array `[H, W, 3]` (RGB) or `[H, W]` (gray), uint8 or float 0..1."""
        return cls(name, _content=np.asarray(array))

    def pixels(self) -> Pixels:
        """Return uint8, or float32 of float arrays, `[height, width, 3]`, 0..255, upright. Raises ImageError."""
        return self.pixels_and_size()[0]

    def pixels_and_size(self, least: int | None = None) -> tuple[Pixels, int, int]:
        """Return `pixels`, width and height of the image. With `least` pixels may be fewer, as in `decode_scaled`."""
        if self.problem:
            raise ImageError(f"{self.name}: {self.problem}")
        if self._content is None and self.path is None:
            read = _read_stdin(self.limits) if self.name == "-" else _download(self.name, self.limits)
            self._content = read
        content = read_file(self.path, self.limits) if self.path else self._content
        if isinstance(content, bytes):
            return decode.decode_scaled(_bounded(content, self.name, self.limits), self.name, least, self.limits)
        if isinstance(content, Image.Image):
            pixels: Pixels = decode.from_pil(content, self.name, self.limits)
        else:
            pixels = _from_array(content, self.name)
        return pixels, pixels.shape[1], pixels.shape[0]

    def forget(self) -> None:
        """Drop the downloaded image; it would be downloaded again."""
        if self.path is None and _is_url(self.name):
            self._content = None


ImageLike = str | os.PathLike[str] | bytes | bytearray | memoryview | Image.Image | NDArray[Any] | Source | ArrayLike


def stem_of(name: str) -> str:
    """Return the file name in a source's name, without folder and suffix; `stdin`, or the last part of a URL."""
    if name == "-":
        return "stdin"
    path = name.partition("?")[0].rstrip("/") if _is_url(name) else name
    return Path(path).stem or "image"


def _is_url(name: str) -> bool:
    return name[:8].lower().startswith(_URL)


def source_of(image: ImageLike) -> Source:
    """Make the source of one image: a path, URL, `-`, bytes, PIL image or array. Raises ArgumentError."""
    if isinstance(image, Source):
        return image
    if isinstance(image, str | os.PathLike):
        name = os.fsdecode(os.fspath(image))
        if not name:  # as a path it would mean the current folder
            return Source("''", problem="expected a path or a URL, got an empty name")
        if name == "-":
            return Source(name)
        return Source.from_url(name) if _is_url(name) else Source.from_path(name)
    if isinstance(image, bytes | bytearray | memoryview):
        return Source.from_bytes(image)
    if isinstance(image, Image.Image):
        return Source.from_pil(image)
    if isinstance(image, np.ndarray) or hasattr(image, "__array__"):
        return Source.from_array(image)
    raise ArgumentError(f"expected a path, a URL, bytes, a PIL image or an array as image, got {type(image).__name__}")


def is_image(item: object) -> TypeGuard[ImageLike]:
    """Tell whether this is one image, and not a collection of images; a 4-D array is a collection."""
    if hasattr(item, "__array__") and not isinstance(item, Image.Image):
        return np.asarray(item).ndim < 4
    alone = (str, os.PathLike, bytes, bytearray, memoryview, Image.Image, Source)
    return isinstance(item, alone) or not isinstance(item, Iterable)


def expand(images: Iterable[ImageLike]) -> Iterator[Source]:
    """Yield the source of every image: folders are searched (recursively, in name order), globs matched.

    What is missing is yielded as a Source with a `problem`, so that the others can go on.
    """
    for image in images:
        source = _source_or_problem(image)
        if source.path is None:
            yield _held(source)
        elif os.path.isdir(source.path):
            yield from _folder(source.path)
        elif not os.path.lexists(source.path) and glob.has_magic(source.name):
            yield from _matches(source.name)
        else:
            yield source


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
        return replace(source, _content=_read_stdin(source.limits))
    except ImageError as error:
        return replace(source, problem=str(error).removeprefix("-: "))


def _folder(folder: Path) -> Iterator[Source]:
    problems: list[OSError] = []
    found = False
    for place, folders, files in os.walk(folder, onerror=problems.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and name.lower().endswith(decode.SUFFIXES):
                found = True
                path = Path(place, name)
                yield Source(str(path), path)
    for problem in problems:
        yield Source(str(problem.filename or folder), problem=f"cannot read the folder ({problem.strerror})")
    if not found and not problems:
        yield Source(str(folder), problem=f"no images in this folder; looked for {' '.join(decode.SUFFIXES)}")


def _matches(pattern: str) -> Iterator[Source]:
    try:
        found = sorted(name for name in glob.iglob(pattern, recursive=True) if not os.path.isdir(name))
    except ValueError as error:  # a null byte
        yield Source(pattern, problem=str(error))
        return
    for name in found:
        yield Source(name, Path(name))
    if not found:
        yield Source(pattern, problem="no file matches this pattern")


def read_file(path: Path, limits: decode.Limits = decode.DEFAULT_LIMITS) -> bytes:
    """Read an image file. Raises ImageError for what is no file, too large, or unreadable."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ImageError(f"{path}: expected one image, got a folder (`detector.stream` takes folders)")
        if not stat.S_ISREG(status.st_mode):  # reading could take for ever
            raise ImageError(f"{path}: expected a file, or - for standard input, got a pipe or a device")
        if status.st_size > limits.max_bytes:
            raise _too_long(str(path), limits)
        with path.open("rb") as file:
            # One byte more than expected shows the end. Asked for the limit, `read` would allocate it, which takes
            # 0.1 to 0.3 ms, however small the file.
            data = file.read(status.st_size + 1)
            if len(data) > status.st_size:  # the file grows, or does not tell its size
                data += file.read(limits.max_bytes + 1 - len(data))
            return _bounded(data, str(path), limits)
    except FileNotFoundError:
        raise ImageError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise ImageError(f"{path}: cannot read it ({getattr(error, 'strerror', None) or error})") from None


def _read_stdin(limits: decode.Limits) -> bytes:
    try:
        return _bounded(sys.stdin.buffer.read(limits.max_bytes + 1), "-", limits)
    except (OSError, AttributeError):  # AttributeError: it is closed, or has been replaced by text
        raise ImageError("-: there is no standard input to read") from None


def _bounded(data: bytes, name: str, limits: decode.Limits) -> bytes:
    if len(data) > limits.max_bytes:
        raise _too_long(name, limits)
    return data


def _too_long(name: str, limits: decode.Limits) -> ImageError:
    return ImageError(f"{name}: more than {limits.max_bytes // 2**20} MiB; too large for an image")


def _download(url: str, limits: decode.Limits) -> bytes:
    deadline = time.monotonic() + _WHOLE_TIMEOUT_S
    data = bytearray()
    try:
        with fetching(url) as response:
            for part in response.iter_bytes():
                data += part
                if len(data) > limits.max_bytes:
                    break
                if time.monotonic() > deadline:
                    raise FetchError(f"not complete after {_WHOLE_TIMEOUT_S:.0f} seconds")
    except FetchError as error:
        raise ImageError(f"{url}: {error}") from None
    except BoxableError as error:
        raise ImageError(str(error)) from None
    return _bounded(bytes(data), url, limits)


def _from_array(array: NDArray[Any], name: str) -> Pixels:
    """Convert an array to RGB 0..255; gray gets three channels, alpha is dropped."""
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise ArgumentError(
            f"{name}: expected [height, width, 3] (RGB) or [height, width] (gray), or a list of such arrays, "
            f"got shape {list(array.shape)}"
        )
    array = array[:, :, :3] if array.shape[2] > 1 else np.repeat(array, 3, axis=2)
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if not np.issubdtype(array.dtype, np.floating):
        raise ArgumentError(f"{name}: expected uint8 (0 to 255) or float (0 to 1), got dtype {array.dtype}")
    with np.errstate(over="ignore"):  # numbers that do not fit are infinite then, and refused
        array = array.astype(np.float32)
    return unit_to_pixels(array, name)


def unit_to_pixels(array: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    """Multiply float values 0..1 by 255 (SEMANTICS §2.3). Raises ArgumentError for NaN and for other ranges."""
    low, high = float(array.min()), float(array.max())
    if not np.isfinite([low, high]).all():
        raise ArgumentError(f"{name}: expected numbers from 0 to 1, got NaN or infinity")
    if low < 0 or high > 1:
        hint = "; divide 8-bit values by 255" if high > 1 else ""
        raise ArgumentError(f"{name}: expected values from 0 to 1, got {low:g} to {high:g}{hint}")
    return array * np.float32(255)
