"""Where Pascal VOC sets of others have their annotations, images and splits."""

from pathlib import Path

import pytest

from boxable.errors import ArgumentError
from boxable.formats.annotated import pascal_voc
from boxable.formats.annotated.pascal_voc_layout import is_voc
from tests.formats.annotated.sets import PICTURE, by_id, file_of, write_files
from tests.formats.annotated.test_pascal_voc import corners, thing, xml

XML = xml(thing(corners(1, 1, 8, 8)))
Files = dict[str, str | bytes]
# Id to split, number of boxes and image file.
Found = dict[str, tuple[str, int, str | None]]
LISTED: Files = {"Annotations/a.xml": XML, "JPEGImages/a.jpg": PICTURE, "JPEGImages/b.jpg": PICTURE}
LISTED_FOUND: Found = {"a": ("train", 1, "JPEGImages/a.jpg"), "b": ("train", 0, "JPEGImages/b.jpg")}
LAYOUTS: dict[str, tuple[Files, Found]] = {
    "VOC": ({"Annotations/a.xml": XML, "JPEGImages/a.jpg": PICTURE}, {"a": ("", 1, "JPEGImages/a.jpg")}),
    "Label Studio": ({"Annotations/a.xml": XML, "images/a.jpg": PICTURE}, {"a": ("", 1, "images/a.jpg")}),
    "Kaggle": ({"annotations/a.xml": XML, "Images/a.PNG": PICTURE}, {"a": ("", 1, "Images/a.PNG")}),
    "data": ({"ANNOTATIONS/a.XML": XML, "data/a.jpeg": PICTURE}, {"a": ("", 1, "data/a.jpeg")}),
    "beside": ({"a.xml": XML, "a.jpg": PICTURE}, {"a": ("", 1, "a.jpg")}),
    "Roboflow": (
        {"train/a.xml": XML, "train/a.jpg": PICTURE, "valid/a.xml": XML, "valid/a.jpg": PICTURE, "README.txt": "x"},
        {"train__a": ("train", 1, "train/a.jpg"), "valid__a": ("validation", 1, "valid/a.jpg")},
    ),
    "tutorial": (
        {"images/train/a.xml": XML, "images/train/a.jpg": PICTURE, "images/test/b.xml": XML,
         "images/test/b.jpg": PICTURE},
        {"train__a": ("train", 1, "images/train/a.jpg"), "test__b": ("test", 1, "images/test/b.jpg")},
    ),
    "nested": (
        {"Annotations/cam1/a.xml": XML, "JPEGImages/cam1/a.jpg": PICTURE, "Annotations/cam2/a.xml": XML,
         "JPEGImages/cam2/a.jpg": PICTURE},
        {"cam1__a": ("", 1, "JPEGImages/cam1/a.jpg"), "cam2__a": ("", 1, "JPEGImages/cam2/a.jpg")},
    ),
    "VOCdevkit": (
        {"VOCdevkit/VOC2007/Annotations/a.xml": XML, "VOCdevkit/VOC2007/JPEGImages/a.jpg": PICTURE,
         "VOCdevkit/VOC2012/Annotations/a.xml": XML, "VOCdevkit/VOC2012/JPEGImages/a.jpg": PICTURE,
         "VOCdevkit/VOC2012/ImageSets/Main/val.txt": "a\n"},
        {"VOCdevkit__VOC2007__a": ("", 1, "VOCdevkit/VOC2007/JPEGImages/a.jpg"),
         "VOCdevkit__VOC2012__a": ("validation", 1, "VOCdevkit/VOC2012/JPEGImages/a.jpg")},
    ),
    "lists": (LISTED | {"ImageSets/Main/train.txt": "a\nb\n"}, LISTED_FOUND),
    "trainval": (LISTED | {"ImageSets/Main/trainval.txt": "a\nb\n", "ImageSets/Main/train.txt": "b\na"}, LISTED_FOUND),
    "Datumaro": (
        LISTED | {"ImageSets/Main/train.txt": '"a"\nb 0\n', "ImageSets/Main/cat_train.txt": "a 1\nc -1\n"},
        LISTED_FOUND,
    ),
    "CVAT": (
        LISTED | {"ImageSets/Main/default.txt": "a\nb\n", "labelmap.txt": "# label:color_rgb:parts:actions\ncat:::\n",
                  "SegmentationClass/a.png": PICTURE, "SegmentationObject/a.png": PICTURE},
        {name: ("", *rest) for name, (_, *rest) in LISTED_FOUND.items()},
    ),
    "lists with suffixes and folders": (
        {"Annotations/x/b.c.xml": XML, "JPEGImages/x/b.c.jpg": PICTURE, "ImageSets/Main/train.txt": "x/b.c\n",
         "ImageSets/Main/test.txt": "x/d.e.jpg\n", "JPEGImages/x/d.e.jpg": PICTURE},
        {"x__b.c": ("train", 1, "JPEGImages/x/b.c.jpg"), "x__d.e": ("test", 0, "JPEGImages/x/d.e.jpg")},
    ),
    "another file name": (
        {"Annotations/0001.xml": XML, "JPEGImages/a.jpg": PICTURE}, {"a": ("", 1, "JPEGImages/a.jpg")}
    ),
    "file names with folders": (
        {"Annotations/1.xml": XML.replace("a.jpg", "x\\a.jpg"), "Annotations/2.xml": XML.replace("a.jpg", "/y/a.jpg"),
         "JPEGImages/x/a.jpg": PICTURE, "JPEGImages/y/a.jpg": PICTURE},
        {"x__a": ("", 1, "JPEGImages/x/a.jpg"), "y__a": ("", 1, "JPEGImages/y/a.jpg")},
    ),
    "file names of nowhere": (
        {"Annotations/b.xml": XML, "Annotations/a.xml": XML, "JPEGImages/a.jpg": PICTURE,
         "JPEGImages/b.jpg": PICTURE},
        {"a": ("", 1, "JPEGImages/a.jpg"), "b": ("", 1, "JPEGImages/b.jpg")},
    ),
    "pets of Oxford": (
        {"annotations/xmls/a.xml": XML, "images/a.jpg": PICTURE, "annotations/trimaps/a.png": PICTURE},
        {"a": ("", 1, "images/a.jpg")},
    ),
    "without images": ({"Annotations/a.xml": XML}, {"a": ("", 1, None)}),
    "clutter": (
        {"Annotations/a.xml": XML, "Annotations/._a.xml": b"\0\5", "JPEGImages/a.jpg": PICTURE,
         "JPEGImages/._a.jpg": b"x"},
        {"a": ("", 1, "JPEGImages/a.jpg")},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "expected"), LAYOUTS.values(), ids=LAYOUTS)
