"""Folders with COCO files: the exports of Roboflow, CVAT and Label Studio, and COCO itself."""

import json
from pathlib import Path

import pytest

from boxable.errors import ArgumentError
from boxable.formats.annotated import coco_folder
from tests.formats.annotated.sets import PICTURE, by_id, file_of, write_files

Files = dict[str, str | bytes]


def coco(name: str = "a.jpg", category: str = "cat") -> str:
    images = [{"id": 1, "file_name": name}]
    annotations = [{"id": 1, "image_id": 1, "category_id": 0, "bbox": [4, 2, 8, 4]}]
    return json.dumps({"images": images, "annotations": annotations, "categories": [{"id": 0, "name": category}]})


LAYOUTS: dict[str, tuple[Files, dict[str, tuple[str, str]]]] = {
    "one file": ({"gt.json": coco(), "images/a.jpg": PICTURE, "notes.json": "{}"}, {"a": ("", "images/a.jpg")}),
    "Label Studio": (
        {"result.json": coco("images\\1-a.jpg"), "images/1-a.jpg": PICTURE}, {"1-a": ("", "images/1-a.jpg")}
    ),
    "CVAT": (
        {"annotations/instances_default.json": coco(), "images/default/a.jpg": PICTURE},
        {"a": ("", "images/default/a.jpg")},
    ),
    "COCO": (
        {"annotations/instances_train2017.json": coco(), "annotations/instances_val2017.json": coco("b.jpg"),
         "annotations/captions_val2017.json": coco(), "train2017/a.jpg": PICTURE, "val2017/b.jpg": PICTURE},
        {"a": ("train", "train2017/a.jpg"), "b": ("validation", "val2017/b.jpg")},
    ),
    "Datumaro": (
        {"annotations/instances_train.json": coco(), "annotations/image_info_train.json": coco(),
         "annotations/labels_train.json": coco(), "images/train/a.jpg": PICTURE},
        {"a": ("train", "images/train/a.jpg")},
    ),
    "capitals": (
        {"ANNOTATIONS/Instances_Train.JSON": coco(), "Images/a.JPG": PICTURE}, {"a": ("train", "Images/a.JPG")}
    ),
    "Roboflow": (
        {"train/_annotations.coco.json": coco(), "train/a.jpg": PICTURE, "valid/_annotations.coco.json": coco(),
         "valid/a.jpg": PICTURE, "README.roboflow.txt": ""},
        {"train__a": ("train", "train/a.jpg"), "valid__a": ("validation", "valid/a.jpg")},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "expected"), LAYOUTS.values(), ids=LAYOUTS)
def test_folders_of_others_are_read_with_their_splits(
    tmp_path: Path, files: Files, expected: dict[str, tuple[str, str]]
) -> None:
    assert coco_folder.is_coco_folder(write_files(tmp_path, files))
    found = coco_folder.read(tmp_path)
    images = by_id(found)
    assert {name: (image.split, file_of(image, tmp_path)) for name, image in images.items()} == expected
    assert all(image.box.tolist() == [[0.25, 0.25, 0.75, 0.75]] for image in images.values())
    assert set(found.splits) == {split for split, _ in expected.values()} - {""}


def test_the_classes_of_all_files_are_those_of_the_set(tmp_path: Path) -> None:
    write_files(tmp_path, {"a_train.json": coco(category="cat"), "a_val.json": coco("b.jpg", "gnome")})
    write_files(tmp_path, {"a.jpg": PICTURE, "b.jpg": PICTURE})
    found = coco_folder.read(tmp_path)
    assert [item.name for item in found.classes] == ["Cat", "gnome"]
    assert [image.labels for image in by_id(found).values()] == [["/m/01yrx"], ["user/gnome"]]


@pytest.mark.parametrize("files", [{"a.json": "{}"}, {"x/gt.json": coco()}, {"._gt.json": coco()}, {"a.txt": coco()}])
def test_other_folders_are_none(tmp_path: Path, files: Files) -> None:
    assert not coco_folder.is_coco_folder(write_files(tmp_path, files))


@pytest.mark.parametrize("names", [("a.json", "b.json"), ("a_train.json", "b_train.json"), ("a_train.json", "b.json")])
def test_files_that_may_be_of_the_same_images_are_an_error(tmp_path: Path, names: tuple[str, str]) -> None:
    write_files(tmp_path, dict.fromkeys(names, coco()))
    with pytest.raises(ArgumentError, match=r"a.*\.json and b.*\.json are COCO files; expected one"):
        coco_folder.read(tmp_path)
