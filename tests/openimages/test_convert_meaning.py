"""What a set says besides boxes and marks comes along, or is counted."""

import gzip
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from boxable.evaluation.evaluate_files import evaluate
from boxable.formats.annotated.orientation import without_orientation
from boxable.images.decode import decode_as_stored, orientation_of
from boxable.openimages import Dataset
from boxable.openimages.convert_set import convert
from tests.datasets.reading import read_annotations
from tests.openimages.folders import BOX_HEAD, CAT, box_row, copy_image_file, photo, write_folder
from tests.openimages.made import BOX_HEADER, LABEL_HEADER, PERSON, box, rows_of, write_csv, write_set

DESTS = {"openimages": "csv", "parquet": "p", "coco": "c.json", "yolo": "yolo", "voc": "voc", "tfrecord": "t"}
OTHERS = ["coco", "yolo", "voc", "tfrecord"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the index is kept."""
    monkeypatch.setenv("BOXABLE_HOME", str(tmp_path / "home"))


def turned(folder: Path, rotation: str, exif: int) -> Path:
    """An image that tells an orientation; its box is the red quarter, as the image is stored."""
    write_folder(folder, [box_row("a", CAT, (0, 0, 0.5, 0.5))], images=[f"a,,,{rotation}"])
    copy_image_file(folder, "a", photo(orientation=exif))
    return folder


def colour_in_box(folder: Path) -> list[int]:
    image, targets = Dataset(folder)[0]
    height, width, _ = image.shape
    ymin, xmin, ymax, xmax = targets.boxes[0] * [height, width, height, width]
    return [int(value > 128) for value in image[int((ymin + ymax) / 2), int((xmin + xmax) / 2)]]


@pytest.mark.parametrize("mode", ["copy", "link"])
@pytest.mark.parametrize(("to", "name"), [item for item in DESTS.items() if item[0] != "coco"])
@pytest.mark.parametrize("exif", [3, 6])
def test_boxes_stay_on_what_they_are_of_where_rotation_overrules_the_photo(
    tmp_path: Path, to: str, name: str, exif: int, mode: str
) -> None:
    source = turned(tmp_path / "set", "0", exif)
    assert colour_in_box(source) == [1, 0, 0]
    notes = convert(source, tmp_path / name, to, image_mode=mode, shards=1)
    assert not any("orientation" in note or "Rotation" in note for note in notes)
    convert(tmp_path / name, tmp_path / "back", "parquet")
    assert colour_in_box(tmp_path / "back") == [1, 0, 0]
    assert orientation_of((source / "images" / "a.jpg").read_bytes()) == exif


@pytest.mark.parametrize(("to", "name"), DESTS.items())
def test_what_cannot_be_told_of_the_orientation_is_counted(tmp_path: Path, to: str, name: str) -> None:
    notes = "\n".join(convert(turned(tmp_path / "set", "90.0", 6), tmp_path / name, to, shards=1))
    assert ("Rotation other than 0" in notes) == (to not in ("openimages", "parquet"))
    assert ("EXIF orientation that Rotation overrules, and COCO does not" in notes) == (to == "coco")
    notes = "\n".join(convert(turned(tmp_path / "unknown", "", 6), tmp_path / f"unknown-{name}", to, shards=1))
    assert "Rotation other" not in notes
    assert ("EXIF orientation, which readers of TFRecord ignore" in notes) == (to == "tfrecord")


@pytest.mark.parametrize(("rotation", "size"), [("", (24, 36)), ("0", (36, 24))])
def test_a_size_is_that_of_the_picture_that_the_boxes_are_of(
    tmp_path: Path, rotation: str, size: tuple[int, int]
) -> None:
    convert(turned(tmp_path / "set", rotation, 6), tmp_path / "c.json", "coco")
    assert read_annotations(tmp_path / "c.json").sizes == {"a": size}


@pytest.mark.parametrize("exif", range(2, 9))
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_photo_without_its_orientation_is_otherwise_the_same(exif: int, order: str) -> None:
    entries = Image.Exif()
    entries.endian = order
    entries[0x010F], entries[0x0112], entries[0x0132] = "maker", exif, "2018:01:01"
    data = io.BytesIO()
    Image.fromarray(decode_as_stored(photo(), "")).save(data, "JPEG", exif=entries)
    before = data.getvalue()
    assert orientation_of(before) == exif
    after = without_orientation(before)
    assert after is not None
    assert orientation_of(after) == 1
    assert len(after) == len(before)
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1
    np.testing.assert_array_equal(decode_as_stored(after, ""), decode_as_stored(before, ""))


def test_of_other_pictures_the_orientation_stays_and_is_counted(tmp_path: Path) -> None:
    source = turned(tmp_path / "set", "0", 6)
    (source / "images" / "a.jpg").unlink()
    entries = Image.Exif()
    entries[0x0112] = 6
    Image.new("RGB", (36, 24)).save(source / "images" / "a.png", exif=entries)
    assert any(
        note.startswith("1 EXIF orientation, overruled by Rotation, that cannot be removed")
        for note in convert(source, tmp_path / "yolo", "yolo")
    )


@pytest.mark.parametrize("to", OTHERS)
def test_confidence_of_a_box_is_counted(tmp_path: Path, to: str) -> None:
    rows = [box_row("a"), box_row("a").replace(",1,", ",0.5,", 1), box_row("a").replace(",1,", ",,", 1)]
    source = write_folder(tmp_path / "set", rows)
    copy_image_file(source, "a")
    assert "1 box with a Confidence other than 1: the Confidence is dropped" in convert(
        source, tmp_path / DESTS[to], to, shards=1
    )


def test_scores_in_yolo_are_counted(tmp_path: Path) -> None:
    (tmp_path / "yolo" / "labels").mkdir(parents=True)
    (tmp_path / "yolo" / "classes.txt").write_text("cat\n")
    (tmp_path / "yolo" / "labels" / "a.txt").write_text("0 0.5 0.5 0.5 0.5 0.9\n0 0.5 0.5 0.5 0.5\n")
    notes = convert(tmp_path / "yolo", tmp_path / "parquet", "parquet", image_mode="none")
    assert notes == ["1 box with a score: the score is dropped"]


@pytest.mark.parametrize("to", ["openimages", "parquet"])
def test_difficult_boxes_come_along_into_tables(data: Path, tmp_path: Path, to: str) -> None:
    before = difficult_boxes(data / "eval-voc")
    convert(data / "eval-voc", tmp_path / "voc", "parquet", image_mode="none")
    convert(tmp_path / "voc", tmp_path / "out", to, image_mode="none")
    assert difficult_boxes(tmp_path / "out") == before
    suffix = {"openimages": ".csv", "parquet": ".parquet"}[to]
    assert [path.name for path in (tmp_path / "out").glob("*difficult*")] == [f"difficult{suffix}"]


def test_a_table_of_no_difficult_boxes_comes_along_too(tmp_path: Path) -> None:
    source = write_set(tmp_path / "set", [box("01")])
    write_csv(source / "difficult.csv", BOX_HEADER, [])
    convert(source, tmp_path / "out", "parquet")
    assert rows_of(tmp_path / "out" / "difficult.parquet") == []


def difficult_boxes(folder: Path) -> list[tuple[str, str]]:
    """Image and class of each, as evaluation reads them."""
    boxes = read_annotations(folder).boxes
    rows = zip(boxes.image.strings(), boxes.label.strings(), boxes.difficult, strict=True)
    return sorted((image, label) for image, label, difficult in rows if difficult)


@pytest.mark.parametrize("to", ["openimages", "parquet"])
def test_difficult_boxes_go_into_pascal_voc_and_back(data: Path, tmp_path: Path, to: str) -> None:
    before = difficult_boxes(data / "eval-voc")
    assert not any("ifficult" in note for note in convert(data / "eval-voc", tmp_path / "voc", "voc"))
    assert not any("ifficult" in note for note in convert(tmp_path / "voc", tmp_path / "again", "voc"))
    assert not any("ifficult" in note for note in convert(tmp_path / "again", tmp_path / "out", to))
    assert len(before) == 25
    assert difficult_boxes(tmp_path / "out") == before
    convert(tmp_path / "out", tmp_path / "last", "voc")
    texts = {path.name: path.read_bytes() for path in (tmp_path / "voc" / "Annotations").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "last" / "Annotations").iterdir()} == texts


def test_a_set_is_measured_alike_after_pascal_voc(data: Path, tmp_path: Path) -> None:
    convert(data / "eval-voc", tmp_path / "voc", "voc")
    convert(tmp_path / "voc", tmp_path / "parquet", "parquet")
    predictions = tmp_path / "found.csv"
    boxes = read_annotations(data / "eval-voc").boxes
    rows = zip(boxes.image.strings(), boxes.label.strings(), *boxes.box.T.tolist(), range(len(boxes)), strict=True)
    write_csv(predictions, ("ImageID", "LabelName", "YMin", "XMin", "YMax", "XMax", "Score"), rows)
    sets = (data / "eval-voc", tmp_path / "parquet")
    first, second = (evaluate(folder, predictions, "pascal", resamples=0) for folder in sets)
    assert first.ignored == second.ignored == 25
    assert first.to_dict()["classes"] == second.to_dict()["classes"]


def test_a_set_without_difficult_boxes_gets_no_table_of_them(tmp_path: Path) -> None:
    convert(write_set(tmp_path / "set", [box("01")]), tmp_path / "voc", "voc")
    assert "<difficult>0</difficult>" in (tmp_path / "voc" / "Annotations" / "01.xml").read_text()
    convert(tmp_path / "voc", tmp_path / "parquet", "parquet")
    assert not list((tmp_path / "parquet").glob("*difficult*"))


def test_the_table_of_difficult_boxes_is_sorted_like_the_others(tmp_path: Path) -> None:
    source = write_set(tmp_path / "set", [box("a"), box("a-b")])  # a-b.xml comes before a.xml
    write_csv(source / "difficult.csv", BOX_HEADER, [box("a-b"), box("a")])
    convert(source, tmp_path / "voc", "voc")
    convert(tmp_path / "voc", tmp_path / "out", "openimages")
    assert [row["ImageID"] for row in rows_of(tmp_path / "out" / "difficult.csv")] == ["a", "a-b"]


@pytest.mark.parametrize("to", OTHERS)
@pytest.mark.parametrize("told_by", ["table", "column", "both"])
def test_difficult_boxes_are_counted_where_they_do_not(tmp_path: Path, to: str, told_by: str) -> None:
    source = write_set(tmp_path / "set", [box("01"), box("02"), box("02", PERSON)])
    if told_by != "column":
        write_csv(source / "voc-difficult.csv", BOX_HEADER, [box("02")])
    if told_by != "table":
        rows = [(*box("01"), 0), (*box("02"), 1), (*box("02", PERSON), "")]
        write_csv(source / "annotations-bbox.csv", (*BOX_HEADER, "IsDifficult"), rows)
    notes = "\n".join(convert(source, tmp_path / DESTS[to], to, shards=1))
    if to == "voc":
        texts = [(tmp_path / "voc" / "Annotations" / f"{name}.xml").read_text() for name in ("01", "02")]
        assert [text.count("<difficult>1</difficult>") for text in texts] == [0, 1]
        assert "IsDifficult" not in notes
    else:
        assert "1 flag IsDifficult, which" in notes


def test_columns_that_a_data_folder_does_not_have_are_named(tmp_path: Path) -> None:
    source = tmp_path / "set"
    source.mkdir()
    (source / "annotations-bbox.csv").write_text(f"{BOX_HEAD},XClick1X,XClick1Y\n{box_row('a')},0.5,0.25\n")
    write_csv(source / "annotations-human-imagelabels.csv", (*LABEL_HEADER[:3], "Verified"), [("a", "x", CAT, 1)])
    notes = convert(source, tmp_path / "out", "parquet", image_mode="none")
    assert notes == ["annotations-bbox.csv: columns XClick1X, XClick1Y dropped"]


@pytest.mark.parametrize("suffix", [".parquet", ".csv.gz"])
def test_classes_in_another_form_become_csv(tmp_path: Path, suffix: str) -> None:
    source = write_set(tmp_path / "set", [box("01", "user/yeti")])
    if suffix == ".parquet":
        pq.write_table(pa.table({"LabelName": ["user/yeti"], "DisplayName": ["Yeti"]}), source / "classes.parquet")
    else:
        (source / "classes.csv.gz").write_bytes(gzip.compress(b"LabelName,DisplayName\nuser/yeti,Yeti\n"))
    assert convert(source, tmp_path / "out", "openimages") == []
    assert rows_of(tmp_path / "out" / "classes.csv") == [{"LabelName": "user/yeti", "DisplayName": "Yeti"}]
