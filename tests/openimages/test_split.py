"""Train and validation."""

import errno
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from boxable.datasets.hash_split import is_validation
from boxable.errors import ArgumentError, BoxableError
from boxable.openimages import Dataset
from boxable.openimages import split as module
from boxable.openimages.split import split
from boxable.openimages.verification import verify
from tests.conftest import ROOT
from tests.openimages.folders import CAT, box_row, copy_image_file, write_folder

DATA = ROOT.parent / "shared" / "data"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ids = [f"i{number:02}" for number in range(40)]
    rows = [box_row(image, CAT, (0, 0, 0.123456, 1)) for image in ids * 2]
    made = write_folder(
        tmp_path / "set", rows, labels=[f'{image},"a, ""b""",{CAT},1' for image in ids],
        images=[f"{image},36,24,0.0" for image in ids]
    )  # fmt: skip
    for image in ids[:-1]:
        copy_image_file(made, image)
    return made


def rows_of(*tables: Path) -> list[str]:
    return sorted(line for table in tables for line in table.read_text().splitlines()[1:])


@pytest.mark.parametrize("every", [5, 2])
def test_every_row_and_photo_is_in_one_part_as_it_was(folder: Path, tmp_path: Path, every: int) -> None:
    counts = split(folder, tmp_path / "out", every)
    parts = {part: tmp_path / "out" / part for part in ("train", "validation")}
    for table in ("annotations-bbox.csv", "annotations-human-imagelabels.csv", "images.csv"):
        assert rows_of(*(part / table for part in parts.values())) == rows_of(folder / table)
    for name, part in parts.items():
        photos = {path.stem for path in (part / "images").iterdir()}
        assert len(photos) == counts[name] > 0
        listed = {line.split(",")[0] for line in rows_of(part / "images.csv")}
        assert photos == listed - {"i39"}
        assert {is_validation(image, every) for image in listed} == {name == "validation"}
        assert (part / "classes.csv").read_bytes() == (folder / "classes.csv").read_bytes()
        assert json.loads((part / "boxable-data.json").read_text())["part"] == name


def test_photos_are_not_copied(folder: Path, tmp_path: Path) -> None:
    split(folder, tmp_path / "out")
    for path in (tmp_path / "out").rglob("*.jpg"):
        assert path.samefile(folder / "images" / path.name)
        assert not path.is_symlink()


def test_links_to_photos_lead_to_them_from_the_parts_too(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (folder / "images").rename(elsewhere)
    (folder / "images").mkdir()
    for path in elsewhere.iterdir():
        (folder / "images" / path.name).symlink_to(Path("..", "..", "elsewhere", path.name))
    split(folder, tmp_path / "parts")
    found = {path.name: path.read_bytes() for path in (tmp_path / "parts").glob("*/images/*")}
    assert found == {path.name: path.read_bytes() for path in elsewhere.iterdir()}


def test_where_there_are_no_hard_links_there_are_symbolic_ones(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    split(folder, tmp_path / "out")
    links = list((tmp_path / "out").rglob("*.jpg"))
    assert len(links) == 39
    assert all(path.is_symlink() and path.exists() for path in links)


def test_parquet_stays_parquet_with_its_types(folder: Path, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    table = pyarrow.csv.read_csv(folder / "annotations-bbox.csv").append_column("Extra", pa.array([1] * 80, pa.int16()))
    pq.write_table(table, folder / "annotations-bbox.parquet")
    (folder / "annotations-bbox.csv").unlink()
    split(folder, tmp_path / "out")
    parts = [pq.read_table(tmp_path / "out" / part / "annotations-bbox.parquet") for part in ("train", "validation")]
    assert all(part.schema.equals(table.schema) for part in parts)
    assert pa.concat_tables(parts).sort_by("ImageID").equals(table.sort_by("ImageID"))


def test_what_is_there_is_not_touched(folder: Path) -> None:
    (folder / "validation").mkdir()
    with pytest.raises(ArgumentError, match="exists; remove it"):
        split(folder, folder)
    assert not (folder / "train").exists()


def test_nothing_half_made_is_left(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.os, "link", full)
    with pytest.raises(BoxableError, match="No space left on device"):
        split(folder, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_of_another_layout_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "boxable-data.json").write_text('{"layout": 0}')
    with pytest.raises(ArgumentError, match="layout 0"):
        split(folder, tmp_path / "out")


@pytest.mark.skipif(not DATA.is_dir(), reason="the photo sets are not beside this checkout")
@pytest.mark.parametrize(
    ("name", "train", "validation"),
    [("eval-coco", 167, 52), ("eval-voc", 59, 11), ("eval-oi", 21, 5), ("tiny", 10, 2),
     ("tune-alpaca", 138, 30), ("tune-doors", 110, 27), ("tune-bccd", 143, 34)],
)  # fmt: skip
def test_the_photo_sets_are_split_as_they_are_described(
    name: str, train: int, validation: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", lambda photo, place: place.symlink_to(photo))  # leave the sets themselves alone
    assert split(DATA / name, tmp_path / "out") == {"train": train, "validation": validation}
    assert verify(Dataset(tmp_path / "out" / "validation")).good


def test_a_table_that_cannot_be_divided_is_one_line(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "set", [box_row("a")])
    (folder / "mine.csv").write_text("ImageID,Note,Note\na,b,c\n")
    with pytest.raises(ArgumentError, match=r"mine\.csv: expected each column once, got ImageID, Note, Note"):
        split(folder, tmp_path / "parts")
    (folder / "mine.csv").unlink()
    pq.write_table(pa.table({"ImageID": pa.array([b"\xff"])}), folder / "mine.parquet")
    with pytest.raises(ArgumentError, match=r"mine\.parquet: Invalid UTF8"):
        split(folder, tmp_path / "parts")
    assert list((tmp_path / "parts").glob("*")) == []


def test_rows_without_an_id_stay(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "set", [box_row("a")])
    for name, ids in (("plain", pa.array(["a", None, "b"])), ("coded", pa.array(["a", None]).dictionary_encode())):
        pq.write_table(pa.table({"ImageID": ids}), folder / f"{name}.parquet")
    split(folder, tmp_path / "out")
    for name, count in (("plain", 3), ("coded", 2)):
        parts = [pq.read_table(tmp_path / "out" / part / f"{name}.parquet") for part in ("train", "validation")]
        assert sum(part.num_rows for part in parts) == count
