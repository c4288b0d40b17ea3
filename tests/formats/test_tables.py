"""Columns of CSV, gzipped CSV and Parquet files, good and bad."""

import csv
import gzip
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from boxable.errors import ArgumentError, BoxableError, MissingExtraError
from boxable.formats.columns import Kind
from boxable.formats.tables import Table, is_table, read_table

COLUMNS: dict[str, Kind] = {"ImageID": "text", "LabelName": "text", "Score": "number"}
NAMES = tuple(COLUMNS)
ROWS = [("a", "/m/01yrx", 0.5), ("b", "/m/01yrx", 0.25), ("a", "/m/0bt9lr", 1.0)]
SUFFIXES = [".csv", ".csv.gz", ".parquet"]


def csv_bytes(names: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([names, *rows])
    return text.getvalue().encode()


def write(path: Path, names: Sequence[str] = NAMES, rows: Sequence[Sequence[Any]] = ROWS) -> Path:
    """These rows in the format that the name says."""
    if path.name.lower().endswith(".parquet"):
        columns = list(zip(*rows, strict=True)) or [pa.array([], pa.string())] * len(names)
        pq.write_table(pa.table(dict(zip(names, columns, strict=True))), path)
        return path
    data = csv_bytes(names, rows)
    path.write_bytes(gzip.compress(data) if path.name.lower().endswith(".gz") else data)
    return path


def rows_of(table: Table) -> list[tuple[str, str, float]]:
    image, label, score = table.text("ImageID"), table.text("LabelName"), table.number("Score")
    return list(zip(image.strings(), label.strings(), score.tolist(), strict=True))


@pytest.mark.parametrize("suffix", [*SUFFIXES, *(suffix.upper() for suffix in SUFFIXES)])
def test_every_format_gives_the_same_columns_in_upper_and_lower_case(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"table{suffix}")
    assert is_table(path)
    table = read_table(path, COLUMNS)
    assert rows_of(table) == ROWS
    assert (table.rows, table.path) == (3, path)
    assert table.text("ImageID").values == ["a", "b"]
    assert table.text("ImageID").codes.dtype == np.int32
    assert table.number("Score").dtype == np.float64


@pytest.mark.parametrize("name", ["a.txt", "csv", "a.csv.zip", "a.json", "a.gz", "a.parquet.bak"])
def test_other_names_are_no_tables(name: str) -> None:
    assert not is_table(Path(name))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_columns_are_found_by_name_in_any_order_among_others(tmp_path: Path, suffix: str) -> None:
    rows = [("x", score, label, image, 1) for image, label, score in ROWS]
    path = write(tmp_path / f"table{suffix}", ["Source", "Score", "LabelName", "ImageID", "IsInside"], rows)
    assert rows_of(read_table(path, COLUMNS)) == ROWS


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_header_alone_is_a_table_without_rows(tmp_path: Path, suffix: str) -> None:
    table = read_table(write(tmp_path / f"table{suffix}", rows=[]), COLUMNS)
    assert table.rows == 0
    assert rows_of(table) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_optional_may_be_missing(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"table{suffix}")
    table = read_table(path, {**COLUMNS, "IsGroupOf": "number"}, optional=("IsGroupOf", "Score"))
    assert table.number("IsGroupOf", 0).tolist() == [0, 0, 0]
    assert table.number("Score", 7).tolist() == [0.5, 0.25, 1]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_column_may_be_called_otherwise_and_its_own_name_comes_first(tmp_path: Path, suffix: str) -> None:
    columns: dict[str, Kind] = {"ImageID": "text", "LabelName": "text", "Confidence": "number"}
    names = ["ImageID", "LabelName", "Verified"]
    for path in (
        write(tmp_path / f"one{suffix}", names),
        write(tmp_path / f"both{suffix}", [*names[:2], "Confidence", "Verified"], [(*row, 9.0) for row in ROWS]),
    ):
        table = read_table(path, columns)
        assert table.number("Confidence").tolist() == [row[2] for row in ROWS]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_missing_column_is_an_error_that_says_what_is_there_and_what_should_be(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"table{suffix}", ["ImageID", "Class", "Confidence"])
    with pytest.raises(ArgumentError) as caught:
        read_table(path, {**COLUMNS, "XMin": "number"}, optional=("XMin",))
    assert str(caught.value) == (
        f"{path}: no column LabelName, Score; it has ImageID, Class, Confidence, expected ImageID, LabelName, Score"
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_text_where_a_number_should_be_names_the_file_and_the_text(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"table{suffix}", rows=[("a", "x", "0.5"), ("b", "x", "high")])
    with pytest.raises(ArgumentError, match="high") as caught:
        read_table(path, COLUMNS)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_such_file_and_a_folder_of_that_name_are_errors(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"table{suffix}"
    with pytest.raises(ArgumentError, match="no such file") as caught:
        read_table(path, COLUMNS)
    assert str(path) in str(caught.value)
    path.mkdir()
    with pytest.raises(BoxableError, match="directory") as caught:
        read_table(path, COLUMNS)
    assert str(caught.value).startswith(f"{path}: cannot read it")


def test_nan_and_empty_cells_are_missing_numbers_and_empty_text(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("ImageID,LabelName,Score\n,x,\na,,nan\nNA,null,NaN\nb,x,inf\nc,x, 1e-3 \n")
    table = read_table(path, COLUMNS)
    assert table.text("ImageID").strings() == ["", "a", "NA", "b", "c"]
    assert table.text("LabelName").strings() == ["x", "", "null", "x", "x"]
    np.testing.assert_array_equal(table.number("Score"), [np.nan, np.nan, np.nan, np.inf, 1e-3])


def test_nulls_of_parquet_are_missing_numbers_and_empty_text(tmp_path: Path) -> None:
    rows = [("a", None, None), (None, "x", 0.5), ("", None, float("nan"))]
    table = read_table(write(tmp_path / "table.parquet", rows=rows), COLUMNS)
    assert table.text("ImageID").strings() == ["a", "", ""]
    assert table.text("LabelName").strings() == ["", "x", ""]
    np.testing.assert_array_equal(table.number("Score"), [np.nan, 0.5, np.nan])
    for name in ("ImageID", "LabelName"):
        values = table.text(name).values
        assert len(values) == len(set(values)), "the values of a Coded are distinct"


@pytest.mark.parametrize("last", ["x", '"y"', "", '"y\ny"'])
def test_titles_may_hold_line_breaks_commas_and_quotes(tmp_path: Path, last: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f'ImageID,Title,Score\na,"two\nlines, one ""quote""",0.5\r\nb,{last},0.25\nc,"\n\n",1\n')
    table = read_table(path, {"ImageID": "text", "Title": "text", "Score": "number"})
    assert table.text("Title").strings() == ['two\nlines, one "quote"', last.strip('"'), "\n\n"]
    assert table.number("Score").tolist() == [0.5, 0.25, 1]
    assert read_table(path, {"Score": "number"}).number("Score").tolist() == [0.5, 0.25, 1]


def test_line_breaks_in_titles_may_be_anywhere_in_a_long_file(tmp_path: Path) -> None:
    rows = [(f"{i}", "\n" * (i % 41), i) for i in range(20_000)]
    table = read_table(write(tmp_path / "table.csv", ["ImageID", "Title", "Score"], rows), {"Score": "number"})
    np.testing.assert_array_equal(table.number("Score"), np.arange(20_000))


def test_a_byte_order_mark_blank_lines_and_windows_line_ends_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"\xef\xbb\xbf" + csv_bytes(NAMES, ROWS).replace(b"\n", b"\r\n") + b"\r\n\r\n")
    assert rows_of(read_table(path, COLUMNS)) == ROWS


def test_other_columns_need_not_be_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"ImageID,Author,LabelName,Score\na,Andr\xe9,x,1\n")
    assert rows_of(read_table(path, COLUMNS)) == [("a", "x", 1)]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_long_file_reads_as_a_short_one(tmp_path: Path, suffix: str) -> None:
    count = 120_000  # several blocks; a column that is empty in the first, and ids that come in a later one only
    rows = [
        (f"{i % 7 if i < 90_000 else i % 11:016x}", "/m/01yrx", None if i < 90_000 else i / 8) for i in range(count)
    ]
    table = read_table(write(tmp_path / f"table{suffix}", rows=rows), COLUMNS)
    assert table.text("ImageID").strings() == [row[0] for row in rows]
    assert len(table.text("ImageID").values) == 11
    score = table.number("Score")
    assert np.isnan(score[:90_000]).all()
    np.testing.assert_array_equal(score[90_000:], np.arange(90_000, count) / 8)


TEXTS = {
    "large": pa.array(["7", "7", "8"], pa.large_string()),
    "categories": pa.array(["7", "7", "8"]).dictionary_encode(),
    "categories of 64 bits": pa.DictionaryArray.from_arrays(pa.array([0, 0, 1], pa.int64()), pa.array(["7", "8"])),
    "unused and repeated categories": pa.DictionaryArray.from_arrays(pa.array([1, 1, 2], pa.int8()), ["x", "7", "8"]),
    "numbers": pa.array([7, 7, 8]),
    "number categories": pa.array([7, 7, 8]).dictionary_encode(),
    "bytes": pa.array([b"7", b"7", b"8"]),
}


@pytest.mark.parametrize("column", TEXTS.values(), ids=TEXTS)
def test_parquet_text_may_be_of_any_type_that_has_a_text(tmp_path: Path, column: pa.Array) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"ImageID": column}), path)
    assert read_table(path, {"ImageID": "text"}).text("ImageID").strings() == ["7", "7", "8"]


