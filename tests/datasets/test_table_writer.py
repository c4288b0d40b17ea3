"""Tables that are written come back as they were, whatever their text holds."""

import csv
from pathlib import Path

import pyarrow as pa
import pytest

from boxable.datasets.arrow_tables import batches, read
from boxable.datasets.image_order import is_sorted
from boxable.datasets.table_writer import table_writer
from boxable.formats.columns import IMAGE_COLUMNS, Kind
from tests.openimages.made import write_csv

COLUMNS: dict[str, Kind] = {"ImageID": "string", "Title": "string", "OriginalSize": "bytes"}
SCHEMA = pa.schema([("ImageID", pa.string()), ("Title", pa.string()), ("OriginalSize", pa.int64())])
TITLES = ["Lake\rview", "two\nlines", "\r", "\r\n", 'a "quote"', "a, b", " spaces ", "plain", ""]


@pytest.mark.parametrize("titles", [TITLES, *([title] for title in TITLES)], ids=repr)
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_text_comes_back_as_it_was(tmp_path: Path, suffix: str, titles: list[str]) -> None:
    path = tmp_path / f"images{suffix}"
    rows = [{"ImageID": f"{n}", "Title": title, "OriginalSize": n or None} for n, title in enumerate(titles)]
    with table_writer(path, SCHEMA) as out:
        out.write(pa.RecordBatch.from_pylist(rows, SCHEMA))
    assert read(path, COLUMNS).to_pylist() == rows
    if suffix == ".csv":
        assert path.read_bytes().startswith(b"ImageID,Title,OriginalSize\n0,")
        with path.open(encoding="utf-8", newline="") as file:
            assert [row["Title"] for row in csv.DictReader(file)] == titles


def test_titles_of_many_lines_are_no_rows_when_only_the_ids_are_read(tmp_path: Path) -> None:
    rows = [(f"{n:06}", "one\ntwo\n" * (n % 5)) for n in range(60_000)]  # more than a block
    path = write_csv(tmp_path / "images.csv", ("ImageID", "Title"), rows)
    assert is_sorted(path)
    ids = [batch.column("ImageID") for batch in batches(path, {"ImageID": "text"})]
    assert sum(map(len, ids)) == len(rows)


@pytest.mark.parametrize("title", ["x" * 200_000, "x\n" * 100_000], ids=["one line", "many lines"])
def test_a_long_title_in_the_first_row_hides_no_column(tmp_path: Path, title: str) -> None:
    path = write_csv(tmp_path / "images.csv", ("ImageID", "Title"), [("a", title), ("b", "")])
    assert read(path, IMAGE_COLUMNS).column("Title").to_pylist() == [title, ""]
