"""Checks of the tables of a data folder."""

from pathlib import Path

import pytest

from boxable.datasets import arrow_tables
from boxable.openimages import Dataset
from boxable.openimages.verification import verify
from tests.openimages.checking import flaws, good_folder
from tests.openimages.folders import CAT, box_row, copy_image_file

INSIDE, IN_ORDER = "boxes are inside their image", "boxes have their sides in order, and an area"
SIZE = "images have the size that the table of images says"


def assert_only_flaw_in_tables(folder: Path, rule: str, example: str) -> None:
    copy_image_file(folder, "c")
    found = flaws(verify(Dataset(folder)))
    found.pop("every file is the image of an id in the tables", None)
    assert found == {rule: (1, [example])}


@pytest.mark.parametrize(
    ("row", "rule", "example"),
    [
        (box_row("a", CAT, (0, -0.1, 1, 1)), INSIDE, "a: XMin -0.1, XMax 1, YMin 0, YMax 1"),
        (box_row("a", CAT, (0, 0, 1.5, 1)), INSIDE, "a: XMin 0, XMax 1, YMin 0, YMax 1.5"),
        (box_row("a", CAT, (0, 0, float("nan"), 1)), INSIDE, "a: XMin 0, XMax 1, YMin 0, YMax missing"),
        (box_row("a", CAT, (0.6, 0, 0.5, 1)), IN_ORDER, "a: XMin 0, XMax 1, YMin 0.6, YMax 0.5"),
        (box_row("a", CAT, (0, 0.5, 1, 0.5)), IN_ORDER, "a: XMin 0.5, XMax 0.5, YMin 0, YMax 1"),
        (box_row("a", flags="0,2,0,0,0"), "flags are 0, 1 or -1",
         "a: IsOccluded 0, IsTruncated 2, IsGroupOf 0, IsDepiction 0, IsInside 0"),
        (box_row("a", "/m/zzz"), "every class is known", "/m/zzz"),
        (box_row("c"), "every row belongs to a listed image", f"c: LabelName {CAT}"),
    ],
)  # fmt: skip
def test_a_bad_box_is_found(tmp_path: Path, row: str, rule: str, example: str) -> None:
    folder = good_folder(tmp_path / "set", boxes=(row,))
    assert_only_flaw_in_tables(folder, rule, example)


def test_a_box_may_reach_outside_by_rounding(tmp_path: Path) -> None:
    folder = good_folder(tmp_path / "set", boxes=(box_row("a", CAT, (-5e-7, 0, 1 + 5e-7, 1)),))
    assert flaws(verify(Dataset(folder))) == {}


@pytest.mark.parametrize(
    ("row", "rule", "example"),
    [
        (f"a,v,{CAT},1.5", "Confidence is from 0 to 1", f"a: LabelName {CAT}, Confidence 1.5"),
        ("a,v,/m/zzz,1", "every class is known", "/m/zzz"),
        (f"c,v,{CAT},1", "every row belongs to a listed image", f"c: LabelName {CAT}"),
    ],
)
def test_a_bad_label_is_found(tmp_path: Path, row: str, rule: str, example: str) -> None:
    folder = good_folder(tmp_path / "set", labels=(row,))
    assert_only_flaw_in_tables(folder, rule, example)


@pytest.mark.parametrize(
    ("row", "rule", "example"),
    [
        ("c,36,24,45", "Rotation is 0, 90, 180, 270 or empty", "c: Rotation 45"),
        ("c,24,36,90", SIZE,
         "c: 24x36 in the table, 36x24 in the file; was it rotated? "
         "Boxes and Rotation refer to the image as published"),
        ("c,37,24,0", SIZE, "c: 37x24 in the table, 36x24 in the file"),
        ("a,36,24,0", "every image has one row", "a: 2 rows"),
    ],
)  # fmt: skip
def test_a_bad_image_row_is_found(tmp_path: Path, row: str, rule: str, example: str) -> None:
    folder = good_folder(tmp_path / "set", images=(row,))
    if row.startswith("c"):
        copy_image_file(folder, "c")
    assert flaws(verify(Dataset(folder))) == {rule: (1, [example])}


def test_ids_are_looked_up_once_however_many_batches_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow.compute
    import pyarrow.csv
    import pyarrow.parquet

    folder = good_folder(tmp_path / "set", boxes=tuple(map(box_row, "acdc")))
    for name in ("annotations-bbox", "images"):
        pyarrow.parquet.write_table(pyarrow.csv.read_csv(folder / f"{name}.csv"), folder / f"{name}.parquet")
        (folder / f"{name}.csv").unlink()
    calls = []
    index_in = pyarrow.compute.index_in
    monkeypatch.setattr(arrow_tables, "BATCH_ROWS", 2)
    monkeypatch.setattr(
        pyarrow.compute, "index_in", lambda *given, **named: calls.append(1) or index_in(*given, **named)
    )
    found = flaws(verify(Dataset(folder)))
    assert found["every row belongs to a listed image"] == (3, [f"c: LabelName {CAT}", f"d: LabelName {CAT}"])
    assert len(calls) == 2  # for the rows of images, and for the files
