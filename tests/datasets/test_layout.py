"""The data folder: what is found in one, and which are refused."""

import json
from pathlib import Path

import pytest

from boxable.datasets import layout
from boxable.datasets.read_image import image_path
from boxable.errors import ArgumentError
from tests.openimages.made import box, write_set


def test_a_description_is_read_as_it_was_written(tmp_path: Path) -> None:
    layout.write_description(tmp_path, {"version": "v4", "classes": ["Cat"]})
    assert layout.read_description(tmp_path) == {"layout": 1, "version": "v4", "classes": ["Cat"]}
    assert json.loads((tmp_path / "boxable-data.json").read_text())["layout"] == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"layout": 2}', "update Boxable"),
        ('{"layout": 0}', "fetch or convert it again"),
        ("{}", "layout None"),
        ("[]", "layout None"),
        ("{", "no JSON"),
        ("[" * 200_000, "no JSON"),
    ],
)
def test_a_folder_of_another_layout_says_what_to_do(tmp_path: Path, content: str, says: str) -> None:
    write_set(tmp_path, [box("a")])
    (tmp_path / "boxable-data.json").write_text(content)
    with pytest.raises(ArgumentError, match=says):
        layout.open_folder(tmp_path)


@pytest.mark.parametrize("make", [False, True])
def test_a_folder_without_tables_is_refused(tmp_path: Path, make: bool) -> None:
    folder = tmp_path / "set"
    if make:
        folder.mkdir()
    with pytest.raises(ArgumentError, match=r"annotations-bbox\.parquet"):
        layout.open_folder(folder)


def test_tables_are_found_under_their_official_names(tmp_path: Path) -> None:
    names = [
        "validation-annotations-bbox.csv", "validation-annotations-human-imagelabels-boxable.csv.gz",
        "validation-images-with-rotation.csv", "classes.csv",
    ]  # fmt: skip
    for name in (*names, "coco-to-open-images.csv"):
        (tmp_path / name).touch()
    found = layout.open_folder(tmp_path)
    assert [path and path.name for path in (found.boxes, found.image_labels, found.images, found.classes)] == names
    assert image_path(found, "a") == tmp_path / "a.jpg"
