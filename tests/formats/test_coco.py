"""COCO JSON."""

import json
from typing import Any

import pytest

from boxable.formats import ImageRecord
from boxable.formats.coco import coco
from boxable.images.image_ids import image_id
from tests.formats.records import ALL, BROKEN, CAT, CLASSES, EMPTY, TWO, image_record

CATEGORIES = [
    {"id": 122, "name": "Cat", "mid": "/m/01yrx"},
    {"id": 1001, "name": 'arm, "left"', "mid": "user/arm"},
]


def parsed(records: list[ImageRecord]) -> Any:
    return json.loads("".join(coco(records, CLASSES)))


def test_boxes_are_x_y_width_height_in_pixels_and_categories_are_label_ids() -> None:
    assert parsed([TWO]) == {
        "images": [{"id": 1, "file_name": "cat.jpg", "width": 400, "height": 200}],
        "annotations": [
            {
                "id": 1, "image_id": 1, "category_id": 122, "bbox": [50.0, 50.0, 350.0, 100.0], "area": 35000.0,
                "iscrowd": 0, "score": 0.875,
            },
            {
                "id": 2, "image_id": 1, "category_id": 1001, "bbox": [200.0, 0.0, 50.0, 100.0], "area": 5000.0,
                "iscrowd": 0, "score": 0.5,
            },
        ],
        "categories": CATEGORIES,
    }  # fmt: skip


@pytest.mark.parametrize("records", [[], [BROKEN]], ids=["no images", "none readable"])
def test_nothing_gives_the_categories_alone(records: list[ImageRecord]) -> None:
    assert parsed(records) == {"images": [], "annotations": [], "categories": CATEGORIES}


def test_an_image_in_which_nothing_was_found_is_listed() -> None:
    found = parsed([EMPTY])
    assert [image["file_name"] for image in found["images"]] == ["empty.jpg"]
    assert found["annotations"] == []


def test_annotations_are_numbered_on_across_images() -> None:
    found = parsed(ALL)
    assert [(item["id"], item["image_id"]) for item in found["annotations"]] == [(1, 1), (2, 1), (3, 2)]
    assert [image["id"] for image in found["images"]] == [1, 2, 3]


@pytest.mark.parametrize(
    ("sources", "ids"),
    [
        (["000000000139.jpg", "val/000000000285.jpg"], [139, 285]),
        (["0.png"], [0]),
        (["7.jpg", "7.png"], [7, 1]),
        (["1.jpg", "photo.jpg", "other.jpg"], [1, 2, 3]),
        (["2.jpg", "a.jpg", "b.jpg"], [2, 1, 3]),
        (["0001eeaf4aed83f9.jpg"], [1]),
        (["²³.jpg"], [1]),
        (["9" * 18 + ".jpg", "9" * 19 + ".jpg"], [10**18 - 1, 1]),
        (["12a.jpg", "-5.jpg", "1.5.jpg"], [1, 2, 3]),
        (["a/1.jpg", "b/1.jpg", "c/1.jpg"], [1, 2, 3]),
    ],
)
def test_a_file_name_that_is_a_number_is_the_image_id_and_all_ids_differ(sources: list[str], ids: list[int]) -> None:
    found = parsed([image_record(source, CAT) for source in sources])
    assert [image["id"] for image in found["images"]] == ids
    assert [item["image_id"] for item in found["annotations"]] == ids
    assert [image["file_name"] for image in found["images"]] == [source.rpartition("/")[2] for source in sources]


@pytest.mark.parametrize(
    ("source", "image", "file_name"),
    [
        ("/data/photos/cam1/0001.jpg", "cam1__0001", "cam1/0001.jpg"),
        ("/data/photos/images/cam1/a.b.jpg", "cam1__a.b", "cam1/a.b.jpg"),
        ("/data/photos/0001.jpg", "0001", "0001.jpg"),
        ("https://example.com/cat.jpg?size=1", "cat", "cat.jpg"),
        ("-", "stdin", "stdin.jpg"),
    ],
)
def test_the_file_name_is_a_path_of_the_image_id(source: str, image: str, file_name: str) -> None:
    found = parsed([{**image_record(source), "image_id": image}])
    assert [item["file_name"] for item in found["images"]] == [file_name]
    assert image_id(file_name) == image
