"""The summary in Markdown says the numbers, and no name changes its form."""

import re

import pytest

from boxable.evaluation.report.markdown import markdown
from tests.evaluation.report.shown import HOSTILE, empty, hostile, small


def test_what_it_says() -> None:
    lines = markdown(small("two classes")).splitlines()
    assert lines[0] == "# two classes"
    assert lines[2].startswith("**mAP 0.2500**, 95 % interval 0.")
    assert "- images: 2; classes with ground truth: 2" in lines
    assert "- interval: 20 bootstrap draws of images, seed 0" in lines
    assert any(line.startswith("- **2 images with boxes: ") for line in lines)
    assert [line for line in lines if line.startswith("## ")] == [
        "## Notes on the input", "## Errors by kind", "## Score threshold", "## Size of the object", "## Classes",
    ]  # fmt: skip
    assert "- 1 class with boxes and without a prediction (b): each counts with AP 0;" in markdown(small())


def test_nothing_makes_no_tables() -> None:
    text = markdown(empty())
    assert "**mAP –**" in text
    assert "## Classes" not in text
    assert "nan" not in text


def test_coco_figures_say_where_the_rest_is_measured() -> None:
    text = markdown(small() | {"coco": {"AP": 0.25, "AP_small": None}})
    assert "| AP | 0.2500 |\n| AP_small | – |" in text
    assert "at IoU 0.50" in text


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_changes_the_form(name: str) -> None:
    text = markdown(hostile(name))
    assert text.encode("utf-8")
    assert not re.search(r"(?<!\\)[<>&]", text)
    for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        cells = {len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in block.splitlines()}
        assert len(cells) == 1, block
    assert re.findall(r"^#+ .*", text, flags=re.MULTILINE)[1:] == [
        "## Notes on the input", "## Errors by kind", "## Score threshold", "## Size of the object", "## Classes",
        "## Confusions",
    ]  # fmt: skip
