"""Author and licence of images."""

from pathlib import Path

from boxable.datasets.layout import open_folder
from boxable.openimages.attribution import Attribution, attributions
from tests.openimages.made import write_csv


def test_they_are_read_for_the_images_that_are_asked_for(tmp_path: Path) -> None:
    header = ("ImageID", "Author", "License", "OriginalLandingURL", "OriginalURL")
    rows = [("a", "Ann", "by", "page", "file"), ("b", "Bob", "", "", "file"), ("c", "", "", "", "")]
    write_csv(tmp_path / "images.csv", header, rows)
    assert attributions(open_folder(tmp_path), ["b", "a", "z"]) == {
        "a": Attribution("Ann", "by", "page"), "b": Attribution("Bob", "", "file"),
    }  # fmt: skip


def test_without_a_table_of_images_there_are_none(tmp_path: Path) -> None:
    write_csv(tmp_path / "annotations-bbox.csv", ("ImageID",), [])
    assert attributions(open_folder(tmp_path), ["a"]) == {}
