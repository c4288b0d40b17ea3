"""Texts of a PNG, which its pixels do not need, are not read; those that hold its orientation are."""

import zlib

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from boxable.images.decode import decode
from boxable.images.png_text import without_text
from tests.hostile.makers import chunk, encoded

PIXELS = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
PNG = encoded(Image.fromarray(PIXELS), "PNG")
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="3"/></rdf:RDF></x:xmpmeta>'
)


def with_chunks(*chunks: bytes) -> bytes:
    return PNG[:33] + b"".join(chunks) + PNG[33:]


def test_other_data_and_a_png_without_texts_stay_as_they_are() -> None:
    for data in (b"", b"\xff\xd8\xff", PNG, PNG[:40]):
        assert without_text(data) is data


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt", b"iCCP"])
def test_texts_and_the_color_profile_are_left_out_wherever_they_stand(kind: bytes) -> None:
    text = chunk(kind, b"Title\0" + bytes(50))
    assert without_text(PNG[:33] + text + PNG[33:-12] + text + PNG[-12:]) == PNG


@pytest.mark.parametrize(
    "text",
    [
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP)),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP + b" " * 2**21),
    ],
    ids=["plain", "compressed", "long"],
)
def test_an_orientation_in_a_text_is_applied(text: bytes) -> None:
    comment = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(2**21)))
    assert_array_equal(decode(with_chunks(comment, text), "turned"), PIXELS[::-1, ::-1])


@pytest.mark.parametrize(
    "text",
    [
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP + b" " * 2**21)),
        chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(bytes(2**21))),
        chunk(b"zTXt", b"Raw profile type exif\0\0" + b"damaged"),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1"),
    ],
    ids=["too long", "too long exif", "damaged", "cut"],
)
def test_a_text_that_pillow_cannot_read_does_not_cost_the_pixels(text: bytes) -> None:
    assert_array_equal(decode(with_chunks(text), "upright"), PIXELS)


def test_damage_behind_a_text_is_still_damage() -> None:
    text = chunk(b"tEXt", b"Title\0x")
    assert without_text(PNG[:33] + text + PNG[33:60]) == PNG[:60]
    assert without_text(PNG[:33] + text[:-3]) == PNG[:33] + text[:-3]
