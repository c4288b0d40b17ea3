"""Checks of a data folder."""

import hashlib
import os
import shutil
import threading
from pathlib import Path

import pytest

from boxable.errors import ArgumentError
from boxable.openimages import Dataset, arrow_tables
from boxable.openimages import verify as module
from boxable.openimages.convert.job import convert
from boxable.openimages.fetch.ledger import Ledger, Outcome, Wanted
from boxable.openimages.findings import Verification
from boxable.openimages.verify import verify
from tests.conftest import ROOT
from tests.openimages.folders import CAT, DOG, box_row, photo, put_photo, write_folder

INSIDE, IN_ORDER = "boxes are inside their image", "boxes have their sides in order, and an area"
SIZE = "photos have the size that the table of images says"
DATA = ROOT.parent / "shared" / "data"


def good_folder(
    folder: Path, boxes: tuple[str, ...] = (), images: tuple[str, ...] = (), labels: tuple[str, ...] = ()
) -> Path:
    """Two images that nothing is wrong with, and these rows."""
    made = write_folder(
        folder, [box_row("a"), box_row("b", DOG, flags="-1,0,1,0,0"), *boxes],
        labels=[f"a,v,{CAT},1", f"a,v,{DOG},0", *labels], images=["a,36,24,0.0", "b,36,24,", *images],
    )  # fmt: skip
    put_photo(made, "a")
    put_photo(made, "b")
    return made


def flaws(verification: Verification) -> dict[str, tuple[int, list[str]]]:
    """What is wrong: how often, and the examples."""
    return {item.rule: (item.wrong, item.examples) for item in verification.findings if item.wrong}


def test_a_good_folder_is_good(tmp_path: Path) -> None:
    verification = verify(Dataset(good_folder(tmp_path / "set")))
    assert flaws(verification) == {}
    assert verification.good
    assert verification.complete
    assert all(item.looked_at for item in verification.findings)


def assert_only_flaw_in_tables(folder: Path, rule: str, example: str) -> None:
    put_photo(folder, "c")
    found = flaws(verify(Dataset(folder)))
    found.pop("every file is the photo of an image", None)
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
         "c: 24x36 in the table, the photo has 36x24, as if it had been turned; "
         "boxes and Rotation are of the photo as published"),
        ("c,37,24,0", SIZE, "c: 37x24 in the table, the photo has 36x24"),
        ("a,36,24,0", "every image has one row", "a: 2 rows"),
    ],
)  # fmt: skip
def test_a_bad_image_row_is_found(tmp_path: Path, row: str, rule: str, example: str) -> None:
    folder = good_folder(tmp_path / "set", images=(row,))
    if row.startswith("c"):
        put_photo(folder, "c")
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


def test_an_index_with_another_content_is_made_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = good_folder(tmp_path / "set")
    Dataset(folder)
    (path,) = Path(os.environ["BOXABLE_HOME"]).rglob("images.arrow")
    sound = path.read_bytes()
    path.write_bytes(sound.replace((36).to_bytes(4, "little"), (37).to_bytes(4, "little")))
    verification = verify(Dataset(folder))
    assert verification.good
    assert path.read_bytes() == sound
    assert "damaged; it is made anew" in caplog.text


def test_an_index_that_was_deleted_meanwhile_is_made_anew(tmp_path: Path) -> None:
    dataset = Dataset(good_folder(tmp_path / "set"))
    shutil.rmtree(dataset.index.folder)
    assert verify(dataset).good


