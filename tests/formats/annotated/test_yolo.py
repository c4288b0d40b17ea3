"""The lines of YOLO label files: boxes, outlines, scores, keypoints, and what is none of them."""

from pathlib import Path

import numpy as np
import pytest

from boxable.errors import ArgumentError
from boxable.formats.annotated import yolo
from boxable.formats.annotated.image import AnnotatedSet
from tests.formats.annotated.sets import PICTURE, by_id, write_files

YAML = "names: [cat, dog]\n"
SQUARE = [0.25, 0.25, 0.75, 0.75]


def read(folder: Path, labels: str, yaml: str = YAML) -> AnnotatedSet:
    return yolo.read(write_files(folder, {"data.yaml": yaml, "images/a.jpg": PICTURE, "labels/a.txt": labels}))


@pytest.mark.parametrize(
    ("line", "box"),
    [
        ("0 0.5 0.5 0.5 0.5", SQUARE),
        ("  0\t0.5 0.5  0.5 0.5 ", SQUARE),
        ("0 0.5 0.5 0.5 0.5 0.875", SQUARE),
        ("0.0 0.5 0.5 0.5 0.5", SQUARE),
        ("0.000000000000000000e+00 0.5 0.5 5e-1 0.5", SQUARE),
        ("0 0.2 0.1 0.8 0.3 0.5 0.7", [0.1, 0.2, 0.7, 0.8]),  # a triangle
        ("0 0.2 0.2 0.8 0.2 0.8 0.7 0.2 0.7", [0.2, 0.2, 0.7, 0.8]),  # an oriented box
        ("0 0.2 0.2 0.8 0.2 0.8 0.7 0.2 0.7 0.5", [0.2, 0.2, 0.7, 0.8]),  # with a score
        ("0 0.5 0.1 0.9 0.5 0.5 0.9 0.1 0.5 0.2 0.2", [0.1, 0.1, 0.9, 0.9]),
    ],
)
def test_a_line_is_a_box_or_an_outline_with_a_box_around_it(tmp_path: Path, line: str, box: list[float]) -> None:
    image = by_id(read(tmp_path, line + "\n"))["a"]
    assert image.labels == ["/m/01yrx"]
    np.testing.assert_allclose(image.box, [box], rtol=0, atol=1e-15)


def test_outlines_and_scores_are_counted(tmp_path: Path) -> None:
    found = read(tmp_path, "0 0.5 0.5 0.5 0.5 0.9\n1 0 0 1 0 1 1\n1 0 0 1 0 1 1 0.5\n")
    assert len(by_id(found)["a"].labels) == 3
    assert sorted(found.notes()) == [
        "2 boxes with a score: the score is dropped",
        "2 outlines of objects: only the box around each is kept",
    ]


@pytest.mark.parametrize("more", ["", " 0.5"])
def test_keypoints_follow_the_box_where_data_yaml_says_so(tmp_path: Path, more: str) -> None:
    found = read(tmp_path, f"0 0.5 0.5 0.5 0.5 0.1 0.1 2 0.9 0.9 1{more}\n", YAML + "kpt_shape: [2, 3]\n")
    assert by_id(found)["a"].box.tolist() == [SQUARE]
    assert "1 box with keypoints: the keypoints are dropped" in found.notes()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("0 0.5 0.5 1", "4 values in a YOLO label"),
        ("hello", "class 'hello'"),
        ("0 0.5 0,5 1 1", "could not convert .*YOLO label"),
        ("2 0.5 0.5 1 1", "class '2'; expected a number from 0 to 1.*YOLO"),
        ("-1 0.5 0.5 1 1", "class '-1'"),
        ("0.5 0.5 0.5 1 1", r"class '0\.5'"),
        ("nan 0.5 0.5 1 1", "class 'nan'"),
        ("inf 0.5 0.5 1 1", "class 'inf'"),
    ],
)
def test_a_line_that_is_no_label_is_an_error_that_names_it(tmp_path: Path, line: str, says: str) -> None:
    with pytest.raises(ArgumentError, match=rf"labels/a\.txt, line 3: {says}"):
        by_id(read(tmp_path, f"0 0.5 0.5 1 1\n\n{line}\n"))


def test_an_empty_file_and_none_are_images_without_boxes(tmp_path: Path) -> None:
    write_files(tmp_path, {"images/b.jpg": PICTURE})
    assert {name: len(image.labels) for name, image in by_id(read(tmp_path, "\n")).items()} == {"a": 0, "b": 0}


@pytest.mark.parametrize(
    "files",
    [
        {"data.yaml": YAML},
        {"pets.yml": YAML},
        {"labels/a.txt": ""},
        {"train/labels/a.txt": ""},
        {"classes.txt": "cat"},
        {"obj.names": "cat"},
        {"obj.data": "classes = 1"},
        {"annotations-bbox.csv": "x", "classes.txt": "cat", "labels/a.txt": ""},
    ],
)
def test_a_set_is_recognized_by_what_is_in_its_folder(tmp_path: Path, files: dict[str, str]) -> None:
    assert yolo.is_yolo(write_files(tmp_path, files))


@pytest.mark.parametrize(
    "files",
    [
        {"a.jpg": PICTURE},
        {"config.yaml": "train: 1\n"},
        {"._data.yaml": YAML, "__MACOSX/labels/a.txt": ""},
        {"annotations-bbox.csv": "x", "data.yaml": YAML},
        {"annotations-bbox.csv": "x", "labels/a.txt": ""},
    ],
)
def test_other_folders_are_none(tmp_path: Path, files: dict[str, str | bytes]) -> None:
    assert not yolo.is_yolo(write_files(tmp_path, files))