@pytest.mark.parametrize("kind", [pa.float32(), pa.float16(), pa.int8(), pa.uint64(), pa.bool_(), pa.decimal128(5, 2)])
def test_parquet_numbers_may_be_of_any_type(tmp_path: Path, kind: pa.DataType) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"Score": pa.array(np.array([1, 0], np.float16)).cast(pa.float64()).cast(kind)}), path)
    assert read_table(path, {"Score": "number"}).number("Score").tolist() == [1, 0]


@pytest.mark.parametrize("kind", ["text", "number"])
@pytest.mark.parametrize("values", [[["a"], ["b"]], [{"x": 1}, {"x": 2}]], ids=["lists", "structs"])
def test_parquet_columns_of_neither_text_nor_numbers_are_an_error(
    tmp_path: Path, values: list[Any], kind: Kind
) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"Score": values}), path)
    with pytest.raises(ArgumentError) as caught:
        read_table(path, {"Score": kind})
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("name", ["50% a:b#c?.csv", "_hidden.parquet", ".dot.parquet", "名前 é.parquet", "a=b.parquet"])
def test_file_names_are_taken_as_they_are(tmp_path: Path, name: str) -> None:
    assert rows_of(read_table(write(tmp_path / name), COLUMNS)) == ROWS


def test_without_pyarrow_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "table.csv")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError) as caught:
        read_table(path, COLUMNS)
    assert "pip install 'boxable[evaluate]'" in str(caught.value)


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["True", "False", ""], [1, 0, np.nan]),
        (["TRUE", " false ", "-1", "1.0"], [1, 0, -1, 1]),
        (["0", "1", ""], [0, 1, np.nan]),
        (["true"], [1]),
    ],
)
def test_flags_may_be_written_as_words(tmp_path: Path, cells: list[str], values: list[float]) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,flag\n" + "".join(f"x,{cell}\n" for cell in cells))
    np.testing.assert_array_equal(read_table(path, {"a": "text", "flag": "flag"}).number("flag"), values)


def test_another_word_is_no_flag(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("flag\nTrue\nperhaps\n")
    with pytest.raises(ArgumentError, match=r"a\.csv: column flag: 'perhaps'; expected 0, 1, -1, True, False"):
        read_table(path, {"flag": "flag"})
