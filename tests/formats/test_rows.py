"""CSV."""

from collections.abc import Iterator

import pytest

from boxable.errors import VideoError
from boxable.formats.record import FrameRecord
from boxable.formats.rows import FRAME_COLUMNS, csv, frame_csv
from tests.formats.records import ALL, ARM, CLASSES, image_record


def test_csv_has_one_row_a_detection_and_quotes_what_needs_it() -> None:
    assert "".join(csv(ALL, CLASSES)) == (
        "source,image_id,label_id,mid,name,score,ymin,xmin,ymax,xmax\n"
        "photos/cat.jpg,cat,122,/m/01yrx,Cat,0.875,0.25,0.125,0.75,1.0\n"
        'photos/cat.jpg,cat,1001,user/arm,"arm, ""left""",0.5,0.0,0.5,0.5,0.625\n'
        '"odd, ""名前"" é.png","odd, ""名前"" é",122,/m/01yrx,Cat,0.875,0.25,0.125,0.75,1.0\n'
    )


def test_a_line_end_in_a_name_is_quoted() -> None:
    text = "".join(csv([image_record("two\nlines.jpg", ARM)], CLASSES))
    assert text.partition("\n")[2] == (
        '"two\nlines.jpg","two\nlines",1001,user/arm,"arm, ""left""",0.5,0.0,0.5,0.5,0.625\n'
    )


def test_the_heads_of_frames_come_with_the_first_frame_or_at_the_end() -> None:
    heads = ",".join(FRAME_COLUMNS) + "\n"
    assert "".join(frame_csv([], CLASSES)) == heads

    def broken() -> Iterator[FrameRecord]:
        raise VideoError("damaged")
        yield

    with pytest.raises(VideoError):
        next(frame_csv(broken(), CLASSES))
