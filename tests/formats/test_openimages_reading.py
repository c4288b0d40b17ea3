"""A folder of Open Images tables, and each of its files."""

import csv
import gzip
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from boxable.errors import ArgumentError, BoxableError
from boxable.formats.openimages_reading import (
    has_tables,
    read_boxes,
    read_classes,
    read_folder,
    read_image_labels,
    read_prediction_table,
    read_sizes,
)
from boxable.vocabulary import open_images
from tests.conftest import ROOT
from tests.formats.test_tables import write

DATA = ROOT.parent / "shared" / "data"

BOX_NAMES = ["ImageID", "LabelName", "XMin", "XMax", "YMin", "YMax", "IsGroupOf"]
BOXES = [("a", "/m/01yrx", 0.1, 0.2, 0.3, 0.4, 0), ("b", "/m/0bt9lr", 0.0, 1.0, 0.0, 0.5, 1)]
LABEL_NAMES = ["ImageID", "Source", "LabelName", "Confidence"]
LABELS = [("a", "verification", "/m/01yrx", 1), ("c", "verification", "/m/0bt9lr", 0)]


@pytest.fixture(scope="module")
def data() -> Path:
    """Real image sets with boxes; tests that need them skip where they are absent."""
    if not DATA.is_dir():
        pytest.skip("the small photo sets are not beside this checkout")
    return DATA


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A set with two boxes and nothing else."""
    write(tmp_path / "annotations-bbox.csv", BOX_NAMES, BOXES)
    return tmp_path


def test_boxes_are_ymin_xmin_ymax_xmax_with_their_flags(folder: Path) -> None:
    boxes = read_boxes(folder / "annotations-bbox.csv")
    assert (boxes.image.strings(), boxes.label.strings()) == (["a", "b"], ["/m/01yrx", "/m/0bt9lr"])
    assert boxes.box.tolist() == [[0.3, 0.1, 0.4, 0.2], [0, 0, 0.5, 1]]
    assert (boxes.group_of.tolist(), boxes.difficult.tolist()) == ([0, 1], [False, False])
    assert np.isnan(boxes.area).all()


def test_every_file_but_the_boxes_may_be_missing(folder: Path) -> None:
    found = read_folder(folder)
    assert (len(found.boxes), len(found.image_labels), len(found.classes), found.sizes) == (2, 0, 0, {})
    assert found.images == ["a", "b"]


def test_a_folder_without_boxes_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "annotations-human-imagelabels.csv", LABEL_NAMES, LABELS)
    with pytest.raises(ArgumentError, match="no annotations in this folder") as caught:
        read_folder(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}: ")


@pytest.mark.parametrize(
    ("value", "expected"), [("0", 0), ("1", 1), ("-1", -1), ("", -1), ("nan", -1), ("2", 1), ("-7", -1), ("inf", 1)]
)
def test_a_group_of_flag_is_1_0_or_unknown(tmp_path: Path, value: str, expected: int) -> None:
    path = write(tmp_path / "boxes.csv", BOX_NAMES, [(*BOXES[0][:-1], value)])
    assert read_boxes(path).group_of.tolist() == [expected]


def test_without_flags_no_box_is_group_of_or_difficult(tmp_path: Path) -> None:
    boxes = read_boxes(write(tmp_path / "boxes.csv", BOX_NAMES[:-1], [row[:-1] for row in BOXES]))
    assert (boxes.group_of.tolist(), boxes.difficult.tolist()) == ([0, 0], [False, False])


@pytest.mark.parametrize("column", ["Confidence", "Verified"])
@pytest.mark.parametrize(
    "name",
    [
        "annotations-human-imagelabels.csv",
        "annotations-human-imagelabels.csv.gz",
        "annotations-human-imagelabels.parquet",
        "validation-annotations-human-imagelabels.csv",
        "validation-annotations-human-imagelabels-boxable.csv",
    ],
)
def test_image_labels_are_found_under_each_of_their_names(folder: Path, name: str, column: str) -> None:
    write(folder / name, [*LABEL_NAMES[:-1], column], LABELS)
    found = read_folder(folder)
    labels = found.image_labels
    assert (labels.image.strings(), labels.confidence.tolist()) == (["a", "c"], [1, 0])
    assert found.images == ["a", "b", "c"]


@pytest.mark.parametrize(
    "name", ["validation-annotations-bbox.csv", "my-annotations-bbox.csv.gz", "annotations-bbox.parquet"]
)
def test_boxes_are_found_under_each_of_their_names(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, BOX_NAMES, BOXES)
    assert read_folder(tmp_path).images == ["a", "b"]


@pytest.mark.parametrize(
    "names",
    [
        ("annotations-bbox.csv", "annotations-bbox.parquet"),
        ("train-annotations-bbox.csv", "validation-annotations-bbox.csv"),
        ("annotations-bbox.csv", "annotations-human-imagelabels.csv", "annotations-human-imagelabels-boxable.csv"),
    ],
)
def test_two_files_where_one_is_expected_are_an_error_that_names_both(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        write(tmp_path / name, BOX_NAMES, BOXES)
    with pytest.raises(ArgumentError, match="expected one of them") as caught:
        read_folder(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}: {' and '.join(sorted(names[-2:]))};")


def test_other_files_are_left_alone(folder: Path) -> None:
    for name in ("notes.txt", "._annotations-bbox.csv", "annotations-bbox.csv.bak", "provenance.csv", "old-images.csv"):
        (folder / name).write_bytes(b"\xff\0 no table")
    assert len(read_folder(folder).boxes) == 2


def test_classes_of_open_images_keep_their_names_and_others_are_numbered(folder: Path) -> None:
    rows = [("/m/01yrx", "Katze"), ("user/arm", "Arm"), ("", "Left leg")]
    write(folder / "classes.csv", ["LabelName", "DisplayName"], rows)
    classes = read_folder(folder).classes
    assert [(item.label_id, item.mid, item.name) for item in classes] == [
        (122, "/m/01yrx", "Cat"), (1001, "user/arm", "Arm"), (1002, "user/left-leg", "Left leg"),
    ]  # fmt: skip


def test_a_class_whose_name_is_a_number_is_a_class_of_its_own(tmp_path: Path) -> None:
    path = write(tmp_path / "classes.csv", ["LabelName", "DisplayName"], [("7", "Seven"), ("user/8", "8")])
    classes = read_classes(path)
    assert [item.name for item in classes] == ["Seven", "8"]
    assert not [item for item in classes if item in open_images()]


@pytest.mark.parametrize(
    "rows",
    [
        [("user/a", "Arm"), ("user/b", "arm")],
        [("user/a", "Arm"), ("user/A", "Leg")],
    ],
    ids=["the same name", "the same MID"],
)
def test_two_classes_that_are_the_same_are_an_error_that_names_the_file(
    tmp_path: Path, rows: list[tuple[str, str]]
) -> None:
    path = write(tmp_path / "classes.csv", ["LabelName", "DisplayName"], rows)
    with pytest.raises(ArgumentError) as caught:
        read_classes(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("names", "row", "expected"),
    [
        (["ImageID", "Width", "Height", "Title"], ("a", 640, 480, 'two\n"lines"'), (640, 480)),
        (["ImageID", "OriginalURL"], ("a", "https://x"), (0, 0)),
        (["Height", "Width", "ImageID"], ("480.0", "6.4e2", "a"), (640, 480)),
    ],
)
def test_a_size_is_two_whole_numbers_and_0_where_none_is_known(
    folder: Path, names: list[str], row: tuple[object, ...], expected: tuple[int, int]
) -> None:
    write(folder / "images.csv", names, [row])
    assert read_folder(folder).sizes == {"a": expected}


@pytest.mark.parametrize("width", ["inf", "-inf", "1e30"])
def test_a_size_that_no_image_has_is_an_error_or_unknown(tmp_path: Path, width: str) -> None:
    path = write(tmp_path / "images.csv", ["ImageID", "Width", "Height"], [("a", width, 480)])
    with suppress(ArgumentError):
        assert read_sizes(path)["a"][0] == 0


def test_difficult_boxes_are_those_that_are_listed_as_such(folder: Path) -> None:
    odd = [("b", "/m/01yrx", *BOXES[1][2:]), ("x", *BOXES[1][1:])]  # another class, another image
    write(folder / "voc-difficult.csv", BOX_NAMES, [*odd, BOXES[1]])
    found = read_folder(folder)
    assert found.boxes.difficult.tolist() == [False, True]
    assert len(found.boxes) == 2


def test_difficult_may_also_be_a_column(folder: Path) -> None:
    rows = [(*BOXES[0], 1), (*BOXES[1], 0), (*BOXES[1], ""), (*BOXES[1], -1)]
    boxes = read_boxes(write(folder / "annotations-bbox.csv", [*BOX_NAMES, "IsDifficult"], rows))
    assert boxes.difficult.tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    "name", ["annotations-bbox.csv", "annotations-human-imagelabels.csv", "images.csv", "classes.csv", "difficult.csv"]
)
def test_a_broken_file_of_a_folder_is_named(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"ImageID,Label\na,b,c\n")
    with pytest.raises(BoxableError) as caught:
        read_folder(folder)
    assert str(caught.value).startswith(f"{folder / name}: ")


def test_predictions_are_read_as_the_challenge_takes_them(tmp_path: Path) -> None:
    names = ["ImageID", "LabelName", "Score", "XMin", "XMax", "YMin", "YMax"]
    found = read_prediction_table(write(tmp_path / "p.csv", names, [("a", "/m/01yrx", 0.5, 0.1, 0.2, 0.3, 0.4)]))
    assert (found.image.strings(), found.label.strings()) == (["a"], ["/m/01yrx"])
    assert (found.box.tolist(), found.score.tolist()) == ([[0.3, 0.1, 0.4, 0.2]], [0.5])


def expected_rows(path: Path) -> list[tuple[str, str, float, int]]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        return [(row["ImageID"], row["LabelName"], float(row["XMax"]), int(row["IsGroupOf"]))
                for row in csv.DictReader(file)]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["validation-annotations-bbox.fruit-and-spoon.csv", "train-annotations-bbox.body-parts.csv.gz"]
)
def test_official_tables_read_as_the_csv_module_reads_them(data: Path, name: str) -> None:
    path = data / "annotations-only" / name
    boxes = read_boxes(path)
    columns = boxes.image.strings(), boxes.label.strings(), boxes.box[:, 3].tolist(), boxes.group_of.tolist()
    assert list(zip(*columns, strict=True)) == expected_rows(path)


def test_official_image_labels_are_read(data: Path) -> None:
    labels = read_image_labels(data / "annotations-only" / "annotations-human-imagelabels.one-photo.csv")
    assert labels.image.used() == ["000026e7ee790996"]
    assert set(labels.confidence.tolist()) == {0, 1}
    assert "Source" not in read_sizes(data / "tiny" / "images.csv")


@pytest.mark.parametrize(
    ("name", "boxes", "photos", "classes", "difficult"),
    [("eval-coco", 1692, 219, 76, 0), ("eval-voc", 191, 70, 20, 25), ("eval-oi", 189, 26, 44, 0)],
)
def test_real_sets_are_read_whole(data: Path, name: str, boxes: int, photos: int, classes: int, difficult: int) -> None:
    found = read_folder(data / name)
    assert (len(found.boxes), len(found.sizes), len(found.boxes.label.used())) == (boxes, photos, classes)
    assert min(min(size) for size in found.sizes.values()) > 0
    assert set(found.boxes.label.used()) <= {item.mid for item in found.classes}
    assert int(found.boxes.difficult.sum()) == difficult
    assert set(found.images) <= set(found.sizes)


def test_what_fiftyone_leaves_is_a_set(tmp_path: Path) -> None:
    files = {
        "labels/detections.csv": "ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf\na,/m/01yrx,0,1,0,1,1\n",
        "labels/classifications.csv": "ImageID,LabelName,Confidence\na,/m/0bt9lr,0\n",
        "metadata/classes.csv": "/m/01yrx,Cat\n/m/0bt9lr,Dog\n",
        "data/a.jpg": "",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    found = read_folder(tmp_path)
    assert has_tables(tmp_path)
    assert (found.boxes.group_of.tolist(), found.image_labels.label.strings()) == ([1], ["/m/0bt9lr"])
    assert [item.name for item in found.classes] == ["Cat", "Dog"]
    assert not has_tables(tmp_path / "labels")


@pytest.mark.parametrize("content", ["/m/01yrx,Cat\n", "/m/01yrx,Cat\n/m/0bt9lr,Dog\n"])
def test_classes_without_a_header_are_read_from_the_first_row(tmp_path: Path, content: str) -> None:
    (tmp_path / "classes.csv").write_text(content)
    assert len(read_classes(tmp_path / "classes.csv")) == content.count("\n")
