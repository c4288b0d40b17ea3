"""The published names of the classes."""

from pathlib import Path

import pytest

from boxable.errors import ArgumentError
from boxable.openimages.fetch.class_names import read_class_names, write_class_names


@pytest.mark.parametrize("header", ["", "LabelName,DisplayName\n"])
def test_names_are_read_with_and_without_a_header(header: str, tmp_path: Path) -> None:
    path = tmp_path / "classes.csv"
    path.write_text(header + '/m/01yrx,Cat\r\n/m/0b_rs,"Hat, of straw"\r\n')
    assert read_class_names(path) == {"/m/01yrx": "Cat", "/m/0b_rs": "Hat, of straw"}


@pytest.mark.parametrize("content", [b"", b"a,b,c\n", b"\xff\xfe\xff"])
def test_a_file_without_names_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "classes.csv"
    path.write_bytes(content)
    with pytest.raises(ArgumentError, match=r"classes\.csv: "):
        read_class_names(path)


@pytest.mark.parametrize(("mids", "kept"), [(None, ["b", "a"]), ({"a"}, ["a"])])
def test_the_written_names_can_be_read(mids: set[str] | None, kept: list[str], tmp_path: Path) -> None:
    write_class_names(tmp_path / "classes.csv", {"b": "Bee", "a": "Ant, red"}, mids)
    assert list(read_class_names(tmp_path / "classes.csv")) == kept
