"""Open Images as OIDv4_ToolKit leaves it."""

from pathlib import Path

import numpy as np
import pytest

from boxable.errors import ArgumentError
from boxable.formats.annotated import oid_toolkit
from tests.formats.annotated.sets import HEIGHT, PICTURE, WIDTH, by_id, file_of, write_files

Files = dict[str, str | bytes]
TRAIN = "OID/Dataset/train"
ONE: Files = {f"{TRAIN}/Cat/a.jpg": PICTURE, f"{TRAIN}/Cat/Label/a.txt": "Cat 4 2.0 12.0 6\n"}


@pytest.mark.parametrize("place", ["", "OID", "OID/Dataset", TRAIN, f"{TRAIN}/Cat"])
def test_any_of_its_folders_is_the_set(tmp_path: Path, place: str) -> None:
    write_files(tmp_path, ONE | {"OID/csv_folder/class-descriptions-boxable.csv": "/m/01yrx,Cat\n", "classes.txt": "x"})
    assert oid_toolkit.is_oid_toolkit(tmp_path / place)
    image = by_id(oid_toolkit.read(tmp_path / place))["a"]
    assert (image.labels, image.box.tolist()) == (["/m/01yrx"], [[0.25, 0.25, 0.75, 0.75]])
    assert file_of(image, tmp_path) == f"{TRAIN}/Cat/a.jpg"
    assert image.split == ("train" if place not in (TRAIN, f"{TRAIN}/Cat") else "")


def test_an_image_in_the_folders_of_several_classes_has_the_boxes_of_all(tmp_path: Path) -> None:
    files = ONE | {
        f"{TRAIN}/Traffic light/a.jpg": PICTURE,
        f"{TRAIN}/Traffic light/Label/a.txt": "Traffic light 0 0 8 8\nTraffic light 8 0 16 8\n",
        f"{TRAIN}/Cat_Traffic light/a.jpg": PICTURE,
        f"{TRAIN}/Cat_Traffic light/Label/a.txt": "Cat 4 2 12 6\n",
        "OID/Dataset/validation/Cat/b.jpg": PICTURE,
        "OID/Dataset/validation/Cat/Label/b.TXT": "",
    }
    found = oid_toolkit.read(write_files(tmp_path, files))
    images = by_id(found)
    np.testing.assert_array_equal(
        np.sort(images["a"].box * [HEIGHT, WIDTH, HEIGHT, WIDTH], axis=0),
        np.sort([[2, 4, 6, 12], [0, 0, 8, 8], [0, 8, 8, 16]], axis=0),
    )
    assert sorted(images["a"].labels) == ["/m/015qff", "/m/015qff", "/m/01yrx"]
    assert (images["b"].labels, images["b"].split, found.splits) == ([], "validation", ("train", "validation"))


def test_images_without_labels_and_labels_without_images_are_counted(tmp_path: Path) -> None:
    found = oid_toolkit.read(
        write_files(tmp_path, ONE | {f"{TRAIN}/Cat/b.jpg": PICTURE, f"{TRAIN}/Cat/Label/c.txt": "Cat 0 0 1 1"})
    )
    assert list(by_id(found)) == ["a"]
    assert [finding.examples for finding in found.findings.values()] == [["b"], ["c"]]


@pytest.mark.parametrize(
    "files",
    [
        {"Cat/a.jpg": PICTURE}, {"Cat/labels/a.txt": "Cat 1 1 1 1"}, {"Label/a.csv": ""}, {"a/b/c/d/e/Label/a.txt": ""},
        {"annotations-bbox.csv": "x", "Label/a.txt": ""},
    ],
)  # fmt: skip
def test_other_folders_are_none(tmp_path: Path, files: Files) -> None:
    assert not oid_toolkit.is_oid_toolkit(write_files(tmp_path, files))


@pytest.mark.parametrize("line", ["Cat 1 2 3", "Cat 1 2 3 x", "1 2 3", "\0"])
def test_a_line_that_is_no_label_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(ArgumentError, match=r"Label/a\.txt, line 2: .*OIDv4_ToolKit"):
        oid_toolkit.read(write_files(tmp_path, ONE | {f"{TRAIN}/Cat/Label/a.txt": f"\n{line}\n"}))
