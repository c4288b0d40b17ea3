"""Whatever the format: the same annotations and predictions."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boxable.errors import ArgumentError
from boxable.formats.annotations import Predictions
from boxable.formats.reading import holds_predictions, read_predictions
from tests.conftest import EXAMPLES, Command
from tests.datasets.reading import read_annotations
from tests.formats.test_tables import write

BOX_NAMES = ["ImageID", "LabelName", "XMin", "XMax", "YMin", "YMax", "IsGroupOf"]
BOXES = [("a", "/m/01yrx", 0.25, 0.5, 0.0, 1.0, 0), ("b", "/m/0bt9lr", 0.0, 0.5, 0.25, 0.75, 1)]
SCORED_NAMES = [*BOX_NAMES[:-1], "Score"]
SCORED = [(*row[:-1], score) for row, score in zip(BOXES, (0.5, 0.75), strict=True)]


def coco(boxes: Sequence[Sequence[Any]] = BOXES, scores: Sequence[float] | None = None) -> dict[str, Any]:
    """Such boxes of cats and dogs, in images of 64 by 64 pixels whose names are one letter."""
    rows: list[dict[str, Any]] = []
    for number, (image, mid, *sides) in enumerate(boxes):
        xmin, xmax, ymin, ymax = (64 * value for value in sides[:4])
        bbox = [xmin, ymin, xmax - xmin, ymax - ymin]
        rows.append({"id": number, "image_id": ord(image), "category_id": 1 + (mid == "/m/0bt9lr"), "bbox": bbox})
        rows[-1] |= {"iscrowd": sides[4]} if scores is None else {"score": scores[number]}
    images = sorted({row[0] for row in boxes})
    return {
        "images": [{"id": ord(name), "file_name": f"{name}.jpg", "width": 64, "height": 64} for name in images],
        "annotations": rows,
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same boxes in every format, without and with scores."""
    folder = tmp_path_factory.mktemp("formats")
    for suffix in (".csv", ".csv.gz", ".parquet"):
        write(folder / f"truth{suffix}", BOX_NAMES, BOXES)
        write(folder / f"found{suffix}", SCORED_NAMES, SCORED)
    (folder / "set").mkdir()
    write(folder / "set" / "annotations-bbox.csv", BOX_NAMES, BOXES)
    (folder / "truth.json").write_text(json.dumps(coco()))
    (folder / "found.json").write_text(json.dumps(coco(scores=[0.5, 0.75])))
    (folder / "results.json").write_text(json.dumps(coco(scores=[0.5, 0.75])["annotations"]))
    return folder


@pytest.mark.parametrize("name", ["truth.csv", "truth.csv.gz", "truth.parquet", "truth.json", "set"])
def test_ground_truth_is_the_same_from_every_format(folder: Path, name: str) -> None:
    boxes = read_annotations(folder / name).boxes
    assert boxes.image.strings() == ["a", "b"]
    assert boxes.label.strings() == ["/m/01yrx", "/m/0bt9lr"]
    assert boxes.box.tolist() == [[0, 0.25, 1, 0.5], [0.25, 0, 0.75, 0.5]]
    assert boxes.group_of.tolist() == [0, 1]


@pytest.mark.parametrize("name", ["found.csv", "found.csv.gz", "found.parquet", "found.json", "results.json"])
@pytest.mark.parametrize("truth", ["truth.json", "truth.csv", "set", None])
def test_predictions_are_the_same_from_every_format(folder: Path, name: str, truth: str | None) -> None:
    beside = folder / truth if truth else None
    if name == "results.json" and truth != "truth.json":
        with pytest.raises(ArgumentError, match="a list of results names images by number"):
            read_predictions(folder / name, beside)
        return
    found = read_predictions(folder / name, beside)
    assert (found.image.strings(), found.label.strings()) == (["a", "b"], ["/m/01yrx", "/m/0bt9lr"])
    assert (found.box.tolist(), found.score.tolist()) == ([[0, 0.25, 1, 0.5], [0.25, 0, 0.75, 0.5]], [0.5, 0.75])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.csv", True), ("a.CSV.GZ", True), ("no/such/a.parquet", True), ("a.json", True), ("a.JSON", True),
     ("ssd23", False), ("model.onnx", False), ("a.txt", False), ("csv", False), ("google/openimages_v4/ssd", False)],
)  # fmt: skip
def test_the_name_alone_says_whether_it_is_a_file_of_predictions(name: str, expected: bool) -> None:
    assert holds_predictions(Path(name)) is expected


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("none.csv", "no such file"),
        ("none.json", "no such file"),
        ("none", "no such file or folder"),
        ("notes.txt", "expected "),
        ("empty", "no annotations in this folder; expected"),
    ],
)
def test_what_is_no_annotation_is_an_error_that_names_it(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "notes.txt").write_text("a,b\n")
    (tmp_path / "empty").mkdir()
    for read in (read_annotations, read_predictions):
        if (read, name) == (read_predictions, "empty"):
            says = "expected"
        with pytest.raises(ArgumentError) as caught:
            read(tmp_path / name)
        assert str(caught.value).startswith(f"{tmp_path / name}: ")
        assert says in str(caught.value)


@pytest.mark.usefixtures("ssd23_weights")
def test_what_detect_writes_is_read_back_to_the_same_numbers(tmp_path: Path, command: Command) -> None:
    def found(format_: str) -> bytes:
        done = command("detect", EXAMPLES, "--model", "ssd23", "--min-score", "0.05", "--format", format_)
        assert done.returncode == 0
        return done.stdout

    rows = [
        (Path(record["source"]).stem, item["mid"], item["score"], item["box"])
        for record in map(json.loads, found("jsonl").splitlines())
        for item in record["detections"]
    ]
    assert len(rows) > 10
    expected = [list(column) for column in zip(*rows, strict=True)]
    for name, format_, exact in (("found.csv", "openimages", True), ("found.json", "coco", False)):
        path = tmp_path / name
        path.write_bytes(found(format_))
        read: Predictions = read_predictions(path)
        assert [read.image.strings(), read.label.strings(), read.score.tolist()] == expected[:3]
        np.testing.assert_allclose(read.box, expected[3], rtol=0, atol=0 if exact else 1e-12)
    read_back = read_annotations(tmp_path / "found.json")  # a model's word may be another's ground truth
    assert sorted(read_back.sizes) == ["astronaut", "chelsea", "coffee"]
    assert len(read_back.boxes) == len(rows)
