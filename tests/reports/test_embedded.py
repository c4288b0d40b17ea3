"""Hashes and images that a page embeds."""

import base64
import io

import pytest
from PIL import Image

from boxable.reports.embedded import csp_hash, jpeg_url, png_url


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        # The example of the specification (CSP Level 3).
        ("alert('Hello, world.');", "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng="),
    ],
)
def test_a_hash_is_that_of_browsers(text: str, expected: str) -> None:
    assert csp_hash(text) == expected


def test_an_image_is_a_jpeg_in_the_url() -> None:
    head, data = jpeg_url(Image.new("RGB", (8, 4), (255, 0, 0)), 85).split(",")
    assert head == "data:image/jpeg;base64"
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    assert (image.format, image.size) == ("JPEG", (8, 4))


def test_a_png_is_as_it_was_in_the_url() -> None:
    assert png_url(b"\x89PNG") == "data:image/png;base64,iVBORw=="
