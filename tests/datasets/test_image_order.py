"""Tables sorted by image."""

from pathlib import Path

import pyarrow as pa
import pytest

from boxable.datasets import arrow_tables, image_order
from boxable.datasets.arrow_tables import read
from boxable.datasets.image_order import is_sorted, rows_by_image, sorted_table_writer
from boxable.datasets.narrow import narrow
from boxable.formats.columns import BOX_COLUMNS, LABEL_COLUMNS, schema, select_columns
from tests.openimages.made import BOX_HEADER, CAR, CAT, DOG, PERSON, box, rows_of, write_csv

ROWS = [box("01", CAT), box("01", CAR), box("02", PERSON), box("03", DOG), box("03", CAT, (0.25, 0.5, 0.75, 1.0))]


def kept(path: Path) -> list[tuple[object, object]]:
    return [(row["ImageID"], row["LabelName"]) for row in rows_of(path)]


@pytest.mark.parametrize("name", ["out.parquet", "out.csv"])
def test_rows_that_are_in_no_order_are_sorted_by_image(tmp_path: Path, name: str) -> None:
    source = write_csv(tmp_path / "boxes.csv", BOX_HEADER, ROWS[::-1])
    assert not is_sorted(source)
    narrow(source, tmp_path / name)
    assert kept(tmp_path / name) == [("01", CAR), ("01", CAT), ("02", PERSON), ("03", CAT), ("03", DOG)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["boxes.csv", name]


def test_one_row_out_of_order_many_blocks_before_the_end_is_enough_to_sort(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrow_tables, "BLOCK_BYTES", 200)
    rows = [box(f"{number:04x}", CAT) for number in range(100)]
    source = write_csv(tmp_path / "boxes.csv", BOX_HEADER, [rows[50], *rows[:50], *rows[51:]])
    narrow(source, tmp_path / "out.parquet")
    assert kept(tmp_path / "out.parquet") == [(row[0], CAT) for row in rows]


@pytest.mark.parametrize("order", [1, -1])
def test_images_come_one_after_the_other_whatever_the_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: int
) -> None:
    monkeypatch.setattr(arrow_tables, "BLOCK_BYTES", 200)
    monkeypatch.setattr(image_order, "BATCH_ROWS", 7)
    counts = {f"{number:04x}": 1 + number % 9 for number in range(50)}
    rows = [box(name, CAT, (0, 1, 0, number / 10)) for name, count in counts.items() for number in range(count)]
    source = write_csv(tmp_path / "boxes.csv", BOX_HEADER, rows if order == 1 else reversed(rows))
    found = list(rows_by_image(source, BOX_COLUMNS))
    assert [(name, len(columns["LabelName"])) for name, columns in found] == list(counts.items())
    assert sorted(found[8][1]["YMax"].tolist()) == [number / 10 for number in range(9)]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
@pytest.mark.parametrize("images", [["a", "b"], ["b", "a"], ["a", "c", "b"], ["ac", "b"], ["ab", "bc"]])
def test_batches_are_written_sorted_whatever_their_order(tmp_path: Path, suffix: str, images: list[str]) -> None:
    path = tmp_path / f"labels{suffix}"
    with sorted_table_writer(path, LABEL_COLUMNS) as out:
        for batch in images:  # an id a character
            rows = [{"ImageID": image, "LabelName": mid} for image in batch for mid in (DOG, CAT)]
            out.write(pa.RecordBatch.from_pylist(rows, schema(LABEL_COLUMNS)))
        out.write(pa.RecordBatch.from_pylist([], schema(LABEL_COLUMNS)))
    ids = sorted("".join(images))
    assert out.rows == 2 * len(ids)
    columns = select_columns(LABEL_COLUMNS, ("ImageID", "LabelName"))
    found = [tuple(row.values()) for row in read(path, columns).to_pylist()]
    assert found == [(image, mid) for image in ids for mid in (DOG, CAT)]
    assert is_sorted(path)
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_left_of_a_table_that_is_not_finished(tmp_path: Path) -> None:
    with pytest.raises(AttributeError), sorted_table_writer(tmp_path / "labels.csv", LABEL_COLUMNS) as out:
        out.write(None)
    assert list(tmp_path.iterdir()) == []
