"""Predictions of several detectors become one file."""

from pathlib import Path

import numpy as np
import pytest

import boxable
from boxable.errors import ArgumentError
from boxable.formats.annotations import Predictions
from boxable.formats.reading import read_predictions
from tests.cli.conftest import Invoke
from tests.cli.conftest import invoke as invoke

CAT, DOG = "/m/01yrx", "/m/0bt9lr"
HEAD = "ImageID,LabelName,Score,XMin,XMax,YMin,YMax\n"


def table(path: Path, *rows: str) -> Path:
    path.write_text(HEAD + "".join(f"{row}\n" for row in rows))
    return path


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    first = table(tmp_path / "a.csv", f"i,{CAT},0.9,0.1,0.5,0.1,0.5", f"h,{DOG},0.4,0.6,0.9,0.6,0.9")
    return first, table(tmp_path / "b.csv", f"i,{CAT},0.3,0.1,0.7,0.1,0.5", f"i,{DOG},0.9,0.1,0.5,0.1,0.5")


def rows(found: Predictions) -> list[tuple[str, str, float, list[float]]]:
    scores = found.score.round(6).tolist()
    return list(zip(found.image.strings(), found.label.strings(), scores, found.box.round(6).tolist(), strict=True))


def test_boxes_of_a_class_in_an_image_become_one_in_order_of_image_and_score(two: tuple[Path, Path]) -> None:
    assert rows(boxable.fuse(*two)) == [
        ("h", DOG, 0.2, [0.6, 0.6, 0.9, 0.9]),
        ("i", CAT, 0.6, [0.1, 0.1, 0.5, 0.55]),
        ("i", DOG, 0.45, [0.1, 0.1, 0.5, 0.5]),
    ]


def test_weights_count_in_boxes_and_scores(two: tuple[Path, Path]) -> None:
    found = rows(boxable.fuse(*two, weights=[1, 3]))
    assert found[1] == ("i", DOG, 0.675, [0.1, 0.1, 0.5, 0.5])
    assert found[2] == ("i", CAT, 0.45, [0.1, 0.1, 0.5, 0.6])


def test_low_scores_are_left_out_before_weights_count(two: tuple[Path, Path]) -> None:
    assert [row[:3] for row in rows(boxable.fuse(*two, weights=[1, 3], min_score=0.4))] == [
        ("h", DOG, 0.1), ("i", DOG, 0.675), ("i", CAT, 0.225),
    ]  # fmt: skip


def test_what_is_written_is_read_back(two: tuple[Path, Path], tmp_path: Path) -> None:
    fused = boxable.fuse(*two, out=tmp_path / "out.csv")
    again = read_predictions(tmp_path / "out.csv")
    assert rows(again) == rows(fused)
    np.testing.assert_array_equal(again.box, fused.box)


def test_boxes_without_area_are_left_out_and_told(two: tuple[Path, Path], tmp_path: Path) -> None:
    odd = table(
        tmp_path / "c.csv",
        f"i,{CAT},0.9,0.5,0.5,0.1,0.5",
        f"k,{CAT},nan,0.1,0.5,0.1,0.5",
        f"i,{DOG},0.9,0.5,0.1,0.5,-0.1",
    )
    found = boxable.fuse(two[0], odd)
    assert [str(note) for note in found.notes] == ["2 predicted boxes without an area or a score (i, k): dropped"]
    assert ("i", DOG, 0.45, [0.0, 0.1, 0.5, 0.5]) in rows(found), "corners are ordered and clipped"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": [1]}, "weights: expected 2 numbers above 0"),
        ({"weights": [1, 0]}, "weights: expected 2 numbers above 0"),
        ({"iou_threshold": 1.0}, "iou_threshold: expected a number from 0 to below 1"),
        ({"out": "fused.json"}, "fused.json: expected a name that ends in .csv"),
    ],
)
def test_unusable_arguments_are_errors(two: tuple[Path, Path], options: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        boxable.fuse(*two, **options)


def test_one_detector_is_too_few(two: tuple[Path, Path]) -> None:
    with pytest.raises(ArgumentError, match="two detectors or more, got 1"):
        boxable.fuse(two[0])


def test_the_command_says_what_it_wrote(two: tuple[Path, Path], tmp_path: Path, invoke: Invoke) -> None:
    result = invoke("fuse", *two, "--weight", "1", "--weight", "3", "--out", tmp_path / "f.csv")
    assert (result.stdout, result.stderr, result.code) == (f"3 boxes in 2 images: {tmp_path / 'f.csv'}\n", "", 0)
    assert rows(read_predictions(tmp_path / "f.csv")) == rows(boxable.fuse(*two, weights=[1, 3]))


def test_a_file_that_is_missing_is_an_error_and_nothing_is_written(
    two: tuple[Path, Path], tmp_path: Path, invoke: Invoke
) -> None:
    result = invoke("fuse", two[0], tmp_path / "none.csv", "--out", tmp_path / "f.csv")
    assert (result.stdout, result.code) == ("", 2)
    assert "none.csv: no such file" in result.stderr
    assert not (tmp_path / "f.csv").exists()
