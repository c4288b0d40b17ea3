"""The table for people."""

from boxable.formats.table import table
from tests.formats.records import ALL, CLASSES


def test_each_image_has_a_heading_and_a_line_an_object() -> None:
    assert "".join(table(ALL, CLASSES)) == (
        "photos/cat.jpg  400x200\n"
        "  Cat           88%  ymin 0.250  xmin 0.125  ymax 0.750  xmax 1.000\n"
        '  arm, "left"   50%  ymin 0.000  xmin 0.500  ymax 0.500  xmax 0.625\n'
        'odd, "名前" é.png  400x200\n'
        "  Cat   88%  ymin 0.250  xmin 0.125  ymax 0.750  xmax 1.000\n"
        "empty.jpg  400x200\n"
        "  nothing found\n"
    )


def test_no_name_breaks_the_line_or_moves_the_cursor() -> None:
    (text,) = table([{**ALL[0], "source": "a\nb\x1b[31m.png", "detections": []}], CLASSES)
    assert text == "a\\nb\\x1b[31m.png  400x200\n  nothing found\n"
