"""Expansion along the hierarchy, against what the original script wrote."""

import csv
import gzip
import io
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from boxable.formats.annotations import Annotations, ImageLabels, TruthBoxes
from boxable.formats.expansion import expand, expand_boxes, expand_image_labels
from boxable.formats.openimages_reading import read_boxes, read_image_labels
from boxable.vocabulary import open_images_hierarchy
from boxable.vocabulary.hierarchy import ROOT_MID

Rows = list[tuple[object, ...]]
HIERARCHY = open_images_hierarchy()
COORDINATES = ("YMin", "XMin", "YMax", "XMax")


def box_rows(boxes: TruthBoxes) -> Rows:
    columns = (boxes.image.strings(), boxes.label.strings(), *boxes.box.T.tolist(), boxes.group_of.tolist())
    return list(zip(*columns, strict=True))


def label_rows(labels: ImageLabels) -> Rows:
    return list(zip(labels.image.strings(), labels.label.strings(), labels.confidence.tolist(), strict=True))


def recorded_boxes(text: str) -> Rows:
    return [
        (row["ImageID"], row["LabelName"], *(float(row[name]) for name in COORDINATES), int(row["IsGroupOf"]))
        for row in csv.DictReader(io.StringIO(text))
    ]


def recorded_labels(text: str) -> Rows:
    return [(row["ImageID"], row["LabelName"], float(row["Confidence"])) for row in csv.DictReader(io.StringIO(text))]


@pytest.fixture(
    params=[
        ("expansion", "{}.csv", "boxes", "imagelabels"),
        ("large", "{}.csv.gz", "gt_boxes", "gt_imagelabels"),
    ],
    ids=["small", "large"],
)
def files(reference: Path, request: pytest.FixtureRequest) -> tuple[Path, Path, str, str]:
    """Two files of annotations, and what the original made of each."""
    folder, name, boxes, labels = request.param
    paths = [reference / "eval" / folder / name.format(stem) for stem in (boxes, labels)]
    outputs = [reference / "eval" / folder / name.format(f"{stem}_expanded") for stem in (boxes, labels)]
    texts = [gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes() for path in outputs]
    return paths[0], paths[1], texts[0].decode(), texts[1].decode()


Files = tuple[Path, Path, str, str]


def test_boxes_come_out_as_the_original_script_expands_them(files: Files) -> None:
    boxes, _ = expand_boxes(read_boxes(files[0]), HIERARCHY)
    assert Counter(box_rows(boxes)) == Counter(recorded_boxes(files[2]))


def test_image_labels_come_out_as_the_original_script_expands_them(files: Files) -> None:
    labels = expand_image_labels(read_image_labels(files[1]), HIERARCHY)
    assert Counter(label_rows(labels)) == Counter(recorded_labels(files[3]))


def test_what_is_expanded_has_no_new_row_to_give(files: Files) -> None:
    once, _ = expand(Annotations(read_boxes(files[0]), read_image_labels(files[1])), HIERARCHY)
    twice, _ = expand(once, HIERARCHY)
    assert set(box_rows(twice.boxes)) == set(box_rows(once.boxes))
    assert set(label_rows(twice.image_labels)) == set(label_rows(once.image_labels))


def test_each_box_comes_first_and_then_its_copies_in_the_order_of_the_file(files: Files) -> None:
    before = read_boxes(files[0])
    after, sources = expand_boxes(before, HIERARCHY)
    assert (np.diff(sources) >= 0).all()
    first = np.flatnonzero(np.diff(sources, prepend=-1))
    assert box_rows(after.take(first)) == box_rows(before)
    np.testing.assert_array_equal(after.box, before.box[sources])
    assert after.image.strings() == before.image.take(sources).strings()
    np.testing.assert_array_equal(after.group_of, before.group_of[sources])


BOX_HEADER = "ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf\n"
DOG_KINDS = {"/m/0bt9lr", "/m/01lrl", "/m/04rky", "/m/0jbk"}


