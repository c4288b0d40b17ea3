"""Annotations and predictions that no tool writes: an error that says what is wrong, or the rows that are good."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxable.errors import ArgumentError, BoxableError
from boxable.formats.reading import read_predictions
from boxable.formats.tables import read_table
from boxable.metrics.evaluate import evaluate
from boxable.metrics.protocols import PROTOCOLS, Protocol
from tests.conftest import Command
from tests.datasets.reading import read_annotations
from tests.formats.test_coco_reading import BOX, HUGE, IMAGES, OTHER, annotations, described, predictions
from tests.formats.test_tables import COLUMNS, NAMES, ROWS, csv_bytes

LONG = gzip.compress(csv_bytes(NAMES, ROWS * 30000))
BAD_TABLES = {
    "an empty file": ("a.csv", b"", "Empty CSV file"),
    "an empty parquet file": ("a.parquet", b"", "Parquet file size is 0 bytes"),
    "a parquet file that is none": ("a.parquet", csv_bytes(NAMES, ROWS), "not a parquet file"),
    "a CSV file that is Parquet": ("a.csv", b"PAR1\0\1\2\xff\xfe,\0PAR1", ""),
    "a gzipped file that is not": ("a.csv.gz", csv_bytes(NAMES, ROWS), "header"),
    "half a gzipped file": ("a.csv.gz", LONG[: len(LONG) // 2], "Truncated"),
    "a gzipped file without its end": ("a.csv.gz", gzip.compress(csv_bytes(NAMES, ROWS))[:-9], "Truncated"),
    "an empty gzipped file": ("a.csv.gz", gzip.compress(b""), ""),
    "Latin-1 in an id": ("a.csv", csv_bytes(NAMES, ROWS) + b"caf\xe9,x,1\n", "UTF8"),
    "Latin-1 in the header": ("a.csv", b"Sc\xf6re," + csv_bytes(NAMES, []), ""),
    "UTF-16": ("a.csv", csv_bytes(NAMES, ROWS).decode().encode("utf-16"), ""),
    "semicolons": ("a.csv", csv_bytes(NAMES, ROWS).replace(b",", b";"), "it has ImageID;LabelName;Score"),
    "a row that is too short": ("a.csv", csv_bytes(NAMES, ROWS) + b"a,x\n", "Expected 3 columns, got 2"),
    "a quote that does not end": ("a.csv", csv_bytes(NAMES, ROWS) + b'"a,x,1\n' + b"b,x,1\n" * 9, ""),
}


@pytest.mark.parametrize(("name", "data", "says"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_what_is_no_table_is_one_short_error_that_names_the_file(
    tmp_path: Path, name: str, data: bytes, says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(BoxableError) as caught:
        read_table(path, COLUMNS)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert says in message
    assert len(message) < len(str(path)) + 300


SCORED = {**BOX, "score": 0.5}
BAD_COCO: dict[str, Any] = {
    "another object": {"type": "FeatureCollection", "features": []},
    "a number": 5,
    "text": "x",
    "null": None,
    "annotations of numbers": described([1, 2]),
    "annotations of lists": described([[BOX]]),
    "images by name": described(images={"a": 1}),
    "categories of text": described(categories=["cat"]),
    "no image_id": described([{"category_id": 1, "bbox": [0, 0, 1, 1], "score": 1}]),
    "no category_id": described([{"image_id": 7, "bbox": [0, 0, 1, 1], "score": 1}]),
    "category name a list": described([SCORED], categories=[{"id": 1, "name": ["cat"]}]),
    "image_id a list": described([{**SCORED, "image_id": [7]}]),
    "file_name a number": described([SCORED], images=[{**IMAGES[0], "file_name": 5}]),
    "width text": described([SCORED], images=[{**IMAGES[0], "width": "wide"}]),
    "bbox text": described([{**SCORED, "bbox": ["1", "2", "3", "x"]}]),
    "bbox of three": described([{**SCORED, "bbox": [1, 2, 3]}] * 4),
    "bbox of eight": described([{**SCORED, "bbox": [1, 2, 3, 4] * 2}]),
    "bbox of eight and of none": described([{**SCORED, "bbox": [1, 2, 3, 4] * 2}, {**SCORED, "bbox": []}]),
    "bbox an object": described([{**SCORED, "bbox": {"x": 1}}]),
    "bbox that no number holds": described([{**SCORED, "bbox": [HUGE, 1, 1, 1]}]),
}
# What other tools leave out: the rest is read, and what cannot be used is dropped.
INCOMPLETE: dict[str, tuple[Any, int]] = {
    "annotations null": (described(None), 0),
    "images null": (described([], images=None), 0),
    "no bbox": (described([SCORED, {"image_id": 7, "category_id": 1, "score": 1}]), 1),
    "bbox null": (described([SCORED, {**SCORED, "bbox": None}]), 1),
    "bbox empty": (described([SCORED, {**SCORED, "bbox": []}]), 1),
    "no category name": (described([SCORED], categories=[{"id": 1}]), 1),
    "category name null": (described([SCORED], categories=[{"id": 1, "name": None}]), 1),
    "no width": (described([SCORED], images=[{"id": 7, "file_name": "a.jpg"}]), 1),
    "iscrowd null": (described([{**SCORED, "iscrowd": None}]), 1),
}
BAD_TRUTH = {
    "iscrowd text": described([{**BOX, "iscrowd": "yes"}]),
    "iscrowd of 300": described([{**BOX, "iscrowd": 300}]),
}
BAD_RESULTS = {
    "no score": described([BOX]),
    "score text": described([{**BOX, "score": "high"}]),
    "score that no number holds": described([{**BOX, "score": HUGE}]),
    "score a list": described([{**BOX, "score": [0.5, 0.5]}]),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "coco.json"


@pytest.mark.parametrize("content", (BAD_COCO | BAD_TRUTH).values(), ids=BAD_COCO | BAD_TRUTH)
def test_ground_truth_of_another_kind_is_an_error_that_names_the_file(path: Path, content: Any) -> None:
    with pytest.raises(ArgumentError, match="expected") as caught:
        annotations(path, content)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("content", (BAD_COCO | BAD_RESULTS).values(), ids=BAD_COCO | BAD_RESULTS)
def test_predictions_of_another_kind_are_an_error_that_names_the_file(path: Path, content: Any) -> None:
    with pytest.raises(ArgumentError, match="expected") as caught:
        predictions(path, content)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(("content", "boxes"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_what_other_tools_leave_out_costs_no_other_row(path: Path, content: Any, boxes: int) -> None:
    assert len(annotations(path, content).boxes) == boxes
    assert len(predictions(path, content)) == boxes


TRUTH = b"""ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf,Title
a,/m/01yrx,0.1,0.5,0.25,0.75,0,"a ""cat"", lying"
b,/m/0bt9lr,0,1,0,1,1,
b,/m/01yrx,0.5,0.625,0,0.125,-1,x
c,user/arm,0.1,0.2,0.1,0.2,,y
"""
FOUND = b"""ImageID,LabelName,Score,XMin,XMax,YMin,YMax
a,/m/01yrx,0.5,0.1,0.5,0.25,0.75
b,/m/0bt9lr,0.25,0,0.5,0,0.5
b,/m/0bt9lr,1e-3,0.5,1,0.5,1
c,user/arm,1,0.1,0.2,0.1,0.2
"""
COCO = json.dumps(described([{**BOX, "score": 0.5}, {**OTHER, "score": 1}])).encode()
ODD = [b"", b"nan", b"inf", b"-inf", b"1e308", b"-1e308", b"5e-324", b"-0", b"9" * 400, b"1e999", b"0x1", b"1_0",
       b"null", b'"', b'""', b",", b"\n", b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xe2\x80\xae", b"a" * 70_000,
       b"[]", b"{}", b"-1", b"2", b"true", b"1.5", b"/m/01yrx", b"\\ud800"]  # fmt: skip
EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 12), st.one_of(st.sampled_from(ODD), st.binary(min_size=1, max_size=2))),
    min_size=1,
    max_size=4,
)
PROTOCOL = st.sampled_from(list(PROTOCOLS.values()))
hostile = settings(derandomize=True, deadline=None, max_examples=100)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples: each writes its files anew."""
    return tmp_path_factory.mktemp("hostile")


