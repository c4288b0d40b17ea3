"""Statistics of a data set, formatted."""

from pathlib import Path

import pytest

from boxable.openimages import Dataset
from boxable.openimages.stats import Stats, stats_of
from boxable.openimages.stats_report import stats_lines, stats_page
from tests.openimages.folders import CAT, DOG, box_row, write_folder


@pytest.fixture
def figures(tmp_path: Path) -> Stats:
    boxes = [box_row("a", CAT, flags="0,0,1,0,0"), box_row("a", CAT), box_row("b", DOG), *[box_row("c", CAT)] * 1200]
    images = [f"{image},100,50,0" for image in "abcd"]
    return stats_of(Dataset(write_folder(tmp_path / "set", boxes, images=images)))


def test_the_terminal_and_the_page_say_them(figures: Stats) -> None:
    lines = "\n".join(stats_lines(figures))
    for said in ("4, 3 of them with boxes", "IsGroupOf", "Boxes an image", "Yeti"):
        assert said in lines
        assert said in stats_page(figures, "set")


def test_names_cannot_write_html(tmp_path: Path) -> None:
    classes = "LabelName,DisplayName\nuser/x,<script>alert(1)</script>\n"
    dataset = Dataset(write_folder(tmp_path / "set", [box_row("a", "user/x")], classes=classes))
    page = stats_page(stats_of(dataset), "<b>set</b>")
    assert "<script" not in page
    assert "<b>" not in page


def test_the_rows_of_classes_are_formatted(figures: Stats) -> None:
    lines = list(stats_lines(figures))
    assert [line.split() for line in lines[-3:]] == [
        ["Cat", "1,202", "2", "0.1%", "0", "0"], ["Dog", "1", "1", "0.0%", "0", "0"], ["Yeti", "0", "0", "–", "0", "0"],
    ]  # fmt: skip
    assert "image size         100 x 50 (medians; 4 are known)" in lines


def test_an_empty_set_has_lines(tmp_path: Path) -> None:
    assert list(stats_lines(stats_of(Dataset(write_folder(tmp_path / "set", [])))))
