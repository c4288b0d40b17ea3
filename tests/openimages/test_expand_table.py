"""Expansion of whole tables: the recorded cases of the original, every form, every column."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from boxable.datasets import arrow_tables
from boxable.errors import ArgumentError, BoxableError
from boxable.openimages.expand_table import expand_table
from tests.openimages.made import ANIMAL, BOX_HEADER, CAR, CAT, DOG, LABEL_HEADER, PERSON, box, rows_of, write_csv


def lines(path: Path) -> Counter[str]:
    data = path.read_bytes()
    return Counter((gzip.decompress(data) if path.suffix == ".gz" else data).decode().splitlines())


@pytest.mark.parametrize("name", ["expansion/boxes.csv", "expansion/imagelabels.csv", "large/gt_boxes.csv.gz",
                                  "large/gt_imagelabels.csv.gz"])  # fmt: skip
@pytest.mark.parametrize("block", [1 << 12, 8 << 20], ids=["small blocks", "large blocks"])
def test_csv_comes_out_letter_by_letter_as_the_original_script_wrote_it(
    reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, block: int
) -> None:
    monkeypatch.setattr(arrow_tables, "BLOCK_BYTES", block)
    source = reference / "eval" / name
    done = expand_table(source, tmp_path / "out.csv")
    expected = lines(source.with_name(source.name.replace(".csv", "_expanded.csv")))
    assert lines(tmp_path / "out.csv") == expected
    assert done.rows_out == expected.total() - 1
    assert done.notes == []


def test_every_form_into_every_other(reference: Path, tmp_path: Path) -> None:
    source = reference / "eval" / "expansion" / "boxes.csv"
    expand_table(source, tmp_path / "a.parquet")
    expected = rows_of(tmp_path / "a.parquet")
    forms = {".csv": tmp_path / "s.csv", ".csv.gz": tmp_path / "s.csv.gz"}
    forms[".csv"].write_bytes(source.read_bytes())
    forms[".csv.gz"].write_bytes(gzip.compress(source.read_bytes()))
    for suffix, path in forms.items():
        expand_table(path, tmp_path / f"from{suffix}.parquet")
        assert rows_of(tmp_path / f"from{suffix}.parquet") == expected
    expand_table(tmp_path / "a.parquet", tmp_path / "twice.csv")
    assert {row["LabelName"] for row in rows_of(tmp_path / "twice.csv")} == {row["LabelName"] for row in expected}
    assert float(str(rows_of(tmp_path / "twice.csv")[0]["XMin"])) == expected[0]["XMin"]


def test_the_extreme_points_of_v6_and_unknown_columns_stay(tmp_path: Path) -> None:
    clicks = [f"XClick{number}{axis}" for axis in "XY" for number in range(1, 5)]
    row = (*box("a"), *(number / 8 for number in range(8)), 'said "so", twice')
    source = write_csv(tmp_path / "v6.csv", (*BOX_HEADER, *clicks, "Remark"), [row, (*row[:-1], "plain")])
    for name in ("out.csv", "out.parquet"):
        expand_table(source, tmp_path / name)
        rows = rows_of(tmp_path / name)
        assert [row["Remark"] for row in rows] == ['said "so", twice'] * (len(rows) // 2) + ["plain"] * (len(rows) // 2)
        assert {float(str(row["XClick3Y"])) for row in rows} == {0.75}
        assert {row["LabelName"] for row in rows} == {CAT, "/m/01lrl", "/m/04rky", ANIMAL}


def test_the_edge_cases_that_the_original_takes(reference: Path, tmp_path: Path) -> None:
    taken = 0
    for case in json.loads((reference / "eval" / "expansion" / "edge_cases.json").read_text()):
        if case["output"] is not None and "without line end" not in case["why"]:
            (tmp_path / "in.csv").write_text(case["input"])
            expand_table(tmp_path / "in.csv", tmp_path / "out.csv")
            assert lines(tmp_path / "out.csv") == Counter(case["output"].splitlines()), case["why"]
            taken += 1
    assert taken == 3


def test_classes_that_nobody_knows_stay_and_are_counted(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "in.csv", BOX_HEADER, [box("a", "user/x"), box("a", "user/x"), box("b", CAR)])
    done = expand_table(source, tmp_path / "out.csv")
    assert [row["LabelName"] for row in rows_of(tmp_path / "out.csv")][:3] == ["user/x", "user/x", CAR]
    assert done.notes == ["2 rows of a class that Open Images does not have, without copies: 'user/x'"]


def test_image_labels_that_are_not_there_go_down(tmp_path: Path) -> None:
    rows = [("a", "verification", ANIMAL, 0), ("a", "verification", CAT, 1)]
    source = write_csv(tmp_path / "in.csv", LABEL_HEADER, rows)
    expand_table(source, tmp_path / "out.parquet")
    found = rows_of(tmp_path / "out.parquet")
    assert (CAT, 0) in {(row["LabelName"], row["Confidence"]) for row in found}
    assert (ANIMAL, 1) in {(row["LabelName"], row["Confidence"]) for row in found}


@pytest.mark.parametrize("confidence", [0.5, 0.999, -1, 2])
def test_image_labels_of_any_confidence_but_one_go_down(tmp_path: Path, confidence: float) -> None:
    source = write_csv(tmp_path / "in.csv", LABEL_HEADER, [("a", "machine", "/m/01lrl", confidence)])
    expand_table(source, tmp_path / "out.csv")
    found = rows_of(tmp_path / "out.csv")
    assert {row["Confidence"] for row in found} == {str(confidence)}
    assert {"/m/01lrl", CAT, DOG} <= {row["LabelName"] for row in found}
    assert ANIMAL not in {row["LabelName"] for row in found}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "Empty CSV"),
        (b"a,b\n1,2\n", "expected columns LabelName"),
        (",".join(BOX_HEADER).encode() + b"\na,b\n", "Expected 13 columns, got 2"),
        (b"LabelName,Confidence\n/m/01yrx,often\n", "often"),
    ],
)
def test_a_bad_table_leaves_nothing_behind(tmp_path: Path, data: bytes, says: str) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes(data)
    with pytest.raises(ArgumentError, match=says):
        expand_table(source, tmp_path / "out.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_a_gzipped_table_that_is_cut_short_leaves_nothing_behind(tmp_path: Path) -> None:
    source = write_csv(
        tmp_path / "in.csv", BOX_HEADER, [box(f"{n:016x}", sides=(n / 7e4, 1, 0, 1)) for n in range(60000)]
    )
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress(source.read_bytes())[:-2000])
    with pytest.raises(BoxableError, match=r"cut\.csv\.gz"):
        expand_table(cut, tmp_path / "out.csv")
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]


@pytest.mark.parametrize("dest", ["in.csv", "out.txt"])
def test_a_dest_that_cannot_be_is_refused(tmp_path: Path, dest: str) -> None:
    source = write_csv(tmp_path / "in.csv", BOX_HEADER, [box("a")])
    with pytest.raises(ArgumentError, match="expected"):
        expand_table(source, tmp_path / dest)
    assert len(rows_of(source)) == 1


@pytest.mark.parametrize("name", ["out.parquet", "out.csv"])
def test_classes_are_chosen_after_the_expansion(tmp_path: Path, name: str) -> None:
    rows = [box("01", CAT), box("01", CAR), box("02", PERSON), box("03", DOG), box("03", CAT)]
    source = write_csv(tmp_path / "boxes.csv", BOX_HEADER, rows)
    done = expand_table(source, tmp_path / name, {ANIMAL, DOG})
    kept = [(row["ImageID"], row["LabelName"]) for row in rows_of(tmp_path / name)]
    assert kept == [("01", ANIMAL), ("03", DOG), ("03", ANIMAL), ("03", ANIMAL)]
    assert (done.rows_in, done.rows_out) == (5, 4)
