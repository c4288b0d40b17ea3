"""COCO files as others lay them out: where their images are, and what they hold besides boxes."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from boxable.errors import ArgumentError
from boxable.openimages.convert_set import convert
from tests.formats.annotated.sets import PICTURE, write_files

ANNOTATION = {"id": 7, "image_id": 3, "category_id": 5, "bbox": [1, 1, 4, 4]}
POLYGON = [[1, 1, 5, 1, 5, 5, 1, 5]]


def coco(path: Path, *annotations: dict[str, Any], file: Path | None = None) -> Path:
    """A file with one image, a.png, and its boxes; the image is written where it shall be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "images": [{"id": 3, "file_name": "a.png", "width": 16, "height": 8, "license": 1}],
        "annotations": annotations or [ANNOTATION],
        "categories": [{"id": 5, "name": "Cat"}],
    }
    path.write_text(json.dumps(content))
    if file:
        file.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 8)).save(file / "a.png")
    return path


@pytest.mark.parametrize("place", ["val2017", "images", "images/val2017", "annotations", "annotations/images"])
def test_photos_are_found_where_coco_has_them(place: str, tmp_path: Path) -> None:
    source = coco(tmp_path / "annotations" / "instances_val2017.json", file=tmp_path / place)
    notes = convert(source, tmp_path / "out", "parquet")
    assert (tmp_path / "out" / "images" / "a.png").is_file()
    assert not any("photos" in note for note in notes)


@pytest.mark.parametrize("place", ["val2017", "images/val2017", "../val2017"])
def test_photos_are_not_looked_for_around_a_file_that_is_not_so_laid_out(place: str, tmp_path: Path) -> None:
    source = coco(tmp_path / "in" / "boxes" / "instances_val2017.json", file=tmp_path / "in" / place)
    assert "1 missing image file (a): the boxes are kept" in convert(source, tmp_path / "out", "parquet")


def test_what_annotations_have_besides_boxes_is_counted(tmp_path: Path) -> None:
    crowd = ANNOTATION | {"iscrowd": 1, "segmentation": {"counts": "1", "size": [8, 16]}}
    points = ANNOTATION | {"keypoints": [1, 1, 2], "segmentation": [], "area": 16.0}
    source = coco(tmp_path / "a.json", ANNOTATION | {"segmentation": POLYGON, "area": 15}, crowd, points, file=tmp_path)
    assert convert(source, tmp_path / "out", "parquet") == [
        "2 segmentations, which no other format holds: dropped",
        "1 list of keypoints, which no other format holds: dropped",
        "1 area other than width times height, which no other format holds: dropped",
        "1 licence or address of an image, which no other format holds: dropped",
        "1 image id other than the name of the file, which no other format holds: dropped",
        "1 category id, which no other format holds: dropped",
    ]


def test_a_file_of_our_own_loses_nothing_but_the_numbers_of_its_images(tmp_path: Path) -> None:
    first = coco(tmp_path / "a.json", file=tmp_path)
    convert(first, tmp_path / "b.json", "coco")
    ids = "1 image id other than the name of the file, which no other format holds: dropped"
    assert convert(tmp_path / "b.json", tmp_path / "out", "parquet") == [ids]
    assert json.loads((tmp_path / "b.json").read_text())["categories"][0]["mid"] == "/m/01yrx"


def test_a_file_name_leads_from_the_image_folder_to_the_image(tmp_path: Path) -> None:
    labels = {"classes.txt": "cat", "labels/train/a.txt": "0 .5 .5 .5 .5", "images/train/a.JPG": PICTURE}
    convert(write_files(tmp_path / "yolo", labels), tmp_path / "yolo" / "coco.json", "coco")
    content = json.loads((tmp_path / "yolo" / "coco.json").read_text())
    assert [image["file_name"] for image in content["images"]] == ["train/a.JPG"]
    convert(tmp_path / "yolo" / "coco.json", tmp_path / "out", "openimages")
    assert (tmp_path / "out" / "images" / "train__a.jpg").is_file()


@pytest.mark.parametrize(
    ("key", "twin", "says"),
    [
        ("images", {"id": 3, "file_name": "b.png", "width": 9, "height": 9}, "image 3 is 'a.png' and 'b.png'"),
        ("categories", {"id": 5, "name": "Dog"}, "category 5 is 'Cat' and 'Dog'"),
    ],
)
def test_a_number_that_two_have_is_an_error_and_the_same_one_twice_is_not(
    key: str, twin: dict[str, Any], says: str, tmp_path: Path
) -> None:
    path = coco(tmp_path / "a.json", file=tmp_path)
    content = json.loads(path.read_text())
    content[key] += content[key]
    path.write_text(json.dumps(content))
    convert(path, tmp_path / "out", "parquet")
    content[key].append(twin)
    path.write_text(json.dumps(content))
    with pytest.raises(ArgumentError, match=f"a.json: {says}; expected different numbers"):
        convert(path, tmp_path / "other", "parquet")


def test_nothing_is_made_of_a_file_without_images(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"annotations": [], "categories": [{"id": 1, "name": "Cat"}]}')
    with pytest.raises(ArgumentError, match=r"a\.json: no images in it"):
        convert(tmp_path / "a.json", tmp_path / "out", "parquet")
    assert not (tmp_path / "out").exists()


def test_nothing_is_made_of_images_that_are_all_of_unknown_size(tmp_path: Path) -> None:
    (tmp_path / "boxes.csv").write_text(
        "ImageID,LabelName,XMin,XMax,YMin,YMax\na,/m/01yrx,0,1,0,1\nb,/m/01yrx,0,1,0,1\n"
    )
    with pytest.raises(ArgumentError, match=r"no image of known size, which COCO needs: 2 images of unknown size"):
        convert(tmp_path / "boxes.csv", tmp_path / "out.json", "coco")
    assert [path.name for path in tmp_path.iterdir()] == ["boxes.csv"]


@pytest.mark.parametrize(("group_of", "crowd"), [(1, 1), (0, 0), (-1, 0)])
def test_only_boxes_that_are_surely_group_of_become_crowds(tmp_path: Path, group_of: int, crowd: int) -> None:
    table = tmp_path / "boxes.csv"
    table.write_text(f"ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf\na,/m/01yrx,0.1,0.5,0.2,0.6,{group_of}\n")
    (tmp_path / "images").mkdir()
    Image.new("RGB", (16, 8)).save(tmp_path / "images" / "a.jpg")
    convert(table, tmp_path / "out.json", "coco")
    assert [item["iscrowd"] for item in json.loads((tmp_path / "out.json").read_text())["annotations"]] == [crowd]
