"""The page that reports share."""

import re

from boxable.reports.embedded import csp_hash
from boxable.reports.page import bars, page, table, text


def test_the_style_is_the_only_thing_that_a_browser_may_use() -> None:
    shown = page("Title", "<p>body</p>")
    style = re.findall(r"<style>(.*)</style>", shown, re.DOTALL)
    assert f"default-src 'none'; img-src data:; style-src '{csp_hash(style[0])}'" in shown
    assert shown.endswith("<h1>Title</h1>\n<p>body</p>\n</html>\n")


def test_text_is_escaped_and_has_no_control_characters() -> None:
    assert text('<a href="x">&\'\0\n\ud800') == "&lt;a href=&quot;x&quot;&gt;&amp;&#x27;  ?"
    assert "<title>&lt;b&gt;</title>" in page("<b>", "")


def test_the_longest_bar_is_as_wide_as_the_plot() -> None:
    shown = bars("<Classes>", [("a", 1000), ("<b>", 500)])
    assert re.findall(r'rect width="([\d.]+)"', shown) == ["100.00", "50.00"]
    assert "<h2>&lt;Classes&gt;</h2>" in shown
    assert "<span>&lt;b&gt;</span>" in shown
    assert "<span>1,000</span>" in shown
    assert 'rect width="0.00"' in bars("", [("a", 0)])


def test_a_table_has_a_head_and_a_line_for_each_row() -> None:
    shown = table(["class", "boxes"], [["<a>", "1"], ["b", "2"]])
    assert "<th>class</th><th>boxes</th>" in shown
    assert "<tr><td>&lt;a&gt;</td><td>1</td></tr><tr><td>b</td><td>2</td></tr>" in shown
