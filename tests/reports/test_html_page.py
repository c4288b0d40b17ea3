"""The frame of HTML pages."""

import base64
import hashlib
import re

from boxable.reports.html_page import bars, facts, page, side_by_side, table, text


def test_the_policy_allows_the_style_and_no_scripts() -> None:
    made = page("Title", "<p>body</p>")
    style = re.search(r"<style>(.*)</style>", made, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode() if style else ""
    assert f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'" in made
    assert "<p>body</p>" in made


def test_text_cannot_be_html_and_has_no_control_characters() -> None:
    assert text("<b>&\x00\n\udc80é") == "&lt;b&gt;&amp;  ?é"
    parts = (
        page("<b>", ""),
        bars("<b>", [("<b>", 1)]),
        table(["<b>"], [["<b>"]]),
        facts([("<b>", "<b>")]),
        side_by_side("<b>", [("<b>", "data:,")]),
    )
    for made in parts:
        assert "<b>" not in made


def test_bars_are_relative_to_the_longest() -> None:
    made = bars("counts", [("a", 4), ("b", 1), ("c", 0)])
    assert re.findall(r'width="([\d.]+)"', made) == ["100.00", "25.00", "0.00"]
    assert "<rect" not in bars("none", [])


def test_images_side_by_side_have_their_names() -> None:
    made = side_by_side("cat.jpg", [('before "x"', "data:image/png;base64,AA=="), ("after", "data:,")])
    assert '<img src="data:image/png;base64,AA==" alt="before &quot;x&quot;">before &quot;x&quot;' in made
    assert made.index("before") < made.index("after") < made.index("<figcaption>cat.jpg</figcaption>")


def test_facts_are_names_with_values() -> None:
    assert facts([("images", "7"), ("boxes", "9")]) == "<dl><dt>images</dt><dd>7</dd><dt>boxes</dt><dd>9</dd></dl>"
