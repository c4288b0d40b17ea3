"""The image files of a data folder."""

from pathlib import Path

import pytest

from boxable.datasets.layout import DataFolder
from boxable.datasets.read_image import image_path, read_image
from boxable.errors import ImageError
from tests.openimages.folders import copy_image_file, photo


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path, None, None, None, None)


@pytest.mark.parametrize("name", ["a.jpg", "a.JPG", "a.png", "a.webp"])
def test_the_suffix_of_an_image_is_found(folder: DataFolder, name: str) -> None:
    (folder.path / "images").mkdir()
    (folder.path / "images" / name).touch()
    assert image_path(folder, "a").samefile(folder.path / "images" / name)


def test_a_missing_image_would_be_a_jpg(folder: DataFolder) -> None:
    assert image_path(folder, "a") == folder.path / "a.jpg"
    with pytest.raises(ImageError, match=r"a\.jpg: no such image"):
        read_image(folder, "a", as_stored=False)


@pytest.mark.parametrize("place", ["", "images", "data", "JPEGImages", "jpegimages", "validation"])
def test_images_are_in_a_folder_of_a_known_name_or_below_the_folder_itself(folder: DataFolder, place: str) -> None:
    (folder.path / place / "cam1").mkdir(parents=True)
    for name in ("a.png", "cam1/0001.jpg", "cam1/c.jpg"):
        (folder.path / place / name).touch()
    assert image_path(folder, "a") == folder.path / place / "a.png"
    prefix = "validation__" if place == "validation" else ""
    assert image_path(folder, f"{prefix}cam1__0001") == folder.path / place / "cam1" / "0001.jpg"
    assert image_path(folder, "c") == folder.path / place / "cam1" / "c.jpg"


def test_a_name_that_two_files_have_is_none(folder: DataFolder) -> None:
    for name in ("cam1", "cam2"):
        (folder.path / "images" / name).mkdir(parents=True)
        (folder.path / "images" / name / "a.jpg").touch()
    assert folder.image_files.find("a") is None
    assert folder.image_files.find("cam1__a") == folder.path / "images" / "cam1" / "a.jpg"


@pytest.mark.parametrize("image", ["../secret", "..", ".", "a/b", "a\\b", "a\0b", ""])
def test_an_id_that_is_not_a_file_name_is_refused(folder: DataFolder, image: str) -> None:
    with pytest.raises(ImageError, match="expected an image id that is a file name"):
        image_path(folder, image)


def test_the_orientation_in_the_file_applies_unless_the_image_is_read_as_stored(folder: DataFolder) -> None:
    copy_image_file(folder.path, "a", photo(24, 36, orientation=6))
    assert read_image(folder, "a", as_stored=True).shape == (24, 36, 3)
    assert read_image(folder, "a", as_stored=False).shape == (36, 24, 3)


def test_an_image_that_cannot_be_opened_is_told(folder: DataFolder) -> None:
    (folder.path / "images" / "a.jpg").mkdir(parents=True)
    with pytest.raises(ImageError, match=r"a\.jpg: cannot read it"):
        read_image(folder, "a", as_stored=False)
