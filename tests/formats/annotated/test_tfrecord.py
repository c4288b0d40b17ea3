"""TFRecord sets: their files by size or by number, and names of images in them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from boxable.errors import ArgumentError
from boxable.formats.annotated import tfrecord
from boxable.formats.annotated.image import AnnotatedImage, AnnotatedSet
from boxable.formats.annotated.tfrecord_framing import BYTES, Feature, example, write_record
from boxable.vocabulary import ClassList
from tests.formats.annotated.sets import PICTURE, by_id, write_files

IDS = [f"i{number}" for number in range(5)]


def annotated_set() -> AnnotatedSet:
    def images() -> Iterator[AnnotatedImage]:
        for name in IDS:
            yield AnnotatedImage(name, ["/m/01yrx"], np.array([[0.25, 0.25, 0.75, 0.75]]), file=PICTURE)

    return AnnotatedSet(ClassList.from_names(["Cat"]), images())


@pytest.mark.parametrize(
    ("name", "shards", "names"),
    [
        ("x.tfrecord", None, ["x.tfrecord"]),
        ("x.record", 1, ["x.record"]),
        ("x", None, ["x-00000-of-00001"]),
        ("x.tfrecord", 2, ["x.tfrecord-00000-of-00002", "x.tfrecord-00001-of-00002"]),
    ],
)
def test_output_is_called_as_requested(tmp_path: Path, name: str, shards: int | None, names: list[str]) -> None:
    written = tfrecord.write(annotated_set(), tmp_path / name, shards)
    assert [path.name for path in written] == sorted(path.name for path in tmp_path.iterdir()) == names
    found = tfrecord.find_shards(tmp_path / name)
    assert found == tfrecord.find_shards(tmp_path) == written
    assert sorted(by_id(tfrecord.read(found))) == IDS


def test_a_shard_is_closed_at_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfrecord, "_SHARD_BYTES", int(2.5 * len(PICTURE)) + 1000)
    written = tfrecord.write(annotated_set(), tmp_path / "x.tfrecord")
    assert [path.name for path in written] == [f"x.tfrecord-0000{number}-of-00003" for number in range(3)]
    assert list(by_id(tfrecord.read(written))) == IDS
    monkeypatch.setattr(tfrecord, "_SHARD_BYTES", 1)  # an image that is larger has a file of its own
    assert len(tfrecord.write(annotated_set(), tmp_path / "y.tfrecord")) == len(IDS)


@pytest.mark.parametrize(
    ("features", "name"),
    [
        ({"image/source_id": b"x.y", "image/filename": b"a.jpg"}, "x.y"),
        ({"image/source_id": b"a.jpg", "image/filename": b"a.jpg"}, "a"),
        ({"image/filename": b"cam1/a.jpg"}, "cam1__a"),
        ({"image/filename": b"C:\\\\images\\\\b\\\\a.jpg"}, "b__a"),
    ],
)
def test_an_id_is_the_one_of_the_source_else_the_path(tmp_path: Path, features: dict[str, bytes], name: str) -> None:
    content: dict[str, Feature] = {key: (BYTES, [value]) for key, value in features.items()}
    with (tmp_path / "a.tfrecord").open("wb") as file:
        write_record(file, example(content))
    assert list(by_id(tfrecord.read([tmp_path / "a.tfrecord"]))) == [name]


def test_files_of_two_sets_in_a_folder_are_an_error_and_clutter_is_none(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.tfrecord": "", "._a.tfrecord": "", "._t-00000-of-00002": ""})
    assert tfrecord.find_shards(tmp_path) == [tmp_path / "a.tfrecord"]
    write_files(tmp_path, {"b.tfrecord": ""})
    with pytest.raises(ArgumentError, match=r"a\.tfrecord and b\.tfrecord are TFRecord files; expected one"):
        tfrecord.find_shards(tmp_path)
