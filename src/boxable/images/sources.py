"""Where pictures come from: files, folders, globs, URLs, standard input, bytes, PIL images, arrays."""

import glob
import os
import stat
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from boxable.errors import ArgumentError, BoxableError, FetchError, ImageError
from boxable.http import fetching
from boxable.images import decode

Pixels = NDArray[np.uint8] | NDArray[np.float32]
# str, os.PathLike, bytes, PIL image, or an array (or what converts itself into one)
ImageLike = Any

_URL = ("http://", "https://")
_WHOLE_TIMEOUT_S = 300.0


@dataclass(slots=True)
class Source:
    """One picture: its name (as given, or the path in a folder) and how to get its pixels.

    `path` is set for files. `problem` says why there is nothing to read; `pixels` then raises it.
    """

    name: str
    path: Path | None = None
    problem: str | None = None
    _content: ImageLike = field(default=None, repr=False)

    def pixels(self) -> Pixels:
        """uint8, or float32 for float arrays, `[height, width, 3]`, values 0..255, upright. Raises ImageError."""
        return self.pixels_and_size()[0]

    def pixels_and_size(self, least: int | None = None) -> tuple[Pixels, int, int]:
        """`pixels`, width and height of the picture. With `least` the pixels may be fewer, as in `decode_scaled`."""
        if self.problem:
            raise ImageError(f"{self.name}: {self.problem}")
        if self._content is None and self.path is None:
            self._content = _read_stdin() if self.name == "-" else _download(self.name)
        content = read_file(self.path) if self.path else self._content
        if isinstance(content, bytes):
            return decode.decode_scaled(content, self.name, least)
        pixels = (
            decode.from_pil(content, self.name) if isinstance(content, Image.Image) else _from_array(content, self.name)
        )
        return pixels, pixels.shape[1], pixels.shape[0]

    def forget(self) -> None:
        """Drop what was downloaded; it would be fetched again."""
        if self.path is None and _is_url(self.name):
            self._content = None


def stem_of(name: str) -> str:
    """The file name in a source's name, without folder and suffix; `stdin`, or the last part of a URL."""
    if name == "-":
        return "stdin"
    path = name.partition("?")[0].rstrip("/") if _is_url(name) else name
    return Path(path).stem or "image"


def _is_url(name: str) -> bool:
    return name[:8].lower().startswith(_URL)


def source_of(picture: ImageLike) -> Source:
    """The one picture that this is: a path, URL, `-`, bytes, PIL image or array."""
    if isinstance(picture, Source):
        return picture
    if isinstance(picture, str | os.PathLike):
        name = os.fsdecode(os.fspath(picture))
        if not name:  # as a path it would mean the current folder
            return Source("''", problem="an empty name; expected a path or a URL")
        return Source(name) if name == "-" or _is_url(name) else Source(name, Path(name))
    if isinstance(picture, bytes | bytearray | memoryview):
        return Source("bytes", _content=bytes(picture))
    if isinstance(picture, Image.Image):
        return Source(getattr(picture, "filename", "") or "image", _content=picture)
    if isinstance(picture, np.ndarray) or hasattr(picture, "__array__"):
        return Source("array", _content=np.asarray(picture))
    raise ArgumentError(
        f"a picture came as {type(picture).__name__}; expected a path, a URL, bytes, a PIL image or an array"
    )


def is_picture(item: object) -> bool:
    """Whether this is one picture, and no collection of them; a 4-D array is a collection."""
    if hasattr(item, "__array__") and not isinstance(item, Image.Image):
        return np.asarray(item).ndim < 4
    alone = (str, os.PathLike, bytes, bytearray, memoryview, Image.Image, Source)
    return isinstance(item, alone) or not isinstance(item, Iterable)


def expand(pictures: Iterable[ImageLike]) -> Iterator[Source]:
    """Every picture that is meant: folders are searched (recursively, in name order), globs matched.

    What cannot be found comes as a Source with a `problem`, so that the others can go on.
    """
    for picture in pictures:
        source = _source_or_problem(picture)
        if source.path is None:
            yield _held(source)
        elif os.path.isdir(source.path):
            yield from _folder(source.path)
        elif not os.path.lexists(source.path) and glob.has_magic(source.name):
            yield from _matches(source.name)
        else:
            yield source


