"""TFRecord files and the Examples in them, whole and damaged."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxable.errors import ArgumentError
from boxable.formats.annotated.tfrecord import find_shards, shard_of, shard_paths
from boxable.formats.annotated.tfrecord_framing import (
    BYTES,
    FLOATS,
    INTEGERS,
    example,
    parse_example,
    read_records,
    write_record,
)


def write(path: Path, *records: bytes) -> Path:
    with path.open("wb") as file:
        for data in records:
            write_record(file, data)
    return path


def test_the_bytes_of_a_record_are_those_of_tensorflow(tmp_path: Path) -> None:
    # Written by tf.io.TFRecordWriter.
    expected = bytes.fromhex("0300000000000000b099490e6162636e57f121")
    written = write(tmp_path / "a.tfrecord", b"abc").read_bytes()
    assert written == expected


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_records_are_read_as_they_were_written(tmp_path_factory: pytest.TempPathFactory, records: list[bytes]) -> None:
    assert list(read_records(write(tmp_path_factory.mktemp("records") / "a", *records))) == records


@pytest.mark.parametrize("place", [0, 8, 13, -1])
def test_one_flipped_bit_is_found(tmp_path: Path, place: int) -> None:
    path = write(tmp_path / "a.tfrecord", b"first", b"second")
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(data)
    with pytest.raises(ArgumentError, match=r"a\.tfrecord: record [01] is damaged"):
        list(read_records(path))


@pytest.mark.parametrize(("left", "says"), [(5, "record 0 is damaged"), (14, "truncated"), (24, "record 1 is damaged")])
def test_a_file_that_is_cut_is_found(tmp_path: Path, left: int, says: str) -> None:
    path = write(tmp_path / "a.tfrecord", b"first", b"second")
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(ArgumentError, match=says):
        list(read_records(path))


def test_features_come_back_even_where_they_are_empty() -> None:
    features = {"a": (BYTES, [b"x", b""]), "b": (FLOATS, [0.5, -1.0]), "c": (INTEGERS, [-1, 2**40]), "d": (FLOATS, [])}
    found = parse_example(example(features), "test")
    assert {name: list(values) for name, values in found.items()} == {name: v for name, (_, v) in features.items()}


def test_what_is_no_example_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"^here: expected a tf\.train\.Example"):
        parse_example(b"\xff\xff\xff", "here")


@pytest.mark.parametrize(
    ("image_id", "shard"), [("000026e7ee790996", 0x26E7EE790996 % 7), ("FF", 255 % 7), ("photo", 0x14B78418 % 7)]
)
def test_an_image_is_in_the_shard_of_its_number_or_checksum(image_id: str, shard: int) -> None:
    assert shard_of(image_id, 7) == shard


def test_shards_are_found_by_prefix_folder_or_one_by_one(tmp_path: Path) -> None:
    paths = shard_paths(tmp_path / "train", 3)
    for path in paths:
        write(path)
    assert [path.name for path in paths] == [f"train-0000{number}-of-00003" for number in range(3)]
    assert find_shards(tmp_path / "train") == find_shards(tmp_path) == paths
    assert find_shards(paths[1]) == [paths[1]]
    assert find_shards(tmp_path / "test") == []
    paths[1].unlink()
    with pytest.raises(ArgumentError, match="1 of 3 shards are missing, such as train-00001-of-00003"):
        find_shards(tmp_path / "train")
