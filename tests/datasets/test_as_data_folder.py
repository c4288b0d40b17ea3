"""A set of any format as a data folder."""

import shutil
from pathlib import Path

import pytest

from boxable.datasets.as_data_folder import as_data_folder
from boxable.datasets.dataset import Dataset
from boxable.datasets.ground_truth import open_ground_truth
from boxable.openimages.convert_set import convert
from boxable.openimages.split import split
from tests.openimages.made import box, write_set


def test_a_data_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    source = write_set(tmp_path / "set", [box("a")])
    with as_data_folder(source) as (folder, made_of):
        assert (folder, made_of) == (source, None)


@pytest.mark.parametrize("beside", [False, True])
def test_another_set_is_a_temporary_one_that_leaves_nothing(tmp_path: Path, beside: bool) -> None:
    convert(write_set(tmp_path / "set", [box("a"), box("b", "user/strange")]), tmp_path / "c.json", "coco")
    shutil.copytree(tmp_path / "set" / "images", tmp_path / "images")
    with as_data_folder(tmp_path / "c.json", tmp_path / "out" if beside else None) as (folder, made_of):
        dataset = Dataset(folder)
        assert [dataset.image_id(number) for number in range(len(dataset))] == ["a", "b"]
        assert (folder / "images" / "a.jpg").readlink() == tmp_path / "images" / "a.jpg"
        assert made_of is not None
        assert ((tmp_path / "out") in folder.parents) == beside
    assert not folder.exists()
    assert not list((tmp_path / "home" / "data").iterdir())


def test_what_is_split_outlives_the_temporary_images(tmp_path: Path) -> None:
    convert(write_set(tmp_path / "set", [box("a"), box("b")]), tmp_path / "t", "tfrecord", shards=1)
    with as_data_folder(tmp_path / "t", tmp_path / "out") as (folder, _):
        split(folder, tmp_path / "out", 2)
    found = [path for part in ("train", "validation") for path in (tmp_path / "out" / part / "images").iterdir()]
    assert sorted(path.name for path in found) == ["a.jpg", "b.jpg"]
    assert all(path.read_bytes().startswith(b"\xff\xd8") for path in found)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["train", "validation"]


def test_of_one_table_it_has_the_name_and_the_images(tmp_path: Path) -> None:
    source = write_set(tmp_path / "set", [box("a")])
    with (
        as_data_folder(source / "annotations-bbox.csv") as (folder, _),
        open_ground_truth(folder) as found,
    ):
        assert folder.name == "annotations-bbox.csv"
        assert [*found.files] == ["a"]
