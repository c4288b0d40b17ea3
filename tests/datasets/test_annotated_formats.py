"""One table knows every format of annotated images, and recognizes it by the names of files."""

from pathlib import Path

import pytest

from boxable.cli.data.convert import convert as command
from boxable.datasets.annotated_formats import FORMATS, format_of, open_set
from boxable.errors import ArgumentError
from boxable.openimages.convert_set import convert
from tests.openimages.made import CAT, box, write_set

WRITTEN = [name for name, known in FORMATS.items() if known.write]


def test_the_command_writes_each_format_that_can_be_written() -> None:
    (option,) = [option for option in command.params if option.name == "to"]
    assert sorted(option.type.choices) == sorted(WRITTEN)


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_is_recognized(tmp_path: Path, name: str) -> None:
    source = write_set(tmp_path / "set", [box("a", CAT)])
    dest = tmp_path / "made.json" if FORMATS[name].makes == "file" else tmp_path / "made"
    convert(source, dest, name, shards=2)
    assert FORMATS[format_of(dest)].read == FORMATS[name].read
    assert [image.image_id for image in open_set(dest).images] == ["a"]


def test_the_error_for_another_path_lists_the_formats(tmp_path: Path) -> None:
    (tmp_path / "a.docx").touch()
    for path, what in (
        (tmp_path, "no annotations in this folder"), (tmp_path / "a.docx", "a file of no known format"),
    ):  # fmt: skip
        with pytest.raises(ArgumentError, match=rf"{path}: {what}.*; expected .*YOLO.*COCO"):
            open_set(path)
    with pytest.raises(ArgumentError, match=r"b: no such file or folder$"):
        open_set(tmp_path / "b")
