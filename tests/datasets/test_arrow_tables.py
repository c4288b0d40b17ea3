"""Tables of a data folder, read in Arrow batches."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from boxable.datasets.arrow_tables import batches, read
from boxable.errors import ArgumentError
from boxable.formats.columns import BOX_COLUMNS, IMAGE_COLUMNS
from tests.openimages.made import BOX_HEADER, write_csv


def test_a_name_that_is_not_utf8_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "caf\udce9.parquet"
    path.write_bytes(b"x")
    with pytest.raises(ArgumentError, match="a name that is not UTF-8, which tables need; rename it"):
        list(batches(path, BOX_COLUMNS))


def test_columns_have_their_types_and_unknown_values(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", ("ImageID", "LabelName", *BOX_HEADER[4:9]), [("a", "/m/1", 0, 1, 0, 1, "")])
    table = read(path, BOX_COLUMNS)
    assert {field.name: str(field.type) for field in table.schema} == {
        "ImageID": "dictionary<values=string, indices=int32, ordered=0>",
        "Source": "dictionary<values=string, indices=int32, ordered=0>",
        "LabelName": "dictionary<values=string, indices=int32, ordered=0>",
        "Confidence": "double", "XMin": "double", "XMax": "double", "YMin": "double", "YMax": "double",
        "IsOccluded": "int8", "IsTruncated": "int8", "IsGroupOf": "int8", "IsDepiction": "int8", "IsInside": "int8",
    }  # fmt: skip
    row = table.to_pylist()[0]
    assert row["Source"] == ""
    assert row["IsOccluded"] == row["IsGroupOf"] == -1
    assert row["Confidence"] is None


def test_images_with_line_breaks_in_their_titles_are_one_row_each(tmp_path: Path) -> None:
    header = ("ImageID", "Title", "OriginalSize", "Rotation")
    path = write_csv(tmp_path / "images.csv", header, [("a", 'two\nlines, "quoted"', 12, 90.0), ("b", "", "", "")])
    first, second = read(path, IMAGE_COLUMNS).to_pylist()
    assert (first["Title"], first["OriginalSize"], first["Rotation"]) == ('two\nlines, "quoted"', 12, 90)
    assert (second["Width"], second["OriginalSize"], second["Rotation"]) == (0, None, None)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "Empty CSV file"),
        (b"ImageID,LabelName\na,b\n", "no column XMin, XMax, YMin, YMax"),
        (",".join(BOX_HEADER).encode() + b"\na,x,b,1,zero,1,0,1,0,0,0,0,0\n", "column XMin"),
        (",".join(BOX_HEADER).encode() + b"\na,x,b,1,0,1,0,1,0.5,0,0,0,0\n", "truncated"),
        (",".join(BOX_HEADER).encode() + b"\na,x,b,1,0,1,0\n", "Expected 13 columns, got 7"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_line_that_names_it(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "boxes.csv"
    path.write_bytes(data)
    with pytest.raises(ArgumentError, match=says) as caught:
        list(batches(path, BOX_COLUMNS))
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_flags_may_be_true_and_false(tmp_path: Path) -> None:
    path = tmp_path / "boxes.parquet"
    row = {"ImageID": "a", "LabelName": "b", "XMin": 0.0, "XMax": 1.0, "YMin": 0.0, "YMax": 1.0}
    pq.write_table(pa.Table.from_pylist([{**row, "IsGroupOf": value} for value in (True, False, None)]), path)
    assert read(path, BOX_COLUMNS).column("IsGroupOf").to_pylist() == [1, 0, -1]


def test_flags_may_be_written_as_words(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("ImageID,IsGroupOf\na,True\nb,False\nc,\nd,-1\n")
    (batch,) = batches(path, {"ImageID": "text", "IsGroupOf": "flag"}, needed=())
    assert batch.column("IsGroupOf").to_pylist() == [1, 0, -1, -1]
    path.write_text("ImageID,IsGroupOf\na,perhaps\n")
    with pytest.raises(ArgumentError, match=r"a\.csv: column IsGroupOf: 'perhaps'; expected"):
        list(batches(path, {"ImageID": "text", "IsGroupOf": "flag"}, needed=()))
