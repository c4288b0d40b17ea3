"""YOLO text lines."""

import json

import yaml

from boxable.formats.yolo import data_yaml, yolo, yolo_lines
from boxable.vocabulary import ClassList, open_images
from tests.formats.records import ALL, CLASSES, EMPTY, TWO, image_record

CAT = "0 0.5625 0.5 0.875 0.5 0.875\n"
ARM = "1 0.5625 0.25 0.125 0.5 0.5\n"


def test_lines_hold_class_number_centre_size_and_score_below_the_name_of_the_image() -> None:
    names, rest = "".join(yolo(ALL, CLASSES)).split("\n", 1)
    assert json.loads(names.removeprefix("# names: ")) == ["Cat", 'arm, "left"']
    assert rest == f'# photos/cat.jpg\n{CAT}{ARM}# odd, "名前" é.png\n{CAT}# empty.jpg\n'


def test_the_file_of_one_image_has_no_comment() -> None:
    assert yolo_lines(TWO, CLASSES) == CAT + ARM
    assert yolo_lines(EMPTY, CLASSES) == ""


def test_a_line_end_in_a_name_does_not_end_the_comment() -> None:
    lines = "".join(yolo([image_record("two\n1 0.5 0.5 1 1 1.jpg")], CLASSES)).splitlines()
    assert [line for line in lines if not line.startswith("#")] == []


def test_data_yaml_names_every_number() -> None:
    odd = ["no", "a: b", "it's", 'c "d"', "名前", "7", "# x", "- y", "e\\f"]
    content = yaml.safe_load(data_yaml(ClassList.from_names(odd), {"train": "images"}))
    assert content == {"train": "images", "names": dict(enumerate(odd))}
    names = yaml.safe_load(data_yaml(open_images(), {}))["names"]
    assert names[178] == "Coffee cup"
    assert open_images()[178].label_id == 179