def _source_or_problem(picture: ImageLike) -> Source:
    try:
        return source_of(picture)
    except Exception as error:  # an object's own conversion to an array may raise anything
        return Source(type(picture).__name__, problem=str(error))


def _held(source: Source) -> Source:
    """The source; standard input is read now: a thread that waits for it could not be stopped."""
    if source.name != "-" or source.problem or source._content is not None:
        return source
    try:
        return replace(source, _content=_read_stdin())
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
        yield Source(str(folder), problem=f"no pictures in this folder; looked for {' '.join(decode.SUFFIXES)}")


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


def read_file(path: Path) -> bytes:
    """The content of a picture's file. Raises ImageError for what is no file, too large, or cannot be read."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ImageError(f"{path}: a folder; expected one picture (`detector.stream` takes folders)")
        if not stat.S_ISREG(status.st_mode):  # reading could take for ever
            raise ImageError(f"{path}: a pipe or a device; expected a file, or - for standard input")
        if status.st_size > decode.MAX_BYTES:
            raise _too_long(str(path))
        with path.open("rb") as file:
            # One byte more than there should be shows the end. Asked for all that is allowed, `read` would make room
            # for it, which takes 0.1 to 0.3 ms, however small the file.
            data = file.read(status.st_size + 1)
            if len(data) > status.st_size:  # the file grows, or does not tell its size
                data += file.read(decode.MAX_BYTES + 1 - len(data))
            return _bounded(data, str(path))
    except FileNotFoundError:
        raise ImageError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise ImageError(f"{path}: cannot read it ({getattr(error, 'strerror', None) or error})") from None


def _read_stdin() -> bytes:
    try:
        return _bounded(sys.stdin.buffer.read(decode.MAX_BYTES + 1), "-")
    except (OSError, AttributeError):  # AttributeError: it is closed, or has been replaced by text
        raise ImageError("-: there is no standard input to read") from None


def _bounded(data: bytes, name: str) -> bytes:
    if len(data) > decode.MAX_BYTES:
        raise _too_long(name)
    return data


def _too_long(name: str) -> ImageError:
    return ImageError(f"{name}: more than {decode.MAX_BYTES // 2**20} MiB; too large for a picture")


def _download(url: str) -> bytes:
    deadline = time.monotonic() + _WHOLE_TIMEOUT_S
    data = bytearray()
    try:
        with fetching(url) as response:
            for part in response.iter_bytes():
                data += part
                if len(data) > decode.MAX_BYTES:
                    break
                if time.monotonic() > deadline:
                    raise FetchError(f"not complete after {_WHOLE_TIMEOUT_S:.0f} seconds")
    except FetchError as error:
        raise ImageError(f"{url}: {error}") from None
    except BoxableError as error:
        raise ImageError(str(error)) from None
    return _bounded(bytes(data), url)


def _from_array(array: NDArray[Any], name: str) -> Pixels:
    """An array of the friendly call as RGB 0..255; grey gets three channels, alpha is dropped."""
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise ArgumentError(
            f"{name}: shape {list(array.shape)} came; expected [height, width, 3] (RGB) "
            "or [height, width] (grey), or a list of such"
        )
    array = array[:, :, :3] if array.shape[2] > 1 else np.repeat(array, 3, axis=2)
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if not np.issubdtype(array.dtype, np.floating):
        raise ArgumentError(f"{name}: dtype {array.dtype} came; expected uint8 (0 to 255) or float (0 to 1)")
    with np.errstate(over="ignore"):  # what does not fit is infinite then, and refused
        array = array.astype(np.float32)
    return unit_to_pixels(array, name)


def unit_to_pixels(array: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    """Float values 0..1 times 255 (SEMANTICS §2.3). Raises ArgumentError for NaN and for other ranges."""
    low, high = float(array.min()), float(array.max())
    if not np.isfinite([low, high]).all():
        raise ArgumentError(f"{name}: the values contain NaN or infinity; expected numbers from 0 to 1")
    if low < 0 or high > 1:
        hint = "; divide 8-bit values by 255" if high > 1 else ""
        raise ArgumentError(f"{name}: values from {low:g} to {high:g} came; expected 0 to 1{hint}")
    return array * np.float32(255)
