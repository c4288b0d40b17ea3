"""Checks of a data folder."""

import os
import shutil
import threading
from pathlib import Path

import pytest

from boxable.findings import Finding
from boxable.openimages import Dataset
from boxable.openimages.verification import Verification, verify
from tests.conftest import ROOT
from tests.openimages.checking import flaws, good_folder
from tests.openimages.folders import CAT, box_row

DATA = ROOT.parent / "shared" / "data"


def test_a_good_folder_is_good(tmp_path: Path) -> None:
    verification = verify(Dataset(good_folder(tmp_path / "set")))
    assert flaws(verification) == {}
    assert verification.good
    assert verification.complete
    assert all(item.total for item in verification.findings)


def test_an_index_with_another_content_is_made_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = good_folder(tmp_path / "set")
    Dataset(folder)
    (path,) = Path(os.environ["BOXABLE_HOME"]).rglob("images.arrow")
    sound = path.read_bytes()
    path.write_bytes(sound.replace((36).to_bytes(4, "little"), (37).to_bytes(4, "little")))
    verification = verify(Dataset(folder))
    assert verification.good
    assert path.read_bytes() == sound
    assert "damaged; rebuilding it" in caplog.text


def test_an_index_that_was_deleted_meanwhile_is_made_anew(tmp_path: Path) -> None:
    dataset = Dataset(good_folder(tmp_path / "set"))
    shutil.rmtree(dataset.index.folder)
    assert verify(dataset).good


def test_only_the_first_examples_are_kept(tmp_path: Path) -> None:
    folder = good_folder(tmp_path / "set", boxes=tuple(box_row("a", CAT, (0, 0, 2 + number, 1)) for number in range(9)))
    count, examples = flaws(verify(Dataset(folder)))["boxes are inside their image"]
    assert (count, len(examples)) == (9, 5)
    assert any(line.strip() == "and 4 more" for line in verify(Dataset(folder)).lines())


@pytest.mark.skipif(not DATA.is_dir(), reason="the photo sets are not beside this checkout")
@pytest.mark.parametrize("name", ["eval-coco", "eval-voc", "eval-oi", "tiny", "tune-alpaca", "tune-doors", "tune-bccd"])
def test_nothing_is_wrong_with_the_photo_sets(name: str) -> None:
    assert flaws(verify(Dataset(DATA / name))) == {}


def test_a_stop_ends_it_early(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    verification = verify(Dataset(good_folder(tmp_path / "set")), stop)
    assert not verification.complete
    assert list(verification.lines())[-1] == "stopped before the end"
    assert not any(item.total for item in verification.findings)


def test_json_has_the_documented_names() -> None:
    finding = Finding("boxes.csv", "flags are 0, 1 or -1", total=9)
    finding.add(1, 1, ["a: 7"])
    assert Verification([finding], complete=True).to_dict() == {
        "good": False,
        "complete": True,
        "findings": [
            {"subject": "boxes.csv", "rule": "flags are 0, 1 or -1", "looked_at": 10, "wrong": 1, "examples": ["a: 7"]}
        ],
    }