@pytest.fixture
def edge_cases(reference: Path) -> dict[str, dict[str, str]]:
    cases = json.loads((reference / "eval" / "expansion" / "edge_cases.json").read_text())
    return {case["why"].partition(":")[0]: case for case in cases}


def write(folder: Path, text: str) -> Path:
    path = folder / "rows.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize("why", ["class not in the hierarchy (box)", "the root itself, /m/0bl9f (box)"])
def test_unlike_the_original_a_box_of_a_class_without_ancestors_stays_as_it_is(
    edge_cases: dict[str, dict[str, str]], tmp_path: Path, why: str
) -> None:
    assert edge_cases[why]["error"] == "AssertionError"
    boxes, _ = expand_boxes(read_boxes(write(tmp_path, edge_cases[why]["input"])), HIERARCHY)
    assert box_rows(boxes) == recorded_boxes(edge_cases[why]["input"])


def test_unlike_the_original_an_image_label_of_an_unknown_class_stays_as_it_is(
    edge_cases: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    case = edge_cases["class not in the hierarchy (label)"]
    assert case["error"] == "AssertionError"
    labels = expand_image_labels(read_image_labels(write(tmp_path, case["input"])), HIERARCHY)
    assert label_rows(labels) == [("x", "/m/zzz", 1.0)]


def test_unlike_the_original_confidence_may_be_written_with_a_point(
    edge_cases: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    case = edge_cases["Confidence 1.0 instead of 1"]
    assert case["error"] == "ValueError"
    labels = expand_image_labels(read_image_labels(write(tmp_path, case["input"])), HIERARCHY)
    assert sorted(label_rows(labels)) == sorted(("x", mid, 1.0) for mid in DOG_KINDS)


def test_a_confidence_of_minus_one_goes_down_like_zero(edge_cases: dict[str, dict[str, str]], tmp_path: Path) -> None:
    case = edge_cases["Confidence -1"]
    labels = expand_image_labels(read_image_labels(write(tmp_path, case["input"])), HIERARCHY)
    assert Counter(label_rows(labels)) == Counter(recorded_labels(case["output"]))


def test_unlike_the_original_a_last_line_without_line_end_is_expanded_like_the_others(
    edge_cases: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    case = edge_cases["last line without line end"]
    boxes, _ = expand_boxes(read_boxes(write(tmp_path, case["input"])), HIERARCHY)
    assert Counter(row[1] for row in box_rows(boxes)) == {"/m/04yx4": 2, "/m/01g317": 2}


def test_columns_are_found_by_their_names(tmp_path: Path) -> None:
    text = "Confidence,LabelName,Foo,ImageID\n1,/m/04yx4,q,x\n"
    labels = expand_image_labels(read_image_labels(write(tmp_path, text)), HIERARCHY)
    assert label_rows(labels) == [("x", "/m/04yx4", 1.0), ("x", "/m/01g317", 1.0)]


def test_a_header_alone_gives_no_rows(edge_cases: dict[str, dict[str, str]], tmp_path: Path) -> None:
    boxes, sources = expand_boxes(
        read_boxes(write(tmp_path, edge_cases["empty file (header only)"]["input"])), HIERARCHY
    )
    assert box_rows(boxes) == []
    assert len(sources) == 0


@pytest.mark.parametrize(
    ("mid", "expected"),
    [
        ("/m/0bt9lr", DOG_KINDS),
        ("/m/0jbk", {"/m/0jbk"}),
        ("/m/01bqk0", {"/m/01bqk0"}),
        (ROOT_MID, {ROOT_MID}),
    ],
    ids=["kind of a kind", "top of the hierarchy", "part of a whole", "root"],
)
def test_a_box_is_a_box_of_every_ancestor_but_the_root_and_of_no_whole(
    tmp_path: Path, mid: str, expected: set[str]
) -> None:
    boxes, _ = expand_boxes(read_boxes(write(tmp_path, f"{BOX_HEADER}x,{mid},0,1,0,1,1\n")), HIERARCHY)
    assert sorted(boxes.label.strings()) == sorted(expected)
    assert boxes.group_of.tolist() == [1] * len(expected)
