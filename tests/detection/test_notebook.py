"""Detections as HTML."""

import base64
import io

from PIL import Image

from boxable.detection.notebook import to_html


def test_names_are_escaped_and_further_rows_are_counted() -> None:
    page = to_html("2 <found>", [("<b>", 0.5, (0.0, 0.25, 0.5, 1.0))], 3, None)
    assert "<td>&lt;b&gt;</td><td>0.500</td><td>0.000, 0.250, 0.500, 1.000</td>" in page
    assert "2 &lt;found&gt;" in page
    assert "3 more" in page
    assert "<img" not in page
    assert "more" not in to_html("", [], 0, None)


def test_a_large_image_is_embedded_small() -> None:
    page = to_html("", [], 0, Image.new("RGB", (2000, 1000)))
    content = page.partition('src="data:image/jpeg;base64,')[2].partition('"')[0]
    assert Image.open(io.BytesIO(base64.b64decode(content))).size == (800, 400)
