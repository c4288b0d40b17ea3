"""Checks of the image files of a data folder."""

import os
from pathlib import Path

import pytest

from boxable.errors import ArgumentError
from boxable.openimages import Dataset, check_images
from boxable.openimages.convert_set import convert
from boxable.openimages.verification import verify
from tests.openimages.checking import flaws, good_folder
from tests.openimages.folders import box_row, copy_image_file, photo, write_folder


class TestImages:
    def test_missing_damaged_and_strange_ones_are_found(self, tmp_path: Path) -> None:
        folder = good_folder(tmp_path / "set", images=("c,36,24,0", "d,36,24,0", "../e,36,24,0"))
        copy_image_file(folder, "d", photo()[:300])
        copy_image_file(folder, "stranger")
        (folder / "images" / "a.txt").write_text("")
        found = flaws(verify(Dataset(folder)))
        assert found["every image has its file"] == (
            2, ["../e: '../e': expected an image id that is a file name", "c: missing"],
        )  # fmt: skip
        assert found["every image can be decoded"][0] == 1
        assert found["every image can be decoded"][1][0].startswith("d: damaged")
        count, examples = found["every file is the image of an id in the tables"]
        assert (count, sorted(examples)) == (2, ["a.txt", "stranger.jpg"])

    @pytest.mark.parametrize(("orientation", "rotation"), [(8, "90"), (3, "180"), (6, "270"), (1, "90"), (6, "")])
    def test_an_orientation_that_says_what_rotation_says_is_right(
        self, tmp_path: Path, orientation: int, rotation: str
    ) -> None:
        folder = good_folder(tmp_path / "set", images=(f"c,36,24,{rotation}",))
        copy_image_file(folder, "c", photo(orientation=orientation))
        assert flaws(verify(Dataset(folder))) == {}

    @pytest.mark.parametrize(("orientation", "rotation"), [(8, "0"), (6, "90"), (2, "0"), (5, "270")])
    def test_an_orientation_that_says_something_else_is_found(
        self, tmp_path: Path, orientation: int, rotation: str
    ) -> None:
        folder = good_folder(tmp_path / "set", images=(f"c,36,24,{rotation}",))
        copy_image_file(folder, "c", photo(orientation=orientation))
        assert flaws(verify(Dataset(folder))) == {
            "the EXIF orientation of an image agrees with Rotation": (
                1, [f"c: EXIF orientation {orientation}, Rotation {rotation}"],
            )
        }  # fmt: skip

    def test_a_folder_of_tables_alone_lacks_its_photos(self, tmp_path: Path) -> None:
        verification = verify(Dataset(write_folder(tmp_path / "set", [box_row("a")])))
        assert flaws(verification) == {"every image has its file": (1, ["a: missing"])}

    def test_a_second_photo_of_an_image_is_found(self, tmp_path: Path) -> None:
        folder = good_folder(tmp_path / "set")
        (folder / "images" / "a.png").write_bytes((folder / "images" / "a.jpg").read_bytes())
        assert flaws(verify(Dataset(folder))) == {"every file is the image of an id in the tables": (1, ["a.png"])}
        with pytest.raises(ArgumentError, match=r"a\.jpg and .*a\.png both have the image id 'a'"):
            convert(folder, tmp_path / "yolo", "yolo")

    def test_images_beside_the_tables_and_in_folders_are_those_of_the_tables(self, tmp_path: Path) -> None:
        folder = good_folder(tmp_path / "set")
        (folder / "cam").mkdir()
        (folder / "images" / "a.jpg").rename(folder / "a.jpg")
        (folder / "images" / "b.jpg").rename(folder / "cam" / "b.jpg")
        (folder / "images").rmdir()
        assert flaws(verify(Dataset(folder))) == {}
        (folder / "cam" / "c.jpg").touch()
        assert flaws(verify(Dataset(folder))) == {"every file is the image of an id in the tables": (1, ["cam/c.jpg"])}

    def test_photos_may_be_of_other_kinds(self, tmp_path: Path) -> None:
        folder = good_folder(tmp_path / "set")
        (folder / "images" / "a.jpg").rename(folder / "images" / "a.JPG")
        assert flaws(verify(Dataset(folder))) == {}

    @pytest.mark.parametrize("at_once", [1, 2, 100])
    def test_files_are_told_apart_however_many_are_looked_at_together(
        self, tmp_path: Path, at_once: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(check_images, "_NAMES_AT_ONCE", at_once)
        folder = good_folder(tmp_path / "set", images=("c.d,36,24,0", "é,36,24,0"))
        copy_image_file(folder, "c.d")
        copy_image_file(folder, "é")
        (folder / "images" / "b.jpg").rename(folder / "images" / "b.png")
        strangers = ["", "a", "a.JPG", "a.txt", "b.Png", "c", "c.d.e.jpg", "ab.jpg"]
        for name in filter(None, strangers):
            (folder / "images" / name).write_bytes(b"")
        rule = "every file is the image of an id in the tables"
        (finding,) = [item for item in verify(Dataset(folder)).findings if item.text == rule]
        assert (finding.total, finding.count) == (11, 7)
        assert set(finding.examples) < set(strangers)

    def test_a_name_that_is_no_text_is_told(self, tmp_path: Path) -> None:
        folder = good_folder(tmp_path / "set")
        try:
            Path(os.fsdecode(os.fsencode(folder / "images") + b"/\xff.jpg")).write_bytes(b"")
        except OSError:
            pytest.skip("this file system has text alone for names")
        assert flaws(verify(Dataset(folder))) == {"every file is the image of an id in the tables": (1, ["\udcff.jpg"])}
