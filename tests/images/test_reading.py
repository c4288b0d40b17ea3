"""The bytes of an image, from open files and what reads as one."""

import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from boxable.errors import ArgumentError, BoxableError, ImageError
from boxable.images.decode import Limits
from boxable.images.sources import Source, expand, is_image, source_of
from tests.hostile.makers import encoded

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 5, 3), np.uint8)
PNG = encoded(Image.fromarray(PIXELS), "PNG")


class Pipe(io.RawIOBase):
    """Gives a few bytes at a time, and cannot go back."""

    def __init__(self) -> None:
        self.rest = PNG

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        given, self.rest = self.rest[:7], self.rest[7:]
        return given


class Body:
    """Has nothing but `read`."""

    def __init__(self) -> None:
        self.rest = PNG

    def read(self, size: int) -> bytes:
        given, self.rest = self.rest[:size], self.rest[size:]
        return given


def written() -> io.BytesIO:
    """As it is after it was written to: at its end."""
    file = io.BytesIO()
    file.write(PNG)
    return file


@pytest.mark.parametrize("make", [lambda: io.BytesIO(PNG), written, Pipe, Body], ids=["new", "written", "pipe", "body"])
def test_what_reads_as_a_file_is_an_image(make: Callable[[], io.BytesIO]) -> None:
    assert_array_equal(source_of(make()).pixels(), PIXELS)
    assert is_image(make())
    (found,) = expand([make()])
    assert_array_equal(found.pixels(), PIXELS)
    assert found.name == "file"


def test_an_open_file_is_named_and_need_not_stay_open(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    with path.open("rb") as file:
        source = source_of(file)
    assert source.name == str(path)
    assert_array_equal(source.pixels(), PIXELS)
    assert_array_equal(source.pixels(), PIXELS)


def test_a_temporary_file_has_no_name() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(PNG)
        source = source_of(file)
    assert source.name == "file" or os.name == "nt"
    assert_array_equal(source.pixels(), PIXELS)


class Failing:
    def read(self, size: int) -> bytes:
        raise RuntimeError("the upload\nwas stopped")


def closed() -> io.BytesIO:
    file = io.BytesIO(PNG)
    file.close()
    return file


@pytest.mark.parametrize(
    ("make", "kind", "says"),
    [
        (Failing, ImageError, r"^file: cannot read it \(the upload was stopped\)$"),
        (closed, ImageError, r"^file: cannot read it \(I/O operation on closed file\.\)$"),
        (lambda: io.StringIO("text"), ArgumentError, "expected a file opened in binary mode, .*, got str from read"),
        (lambda: io.BytesIO(b""), ImageError, "^file: expected an image, got an empty file$"),
    ],
    ids=["failing", "closed", "text", "empty"],
)
def test_a_file_that_cannot_be_read_is_one_line(
    make: Callable[[], io.BytesIO], kind: type[BoxableError], says: str
) -> None:
    with pytest.raises(kind, match=says):
        source_of(make()).pixels()


def test_no_more_of_a_file_is_read_than_the_limit() -> None:
    class Endless:
        given = 0

        def read(self, size: int) -> bytes:
            self.given += size
            return bytes(size)

    file = Endless()
    with pytest.raises(ImageError, match="upload: more than 2 MiB; too large for an image"):
        Source.from_file(file, "upload", Limits(max_bytes=2 * 2**20))
    assert file.given == 3 * 2**20