def edited(data: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    """Some bytes replaced: from a place (a share of the whole), as many as are said, by these."""
    for share, length, new in edits:
        start = int(share * len(data))
        data = data[:start] + new + data[start + length :]
    return data


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def parquet(path: Path, data: bytes) -> bytes:
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(pyarrow.BufferReader(data)), path)
    return path.read_bytes()


def measured(truth: Path, found: Path, protocol: Protocol) -> None:
    """It works, or it is one of our own errors."""
    try:
        ground_truth = read_annotations(truth)
        evaluation = evaluate(ground_truth, read_predictions(found, truth), protocol, resamples=2)
    except BoxableError:
        return
    json.dumps(evaluation.to_dict(), allow_nan=False)
    assert np.isnan(evaluation.mean_ap) or 0 <= evaluation.mean_ap <= 1.000001


@hostile
@given(edits=EDITS, protocol=PROTOCOL)
def test_a_damaged_table_of_boxes_works_or_is_refused(place: Path, edits: Any, protocol: Protocol) -> None:
    truth = written(place / "truth.csv", edited(TRUTH, edits))
    measured(truth, written(place / "found.csv", FOUND), protocol)


@hostile
@given(edits=EDITS, protocol=PROTOCOL)
def test_damaged_predictions_work_or_are_refused(place: Path, edits: Any, protocol: Protocol) -> None:
    found = written(place / "found.csv", edited(FOUND, edits))
    measured(written(place / "truth.csv", TRUTH), found, protocol)


