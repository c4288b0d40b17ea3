"""What all formats promise."""

import csv
import io
import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxable.formats import FORMATS, ImageRecord
from tests.formats.records import ALL, BROKEN, CLASSES, TWO

# What comes before the first image.
HEADERS = {
    "csv": "source,image_id,label_id,mid,name,score,ymin,xmin,ymax,xmax\n",
    "openimages": "ImageID,LabelName,Score,XMin,XMax,YMin,YMax\n",
    "yolo": '# names: ["Cat", "arm, \\"left\\""]\n',
}


def written(name: str, records: list[ImageRecord]) -> str:
    return "".join(FORMATS[name][0](iter(records), CLASSES))


def test_these_formats_exist_with_these_suffixes() -> None:
    assert {name: suffix for name, (_, suffix) in FORMATS.items()} == {
        "table": ".txt", "json": ".json", "jsonl": ".jsonl", "csv": ".csv",
        "openimages": ".openimages.csv", "coco": ".coco.json", "yolo": ".yolo.txt",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["table", "jsonl", "csv", "openimages", "yolo"])
def test_no_images_give_the_header_alone(name: str) -> None:
    assert written(name, []) == HEADERS.get(name, "")


@pytest.mark.parametrize("name", ["table", "csv", "openimages", "coco", "yolo"])
def test_an_image_that_could_not_be_read_leaves_no_trace(name: str) -> None:
    assert written(name, [BROKEN]) == written(name, [])
    assert written(name, [BROKEN, TWO, BROKEN]) == written(name, [TWO])


@pytest.mark.parametrize("name", FORMATS)
def test_the_text_of_an_image_comes_before_the_next_one_is_asked_for(name: str) -> None:
    asked = []

    def records() -> Iterator[ImageRecord]:
        for number, record in enumerate([TWO, TWO, TWO]):
            asked.append(number)
            yield record

    pieces = FORMATS[name][0](records(), CLASSES)
    text = ""
    while "0.875" not in text and "88%" not in text:
        text += next(pieces)
    assert asked == [0]
    assert list(pieces)
    assert asked == [0, 1, 2]


@pytest.mark.parametrize("name", FORMATS)
def test_the_text_ends_with_a_line_end(name: str) -> None:
    assert written(name, ALL).endswith("\n")


BOX = st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4)
FOUND = st.fixed_dictionaries(
    {
        "label_id": st.sampled_from([122, 1001]),
        "mid": st.sampled_from(["/m/01yrx", "user/arm"]),
        "name": st.sampled_from(["Cat", 'arm, "left"']),
        "score": st.floats(0, 1, width=32),
        "box": BOX,
    }
)
SOURCE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
RECORD = st.fixed_dictionaries(
    {
        "source": SOURCE,
        "image_id": st.text("ab_.é0 ", min_size=1),
        "width": st.integers(1, 10**5),
        "height": st.integers(1, 10**5),
        "detections": st.lists(FOUND, max_size=3),
    },
    optional={"error": st.text()},
)
RECORDS = st.lists(RECORD, max_size=4)


@settings(derandomize=True, deadline=None)
@given(RECORDS)
def test_json_and_jsonl_give_the_records_back_exactly(records: list[ImageRecord]) -> None:
    assert json.loads(written("json", records)) == records
    lines = written("jsonl", records).split("\n")
    assert [json.loads(line) for line in lines[:-1]] == records
    assert lines[-1] == ""


@settings(derandomize=True, deadline=None)
@given(RECORDS)
def test_coco_always_parses_and_refers_to_what_it_holds(records: list[ImageRecord]) -> None:
    found = json.loads(written("coco", records))
    readable = [record for record in records if "error" not in record]
    images = {image["id"]: image for image in found["images"]}
    assert all(isinstance(image["file_name"], str) for image in found["images"])
    assert len(images) == len(readable)
    assert len(found["annotations"]) == sum(len(record["detections"]) for record in readable)
    assert len({item["id"] for item in found["annotations"]}) == len(found["annotations"])
    assert {item["image_id"] for item in found["annotations"]} <= images.keys()
    assert {item["category_id"] for item in found["annotations"]} <= {item["id"] for item in found["categories"]}


@settings(derandomize=True, deadline=None)
@given(RECORDS)
def test_csv_has_one_row_a_detection_whatever_the_names(records: list[ImageRecord]) -> None:
    rows = list(csv.reader(io.StringIO(written("csv", records), newline="")))[1:]
    expected = [(record["source"], item) for record in records for item in record["detections"]]
    assert [(row[0], row[4]) for row in rows] == [(source, item["name"]) for source, item in expected]
    numbers = [[int(row[2]), *map(float, row[5:])] for row in rows]
    assert numbers == [[item["label_id"], item["score"], *item["box"]] for _, item in expected]
