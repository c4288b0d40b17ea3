"""What names the classes of a YOLO set."""

from pathlib import Path

import pytest

from boxable.errors import ArgumentError
from boxable.formats.annotated.yolo_description import describe, find_description
from tests.formats.annotated.sets import write_files

NAMES = {0: "Cat", 1: "Dog"}


def classes(folder: Path) -> dict[int, str]:
    return {number: item.name for number, item in describe(folder).classes.items()}


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ({"data.yaml": "names: [cat, dog]"}, NAMES),
        ({"data.yaml": "names: {0: cat, 1: dog}\nnc: 2"}, NAMES),
        ({"pets.yml": "'names':\n- cat\n- dog\n"}, NAMES),
        ({"data.yaml": "names: {1: cat, 2: dog}"}, {1: "Cat", 2: "Dog"}),
        ({"data.yaml": "names: {7: dog, 2: cat}"}, {7: "Dog", 2: "Cat"}),
        ({"data.yaml": "train: images", "classes.txt": "cat\ndog\n"}, NAMES),
        ({"data.yaml": "names: [cat, dog]", "args.yaml": "names: [x]", "classes.txt": "y"}, NAMES),
        ({"classes.txt": "\ufeffcat\r\ndog\r\n\r\n"}, NAMES),
        ({"labels/classes.txt": "cat\ndog\n"}, NAMES),
        ({"labels/train/classes.txt": "cat\ndog\n", "labels/val/classes.txt": "cat\ndog\n"}, NAMES),
        ({"obj.data": "classes = 2\nnames = data/obj.names\n", "obj.names": "cat\ndog\n"}, NAMES),
        ({"coco.names": "cat\ndog\n", "labels/classes.txt": "y"}, NAMES),
        ({"train/_darknet.labels": "cat\ndog\n", "._classes.txt": b"\0"}, NAMES),
        ({"classes.csv": "LabelName,DisplayName\nuser/yeti,Yeti\n", "data.yaml": "names: [x]"}, {0: "Yeti"}),
    ],
)
def test_classes_are_found_by_their_numbers(
    tmp_path: Path, files: dict[str, str | bytes], names: dict[int, str]
) -> None:
    assert classes(write_files(tmp_path, files)) == names


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a.yaml": "names: [x]", "b.yaml": "names: [x]"}, r"a\.yaml and b\.yaml both name classes; .*YOLO"),
        ({"a/classes.txt": "cat", "b/classes.txt": "dog"}, r"a/classes\.txt and .*b/classes\.txt list different"),
        ({"data.yaml": "names: [cat, '']"}, r"data\.yaml: no names of the classes, or an empty one"),
        ({"data.yaml": "names: []"}, r"data\.yaml: no names of the classes"),
        ({"data.yaml": "names: cat"}, r"data\.yaml: no names; expected a list"),
        ({"data.yaml": "names: {-1: cat}"}, r"data\.yaml: no names; expected a list"),
        ({"data.yaml": "names: {99999999999999999999: cat}"}, r"data\.yaml: no names; expected a list"),
        ({"data.yaml": "names: {00: cat, 0: dog}"}, r"data\.yaml: two names have the number 0"),
        ({"data.yaml": "nc: 2"}, r"data\.yaml: no names in it and no classes\.txt"),
        ({"labels/a.txt": "0 1 1 1 1"}, r"no data\.yaml and no classes\.txt"),
        ({"classes.txt": b"\xff\xfe"}, r"classes\.txt: not text; .*YOLO"),
    ],
)
def test_what_does_not_tell_the_classes_is_an_error(tmp_path: Path, files: dict[str, str | bytes], says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        describe(write_files(tmp_path, files))


def test_one_of_several_descriptions_can_be_named(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.yaml": "names: [cat, dog]", "b.yaml": "names: [x]"})
    assert classes(tmp_path / "a.yaml") == NAMES
    assert find_description(write_files(tmp_path, {"c.yaml": "x: y"}) / "c.yaml") is None