class TestPhotos:
    def test_missing_damaged_and_strange_ones_are_found(self, tmp_path: Path) -> None:
        folder = good_folder(tmp_path / "set", images=("c,36,24,0", "d,36,24,0", "../e,36,24,0"))
        put_photo(folder, "d", photo()[:300])
        put_photo(folder, "stranger")
        (folder / "images" / "a.txt").write_text("")
        found = flaws(verify(Dataset(folder)))
        assert found["every image has its photo"] == (
            2, ["../e: '../e': an image id that is no file name", "c: not there"],
        )  # fmt: skip
        assert found["every photo can be decoded"][0] == 1
        assert found["every photo can be decoded"][1][0].startswith("d: damaged")
        count, examples = found["every file is the photo of an image"]
        assert (count, sorted(examples)) == (2, ["a.txt", "stranger.jpg"])

    @pytest.mark.parametrize(("orientation", "rotation"), [(8, "90"), (3, "180"), (6, "270"), (1, "90"), (6, "")])
    def test_an_orientation_that_says_what_rotation_says_is_right(
        self, tmp_path: Path, orientation: int, rotation: str
    ) -> None:
        folder = good_folder(tmp_path / "set", images=(f"c,36,24,{rotation}",))
        put_photo(folder, "c", photo(orientation=orientation))
        assert flaws(verify(Dataset(folder))) == {}

    @pytest.mark.parametrize(("orientation", "rotation"), [(8, "0"), (6, "90"), (2, "0"), (5, "270")])
    def test_an_orientation_that_says_something_else_is_found(
        self, tmp_path: Path, orientation: int, rotation: str
    ) -> None:
        folder = good_folder(tmp_path / "set", images=(f"c,36,24,{rotation}",))
        put_photo(folder, "c", photo(orientation=orientation))
        assert flaws(verify(Dataset(folder))) == {
            "an orientation in a photo agrees with Rotation": (
                1, [f"c: EXIF orientation {orientation}, Rotation {rotation}"],
            )
        }  # fmt: skip

    def test_a_folder_of_tables_alone_lacks_its_photos(self, tmp_path: Path) -> None:
        verification = verify(Dataset(write_folder(tmp_path / "set", [box_row("a")])))
        assert flaws(verification) == {"every image has its photo": (1, ["a: not there"])}

    def test_a_second_photo_of_an_image_is_found(self, tmp_path: Path) -> None:
        folder = good_folder(tmp_path / "set")
        (folder / "images" / "a.png").write_bytes((folder / "images" / "a.jpg").read_bytes())
        assert flaws(verify(Dataset(folder))) == {"every file is the photo of an image": (1, ["a.png"])}
        with pytest.raises(ArgumentError, match=r"a\.png: another photo is called so: .*a\.jpg; expected one of them"):
            convert(folder, tmp_path / "yolo", "yolo")

    def test_photos_may_be_of_other_kinds(self, tmp_path: Path) -> None:
        folder = good_folder(tmp_path / "set")
        (folder / "images" / "a.jpg").rename(folder / "images" / "a.JPG")
        assert flaws(verify(Dataset(folder))) == {}

    def test_a_stop_ends_it_early(self, tmp_path: Path) -> None:
        stop = threading.Event()
        stop.set()
        verification = verify(Dataset(good_folder(tmp_path / "set")), stop)
        assert not verification.complete
        assert list(verification.lines())[-1] == "stopped before the end"
        assert not any(item.looked_at for item in verification.findings)

    @pytest.mark.parametrize("at_once", [1, 2, 100])
    def test_files_are_told_apart_however_many_are_looked_at_together(
        self, tmp_path: Path, at_once: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "_NAMES_AT_ONCE", at_once)
        folder = good_folder(tmp_path / "set", images=("c.d,36,24,0", "é,36,24,0"))
        put_photo(folder, "c.d")
        put_photo(folder, "é")
        (folder / "images" / "b.jpg").rename(folder / "images" / "b.png")
        strangers = ["", "a", "a.JPG", "a.txt", "b.Png", "c", "c.d.e.jpg", "ab.jpg", ".jpg"]
        for name in filter(None, strangers):
            (folder / "images" / name).write_bytes(b"")
        rule = "every file is the photo of an image"
        (finding,) = [item for item in verify(Dataset(folder)).findings if item.rule == rule]
        assert (finding.looked_at, finding.wrong) == (12, 8)
        assert set(finding.examples) < set(strangers)

    def test_a_name_that_is_no_text_is_told(self, tmp_path: Path) -> None:
        folder = good_folder(tmp_path / "set")
        try:
            Path(os.fsdecode(os.fsencode(folder / "images") + b"/\xff.jpg")).write_bytes(b"")
        except OSError:
            pytest.skip("this file system has text alone for names")
        assert flaws(verify(Dataset(folder))) == {"every file is the photo of an image": (1, ["\udcff.jpg"])}


class TestLedger:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        made = good_folder(tmp_path / "set")
        data = (made / "images" / "a.jpg").read_bytes()
        size, md5 = len(data), hashlib.md5(data).hexdigest()
        with Ledger(made / "ledger.sqlite") as ledger:
            ledger.want(Wanted(image, f"train/{image}.jpg") for image in "abcd")
            for image in "ab":
                ledger.record(Outcome(image, 1, size, md5, 36, 24))
            ledger.record(Outcome("d", 3, reason="404"))
        return made

    def test_one_that_agrees_is_good(self, folder: Path) -> None:
        verification = verify(Dataset(folder))
        assert flaws(verification) == {}
        assert [item.looked_at for item in verification.findings if item.subject == "ledger.sqlite"] == [2, 2]

    def test_a_photo_that_changed_and_kept_its_size_is_found(self, folder: Path) -> None:
        data = bytearray((folder / "images" / "b.jpg").read_bytes())
        data[-2:] = b"\0\0"
        put_photo(folder, "b", bytes(data))
        assert flaws(verify(Dataset(folder)))["photos are as they were fetched"] == (
            1, ["b: another MD5 than in the ledger; remove the photo and fetch again"],
        )  # fmt: skip

    def test_one_that_does_not_is_found(self, folder: Path) -> None:
        size = (folder / "images" / "a.jpg").stat().st_size
        (folder / "images" / "a.jpg").unlink()
        put_photo(folder, "b", photo(24, 36) + b" ")
        put_photo(folder, "d")
        found = flaws(verify(Dataset(folder)))
        assert found["what is done is there, in its size"] == (
            2, [f"a: {size} bytes in the ledger, no photo", f"b: {size} bytes in the ledger, {size + 1} there"],
        )  # fmt: skip
        assert found["what is not done is not there"] == (
            1, ["d: there, but not done in the ledger; fetch again to have it checked"],
        )  # fmt: skip


def test_only_the_first_examples_are_kept(tmp_path: Path) -> None:
    folder = good_folder(tmp_path / "set", boxes=tuple(box_row("a", CAT, (0, 0, 2 + number, 1)) for number in range(9)))
    count, examples = flaws(verify(Dataset(folder)))["boxes are inside their image"]
    assert (count, len(examples)) == (9, 5)
    assert any(line.strip() == "and 4 more" for line in verify(Dataset(folder)).lines())


@pytest.mark.skipif(not DATA.is_dir(), reason="the photo sets are not beside this checkout")
@pytest.mark.parametrize("name", ["eval-coco", "eval-voc", "eval-oi", "tiny", "tune-alpaca", "tune-doors", "tune-bccd"])
def test_nothing_is_wrong_with_the_photo_sets(name: str) -> None:
    assert flaws(verify(Dataset(DATA / name))) == {}