@hostile
@given(edits=EDITS, cut=st.floats(0, 1))
@pytest.mark.parametrize("suffix", [".csv.gz", ".parquet"])
def test_damaged_packed_tables_work_or_are_refused(place: Path, suffix: str, edits: Any, cut: float) -> None:
    path = place / f"found{suffix}"
    whole = gzip.compress(FOUND, mtime=0) if suffix == ".csv.gz" else parquet(path, FOUND)
    truth = written(place / "truth.csv", TRUTH)
    for data in (edited(whole, edits), whole[: int(cut * len(whole))]):
        measured(truth, written(path, data), PROTOCOLS["challenge"])


@hostile
@given(edits=EDITS, protocol=PROTOCOL)
def test_damaged_coco_works_or_is_refused(place: Path, edits: Any, protocol: Protocol) -> None:
    damaged = written(place / "damaged.json", edited(COCO, edits))
    good = written(place / "good.json", COCO)
    measured(damaged, good, protocol)
    measured(good, damaged, protocol)


def test_ids_and_names_with_control_characters_do_not_reach_the_terminal(tmp_path: Path, command: Command) -> None:
    (tmp_path / "classes.csv").write_text('LabelName,DisplayName\nuser/arm,"an\narm\x1b[31m"\n')
    (tmp_path / "annotations-bbox.csv").write_bytes(TRUTH.replace(b"\nc,", b'\n"c\n\x1b[31m",'))
    done = command("evaluate", tmp_path, written(tmp_path / "found.csv", FOUND))
    assert done.returncode == 0
    assert b"\x1b" not in done.stdout + done.stderr
    assert all(line.startswith("boxable: note: ") for line in done.stderr.decode().splitlines())
    assert not [line for line in done.stdout.decode().splitlines() if line.startswith("arm")]


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.just(HUGE), st.just([]), st.just({})
)


@hostile
@given(leaf=LEAVES, choice=st.data())
def test_coco_with_something_else_in_any_place_works_or_is_refused(place: Path, leaf: Any, choice: Any) -> None:
    content = json.loads(COCO)
    inner = content
    while isinstance(inner, list | dict) and inner:
        keys = range(len(inner)) if isinstance(inner, list) else sorted(inner)
        outer, key = inner, choice.draw(st.sampled_from(keys))
        inner = outer[key]
        if choice.draw(st.integers(0, 3)) == 0:
            break
    outer[key] = leaf
    damaged = written(place / "damaged.json", json.dumps(content).encode())
    good = written(place / "good.json", COCO)
    measured(damaged, good, PROTOCOLS["challenge"])
    measured(good, damaged, PROTOCOLS["challenge"])
