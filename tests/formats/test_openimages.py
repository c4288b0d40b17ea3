"""The CSV of the Open Images Challenge."""

import pytest

from boxable.formats.openimages import openimages
from tests.formats.records import ALL, CAT, CLASSES, image_record


def test_rows_have_the_stem_the_mid_and_x_before_y() -> None:
    assert "".join(openimages(ALL, CLASSES)) == (
        "ImageID,LabelName,Score,XMin,XMax,YMin,YMax\n"
        "cat,/m/01yrx,0.875,0.125,1.0,0.25,0.75\n"
        "cat,user/arm,0.5,0.5,0.625,0.0,0.5\n"
        '"odd, ""名前"" é",/m/01yrx,0.875,0.125,1.0,0.25,0.75\n'
    )


@pytest.mark.parametrize(
    ("source", "image_id"),
    [
        ("validation/0001eeaf4aed83f9.jpg", "0001eeaf4aed83f9"),
        ("a.b.jpg", "a.b"),
        ("https://example.com/some/photo.jpg?size=large", "photo"),
        ("-", "stdin"),
    ],
)
def test_the_image_id_is_the_file_name_without_its_suffix(source: str, image_id: str) -> None:
    rows = "".join(openimages([image_record(source, CAT)], CLASSES)).splitlines()
    assert rows[1].startswith(f"{image_id},/m/01yrx,")
