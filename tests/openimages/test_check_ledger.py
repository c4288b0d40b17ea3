"""Checks of the ledger of a data folder."""

import hashlib
from pathlib import Path

import pytest

from boxable.openimages import Dataset
from boxable.openimages.fetch.ledger import Ledger, Outcome, Wanted
from boxable.openimages.verification import verify
from tests.openimages.checking import flaws, good_folder
from tests.openimages.folders import copy_image_file, photo


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
        assert [item.total for item in verification.findings if item.subject == "ledger.sqlite"] == [2, 2]

    def test_a_photo_that_changed_and_kept_its_size_is_found(self, folder: Path) -> None:
        data = bytearray((folder / "images" / "b.jpg").read_bytes())
        data[-2:] = b"\0\0"
        copy_image_file(folder, "b", bytes(data))
        assert flaws(verify(Dataset(folder)))["images are as they were fetched"] == (
            1, ["b: MD5 differs from the ledger; remove the image and fetch again"],
        )  # fmt: skip

    def test_one_that_does_not_is_found(self, folder: Path) -> None:
        size = (folder / "images" / "a.jpg").stat().st_size
        (folder / "images" / "a.jpg").unlink()
        copy_image_file(folder, "b", photo(24, 36) + b" ")
        copy_image_file(folder, "d")
        found = flaws(verify(Dataset(folder)))
        assert found["images that are done have a file of the noted size"] == (
            2, [f"a: {size} bytes in the ledger, no file", f"b: {size} bytes in the ledger, {size + 1} in the file"],
        )  # fmt: skip
        assert found["images that are not done have no file"] == (
            1, ["d: has a file, but is not done in the ledger; fetch again to check it"],
        )  # fmt: skip
