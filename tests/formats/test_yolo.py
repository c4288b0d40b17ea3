"""YOLO text lines."""

from boxable.formats.yolo import yolo, yolo_lines
from tests.formats.records import ALL, CLASSES, EMPTY, TWO, image_record

CAT = "122 0.562500 0.500000 0.875000 0.500000 0.875000\n"
ARM = "1001 0.562500 0.250000 0.125000 0.500000 0.500000\n"


def test_lines_hold_label_id_centre_size_and_score_below_the_name_of_the_image() -> None:
    assert "".join(yolo(ALL, CLASSES)) == f'# photos/cat.jpg\n{CAT}{ARM}# odd, "名前" é.png\n{CAT}# empty.jpg\n'


def test_the_file_of_one_image_has_no_comment() -> None:
    assert yolo_lines(TWO) == CAT + ARM
    assert yolo_lines(EMPTY) == ""


def test_a_line_end_in_a_name_does_not_end_the_comment() -> None:
    lines = "".join(yolo([image_record("two\n1 0.5 0.5 1 1 1.jpg")], CLASSES)).splitlines()
    assert [line for line in lines if not line.startswith("#")] == []
