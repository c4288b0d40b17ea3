"""JSON, one object a line or one array."""

import pytest

from boxable.formats import ImageRecord
from boxable.formats.jsons import json_array, jsonl
from tests.formats.records import ALL, BROKEN, CLASSES, EMPTY, ODD, TWO

CAT = '{"label_id": 122, "mid": "/m/01yrx", "name": "Cat", "score": 0.875, "box": [0.25, 0.125, 0.75, 1.0]}'
ARM = r'{"label_id": 1001, "mid": "user/arm", "name": "arm, \"left\"", "score": 0.5, "box": [0.0, 0.5, 0.5, 0.625]}'
LINES = [
    f'{{"source": "photos/cat.jpg", "image_id": "cat", "width": 400, "height": 200, "detections": [{CAT}, {ARM}]}}',
    r'{"source": "odd, \"名前\" é.png", "image_id": "odd, \"名前\" é", "width": 400, "height": 200, '
    f'"detections": [{CAT}]}}',
    '{"source": "empty.jpg", "image_id": "empty", "width": 400, "height": 200, "detections": []}',
    '{"source": "broken.jpg", "image_id": "broken", "width": 0, "height": 0, "detections": [], '
    '"error": "broken.jpg: no such file"}',
]


@pytest.mark.parametrize(("record", "line"), list(zip([TWO, ODD, EMPTY, BROKEN], LINES, strict=True)))
def test_jsonl_is_one_object_an_image_and_line(record: ImageRecord, line: str) -> None:
    assert list(jsonl([record], CLASSES)) == [line + "\n"]


def test_a_line_end_in_a_name_does_not_end_the_line() -> None:
    (line,) = jsonl([{**EMPTY, "source": "two\nlines.jpg"}], CLASSES)
    assert line.count("\n") == 1


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([], "[]\n"),
        ([EMPTY], f"[\n{LINES[2]}\n]\n"),
        (ALL, "[\n" + ",\n".join(LINES) + "\n]\n"),
    ],
)
def test_json_is_one_array_of_these_objects(records: list[ImageRecord], expected: str) -> None:
    assert "".join(json_array(records, CLASSES)) == expected
