"""Addresses of images: a path, something to read, or one short line."""

import base64
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from boxable.errors import ImageError
from boxable.images.addresses import scheme_of
from boxable.images.sources import Source, expand, id_of_name, source_of
from tests.hostile.makers import encoded

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 5, 3), np.uint8)
PNG = encoded(Image.fromarray(PIXELS), "PNG")
BASE64 = base64.b64encode(PNG).decode()


@pytest.mark.parametrize("name", ["a.jpg", "a:b.jpg", r"C:\photos\a.jpg", "C:/a.jpg", "data", "datas:x", "file", ""])
def test_a_path_has_no_scheme(name: str) -> None:
    assert scheme_of(name) is None


@pytest.mark.parametrize(
    ("url", "scheme"),
    [("HTTPS://a/b", "https"), ("s3://a/b", "s3"), ("Data:,x", "data"), ("file:///a", "file"), ("file:/a", "file")],
)
def test_an_address_has_one(url: str, scheme: str) -> None:
    assert scheme_of(url) == scheme


@pytest.mark.parametrize("name", ["plain.png", "with space, ü and #.png", "100%.png"])
def test_a_file_url_is_the_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(PNG)
    for url in (
        path.as_uri(),
        path.as_uri().replace("file://", "FILE://localhost"),
        path.as_uri().replace("//", "", 1),
    ):
        source = source_of(url)
        assert (source.path, source.name) == (path, str(path))
        assert_array_equal(source.pixels(), PIXELS)


def test_a_file_url_of_a_folder_is_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    assert [source.name for source in expand([tmp_path.as_uri()])] == [str(tmp_path / "a.png")]


@pytest.mark.parametrize(
    "url",
    [
        f"data:image/png;base64,{BASE64}",
        f"DATA:image/png;BASE64,{BASE64}",
        f"data:;base64,{BASE64.rstrip('=')}",
        f"data:image/png;name=a.png;base64,{quote(BASE64, safe='')}",
        "data:image/png;base64," + "\n".join(BASE64[start : start + 76] for start in range(0, len(BASE64), 76)),
        f"data:image/png,{quote(PNG)}",
    ],
    ids=["base64", "capitals", "no padding", "escaped", "lines", "percent"],
)
def test_a_data_url_is_its_content_with_a_short_name(url: str) -> None:
    source = source_of(url)
    assert_array_equal(source.pixels(), PIXELS)
    assert source.name in ("data:image/png", "data:")
    assert id_of_name(source.name) == "image"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("data:image/png;base64", "data:image/png: expected a comma between the media type and the image"),
        ("data:image/png;base64,****", "data:image/png: expected base64 after the comma"),
        ("data:image/png;base64,", "data:image/png: expected an image, got an empty file"),
        (f"data:text/plain,{'x' * 5_000_000}", "data:text/plain: expected an image"),
        (f"data:{'x' * 5_000_000}", f"data:{'x' * 60}: expected a comma"),
        ("s3://bucket/a.jpg", "s3://bucket/a.jpg: expected a path, or an address with http:, https:, file: or data:, "),
        ("s3://bucket/a.jpg", "got s3:; download it first"),
        ("GS://bucket/a.jpg", "got gs:; download it first"),
        ("ftp://host/a.jpg", "got ftp:; download it first"),
        (f"s3://{'x' * 5_000_000}", f"s3://{'x' * 55}…: expected a path"),
        ("file://server/share/a.jpg", "file://server/share/a.jpg: expected a file on this machine, "),
        ("https://", "https://: expected the name of a server after https://"),
        ("http:///a.jpg", "http:///a.jpg: expected the name of a server after http://"),
        ("x" * 5_000_000, f"{'x' * 60}…: expected a path or an address, got 5000000 characters"),
        (f"https://{'x' * 5_000_000}", "expected a path or an address, got 5000008 characters"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_short_line(url: str, problem: str) -> None:
    def message() -> str:
        with pytest.raises(ImageError) as error:
            source_of(url).pixels()
        return str(error.value)

    found = list(expand(["before.jpg", url, "after.jpg"]))
    assert len(found) == 3
    assert len(found[1].name) < 100
    assert problem in message()
    assert len(message()) < 250
    with pytest.raises(ImageError) as error:
        found[1].pixels()
    assert str(error.value) == message()


def test_who_accepts_web_addresses_only_gets_no_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    for url in (path.as_uri(), str(path), f"data:image/png;base64,{BASE64}", "s3://bucket/a.png"):
        with pytest.raises(ImageError, match="expected "):
            Source.from_url(url).pixels()
