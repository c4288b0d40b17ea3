"""The CSV of the Object Detection API's tutorials."""

from pathlib import Path

import pytest

from boxable.errors import ArgumentError
from boxable.formats.annotated import pixel_csv
from tests.formats.annotated.sets import PICTURE, by_id, file_of, write_files

HEAD = "filename,width,height,class,xmin,ymin,xmax,ymax\n"
Files = dict[str, str | bytes]


def row(name: str, label: str = "cat", size: str = "16,8") -> str:
    return f"{name},{size},{label},4,2,12,6\n"


LAYOUTS: dict[str, tuple[Files, dict[str, tuple[str, str]]]] = {
    "images": ({"labels.csv": HEAD + row("a.jpg"), "images/a.jpg": PICTURE}, {"a": ("", "images/a.jpg")}),
    "capitals": ({"LABELS.CSV": HEAD + row("a.jpg"), "a.JPG": PICTURE}, {"a": ("", "a.JPG")}),
    "beside": ({"labels.csv": HEAD + row("a.jpg"), "a.jpg": PICTURE}, {"a": ("", "a.jpg")}),
    "two tables": (
        {"train_labels.csv": HEAD + row("a.jpg"), "test_labels.csv": HEAD + row("b.jpg"), "images/train/a.jpg": PICTURE,
         "images/test/b.jpg": PICTURE},
        {"b": ("test", "images/test/b.jpg"), "a": ("train", "images/train/a.jpg")},
    ),
    "tables in data": (
        {"data/train_labels.csv": HEAD + row("a.jpg"), "data/test_labels.csv": HEAD + row("b.jpg"),
         "images/a.jpg": PICTURE, "images/b.jpg": PICTURE},
        {"b": ("test", "images/b.jpg"), "a": ("train", "images/a.jpg")},
    ),
    "Roboflow": (
        {"train/_annotations.csv": HEAD + row("a.jpg"), "train/a.jpg": PICTURE,
         "valid/_annotations.csv": HEAD + row("a.jpg"), "valid/a.jpg": PICTURE},
        {"train__a": ("train", "train/a.jpg"), "valid__a": ("validation", "valid/a.jpg")},
    ),
    "subfolders": (
        {"labels.csv": HEAD + row("x\\\\a.jpg"), "images/x/a.jpg": PICTURE, "._labels.csv": b"\0\5"},
        {"x__a": ("", "images/x/a.jpg")},
    ),
    "order, case and quotes": (
        {"a.csv": '\ufeffclass,"Filename",XMin,ymin,xmax,ymax,width,height,more\r\ncat,"a.jpg",4,2,12,6,16,8,x\r\n',
         "a.jpg": PICTURE},
        {"a": ("", "a.jpg")},
    ),
    "size of the image": ({"labels.csv": HEAD + row("a.jpg", size=","), "a.jpg": PICTURE}, {"a": ("", "a.jpg")}),
}  # fmt: skip


@pytest.mark.parametrize(("files", "expected"), LAYOUTS.values(), ids=LAYOUTS)
def test_layouts_in_use_are_read_with_their_splits(
    tmp_path: Path, files: Files, expected: dict[str, tuple[str, str]]
) -> None:
    assert pixel_csv.is_pixel_csv(write_files(tmp_path, files))
    found = pixel_csv.read(tmp_path)
    images = by_id(found)
    assert {key: (image.split, file_of(image, tmp_path)) for key, image in images.items()} == expected
    for image in images.values():
        assert (image.labels, image.box.tolist()) == (["/m/01yrx"], [[0.25, 0.25, 0.75, 0.75]])
    assert not found.findings


def test_one_table_is_a_set(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.csv": HEAD + row("a.jpg") + row("a.jpg", "Dog") + "b.jpg,16,8,,,,,\n", "b.csv": "x"})
    assert pixel_csv.is_pixel_csv(tmp_path / "a.csv")
    assert not pixel_csv.is_pixel_csv(tmp_path / "b.csv")
    found = by_id(pixel_csv.read(tmp_path / "a.csv"))
    assert {name: len(image.labels) for name, image in found.items()} == {"a": 2, "b": 0}


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a.csv": HEAD + "a.jpg,16,8,cat,x,1,2,3\n"}, r"a\.csv, line 2: could not convert .*filename, width"),
        ({"a.csv": HEAD + "a.jpg,16,8,cat,1\n"}, r"a\.csv, line 2: no ymin"),
        ({"a.csv": HEAD + ",16,8,cat,1,2,3,4\n"}, r"a\.csv, line 2: no filename"),
        ({"a.csv": HEAD + row("a.jpg") + row("a.png")}, r"line 3: 'a\.png' and 'a\.jpg' both have the image id 'a'"),
        ({"a.csv": HEAD.encode() + b"\xff,1,1,a,1,1,1,1"}, r"a\.csv: not text"),
        ({"a.csv": HEAD + row("a.jpg"), "b.csv": HEAD + row("a.jpg")}, r"b\.csv: image 'a' is in another table"),
    ],
)
def test_a_row_that_is_none_is_named(tmp_path: Path, files: Files, says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        by_id(pixel_csv.read(write_files(tmp_path, files)))
