"""Names of annotated images."""

from pathlib import Path

import pytest

from boxable.batch.output_names import image_names, refuse_overwriting, sources_outside
from boxable.errors import ArgumentError
from boxable.images.sources import Source
from tests.conftest import EXAMPLES

CAT = (EXAMPLES / "chelsea.png").read_bytes()


def named(*paths: str) -> list[str]:
    return [name.as_posix() for name in image_names([Source.from_path(path) for path in paths])]


def test_the_stem_is_kept_and_an_unknown_format_becomes_jpeg() -> None:
    assert named("in/a.png", "in/b.TIF", "in/c.WebP") == ["a.png", "b.jpg", "c.webp"]


def test_equal_stems_keep_their_path_below_the_common_folder() -> None:
    assert named("in/x/a.png", "in/y/a.png", "in/y/b.png") == ["x/a.png", "y/a.png", "b.png"]


def test_names_that_differ_only_in_their_suffix_are_numbered() -> None:
    assert named("in/a.png", "in/a.jpg", "in/a.webp") == ["a.png", "a-2.jpg", "a-3.webp"]
    urls = [Source.from_url(f"http://example.com/{number}/a.jpg") for number in range(2)]
    assert image_names(urls) == [Path("a.jpg"), Path("a-2.jpg")]


def test_results_of_an_earlier_run_are_not_searched_again(tmp_path: Path) -> None:
    (tmp_path / "found").mkdir()
    for name in ("a.png", "found/a.png"):
        (tmp_path / name).write_bytes(CAT)

    def names(image: Path, folder: Path | None) -> list[str]:
        return [Path(source.name).relative_to(tmp_path).as_posix() for source in sources_outside([str(image)], folder)]

    assert names(tmp_path, tmp_path / "found") == ["a.png"]
    assert names(tmp_path / "found", tmp_path / "found") == ["found/a.png"]
    assert names(tmp_path, None) == ["a.png", "found/a.png"]


def test_a_source_is_not_replaced_by_its_annotated_image(tmp_path: Path) -> None:
    source = Source.from_path(tmp_path / "a.png")
    refuse_overwriting([source], [Path("a.png")], tmp_path / "found")
    with pytest.raises(ArgumentError, match="the annotated image would replace"):
        refuse_overwriting([source], [Path("a.png")], tmp_path / "other" / "..")