def test_layouts_in_use_are_read_with_their_splits(tmp_path: Path, files: Files, expected: Found) -> None:
    assert is_voc(write_files(tmp_path, files))
    found = pascal_voc.read(tmp_path)
    images = by_id(found)
    assert {key: (i.split, len(i.labels), file_of(i, tmp_path)) for key, i in images.items()} == expected
    assert set(found.splits) == {split for split, _, _ in expected.values()} - {""}
    assert not found.findings


@pytest.mark.parametrize(
    "files",
    [
        {"a.jpg": PICTURE}, {"annotations/instances.json": "{}"}, {"a.xml": "<annotations/>"},
        {"annotations-bbox.csv": "x", "images/a.xml": XML}, {".idea/a.xml": XML},
    ],
)  # fmt: skip
def test_other_folders_are_none(tmp_path: Path, files: Files) -> None:
    assert not is_voc(write_files(tmp_path, files))
    assert not is_voc(tmp_path / "none")


def test_an_image_that_nothing_names_is_counted(tmp_path: Path) -> None:
    found = pascal_voc.read(write_files(tmp_path, LISTED))
    assert list(by_id(found)) == ["a"]
    assert found.notes() == ["1 image file without annotation (b.jpg): dropped"]


def test_an_image_that_a_list_names_in_vain_is_counted(tmp_path: Path) -> None:
    files = {"Annotations/a.xml": XML, "JPEGImages/a.jpg": PICTURE, "ImageSets/Main/train.txt": "a\r\nx\r\n\r\n"}
    found = pascal_voc.read(write_files(tmp_path, files))
    assert list(by_id(found)) == ["a"]
    assert found.notes() == ["1 image listed in ImageSets but not there (x): dropped"]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"Annotations/1.xml": XML, "Annotations/2.xml": XML, "JPEGImages/a.jpg": PICTURE}, "both of the image 'a'"),
        ({"a.xml": XML, "a.jpg": PICTURE, "a.png": PICTURE}, "both have the image id 'a'"),
        (LISTED | {"ImageSets/Main/train.txt": b"\xff\xfe"}, r"train\.txt: not text.*Pascal VOC"),
        ({"Annotations/a.txt": ""}, "no .xml of Pascal VOC"),
    ],
)
def test_what_cannot_be_told_apart_is_an_error(tmp_path: Path, files: Files, says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        pascal_voc.read(write_files(tmp_path, files))
