"""Official tables, narrowed to what is wanted."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from boxable.datasets import arrow_tables
from boxable.datasets.image_order import rows_by_image
from boxable.datasets.narrow import image_ids, narrow
from boxable.errors import ArgumentError, BoxableError
from boxable.formats.columns import BOX_COLUMNS, LABEL_COLUMNS
from tests.openimages.made import BOX_HEADER, CAR, CAT, DOG, LABEL_HEADER, PERSON, box, rows_of, write_csv

ROWS = [box("01", CAT), box("01", CAR), box("02", PERSON), box("03", DOG), box("03", CAT, (0.25, 0.5, 0.75, 1.0))]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "train-annotations-bbox.csv", BOX_HEADER, ROWS)


def kept(path: Path) -> list[tuple[object, object]]:
    return [(row["ImageID"], row["LabelName"]) for row in rows_of(path)]


def test_rows_of_the_classes_and_the_images_that_have_them(source: Path, tmp_path: Path) -> None:
    dest = tmp_path / "out.parquet"
    done = narrow(source, dest, classes={CAT, DOG})
    assert kept(dest) == [("01", CAT), ("03", DOG), ("03", CAT)]
    assert (done.rows_in, done.rows_out) == (5, 3)
    assert image_ids(dest) == ["01", "03"]
    assert pq.read_schema(dest).names == list(BOX_COLUMNS)


def test_image_labels_of_the_chosen_images(tmp_path: Path) -> None:
    rows = [("01", "verification", CAT, 1), ("01", "verification", CAR, 0), ("02", "verification", CAT, 0)]
    source = write_csv(tmp_path / "labels.csv", LABEL_HEADER, rows)
    narrow(source, tmp_path / "out.parquet", classes={CAT, CAR}, images=["01"])
    assert kept(tmp_path / "out.parquet") == [("01", CAT), ("01", CAR)]
    assert pq.read_schema(tmp_path / "out.parquet").names == list(LABEL_COLUMNS)


def test_the_table_of_images_has_no_classes_to_choose_by(tmp_path: Path) -> None:
    header = ("ImageID", "Subset", "Author", "Rotation")
    source = write_csv(tmp_path / "images.csv", header, [("02", "train", "B", ""), ("01", "train", "A, B", "90.0")])
    narrow(source, tmp_path / "out.parquet", classes={CAT}, images={"01"})
    assert [(row["ImageID"], row["Author"], row["Rotation"]) for row in rows_of(tmp_path / "out.parquet")] == [
        ("01", "A, B", 90.0)
    ]


def test_small_blocks_and_row_groups_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        box(f"{number // 3:016x}", (CAT, DOG, CAR)[number % 3], (0.1, 0.2, 0.3, number / 1e4)) for number in range(5000)
    ]
    source = write_csv(tmp_path / "boxes.csv", BOX_HEADER, rows)
    narrow(source, tmp_path / "whole.parquet", classes={DOG, CAT})
    monkeypatch.setattr(arrow_tables, "BLOCK_BYTES", 4000)
    monkeypatch.setattr("boxable.datasets.table_writer.GROUP_ROWS", 100)
    narrow(source, tmp_path / "blocks.parquet", classes={DOG, CAT})
    assert pq.ParquetFile(tmp_path / "blocks.parquet").num_row_groups > 10
    assert rows_of(tmp_path / "whole.parquet") == rows_of(tmp_path / "blocks.parquet")


def test_a_table_without_rows_stays_without(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "boxes.csv", BOX_HEADER, [])
    assert narrow(source, tmp_path / "out.parquet", classes={CAT}).rows_out == 0
    assert rows_of(tmp_path / "out.parquet") == []
    assert image_ids(tmp_path / "out.parquet") == []
    assert list(rows_by_image(tmp_path / "out.parquet", BOX_COLUMNS)) == []


def test_a_table_that_ends_in_a_broken_row_leaves_nothing_behind(source: Path, tmp_path: Path) -> None:
    with source.open("a") as file:
        file.write("04,xclick\n")
    with pytest.raises(ArgumentError, match="Expected 13 columns, got 2"):
        narrow(source, tmp_path / "out.parquet")
    assert [path.name for path in tmp_path.iterdir()] == [source.name]


def test_a_place_that_cannot_be_written_is_an_error_that_names_it(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BoxableError, match="cannot write"):
        narrow(source, tmp_path / "file" / "out.parquet")
