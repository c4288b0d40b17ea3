"""Names of annotated images."""

from pathlib import Path

import pytest

from boxable.batch.output_names import image_names, refuse_overwriting, require_ids_of_their_own, sources_outside
from boxable.errors import ArgumentError
from boxable.images.sources import Source
from boxable.run_folder import RunFolder
from tests.conftest import EXAMPLES

CAT = (EXAMPLES / "chelsea.png").read_bytes()


def named(*paths: str) -> list[str]:
    return image_names([Source.from_path(path) for path in paths])


def test_the_image_id_is_kept_and_an_unknown_format_becomes_jpeg() -> None:
    assert named("in/a.png", "in/b.TIF", "in/c.WebP", "in/d.e.jpg") == ["a.png", "b.jpg", "c.webp", "d.e.jpg"]


def test_an_image_of_a_folder_is_called_by_its_path_in_it(tmp_path: Path) -> None:
    for name in ("a.png", "x/a.png", "images/b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(CAT)
    sources = list(sources_outside([str(tmp_path)], None))
    assert sorted(image_names(sources)) == ["a.png", "b.png", "x__a.png"]
    require_ids_of_their_own(sources)


@pytest.mark.parametrize("names", [("a.png", "a.jpg"), ("x/a.png", "y/a.png"), ("a.png", "a.png")])
def test_two_images_of_one_id_are_an_error_that_names_both(names: tuple[str, str]) -> None:
    first, second = names
    says = f"{first} and {second} both have the image id 'a', which names results and files; rename one of them"
    if Path(first).parent != Path(second).parent:
        says += ", or give the folder that both are in"
    if first == second:
        says = "a.png is given twice; give it once"
    with pytest.raises(ArgumentError, match=rf"^{says}$"):
        require_ids_of_their_own([Source.from_path(name) for name in names])
    urls = [Source.from_url(f"http://example.com/{number}/a.jpg?x={number}") for number in range(2)]
    with pytest.raises(ArgumentError, match="the image id 'a'"):
        require_ids_of_their_own(urls)


def test_what_cannot_be_read_has_no_id() -> None:
    require_ids_of_their_own([Source("a", problem="no images"), Source("a", problem="no images")])


def test_results_of_an_earlier_run_are_not_searched_again(tmp_path: Path) -> None:
    (tmp_path / "found").mkdir()
    for name in ("a.png", "found/a.png", "found/own.png"):
        (tmp_path / name).write_bytes(CAT)
    RunFolder(tmp_path / "found").record(tmp_path / "found" / "a.png")

    def names(image: Path, folder: Path | None) -> list[str]:
        return [Path(source.name).relative_to(tmp_path).as_posix() for source in sources_outside([str(image)], folder)]

    assert names(tmp_path, tmp_path / "found") == ["a.png", "found/own.png"]
    assert names(tmp_path / "found", tmp_path / "found") == ["found/a.png", "found/own.png"]
    assert names(tmp_path, None) == ["a.png", "found/a.png", "found/own.png"]


def test_a_source_is_not_replaced_by_its_annotated_image(tmp_path: Path) -> None:
    source = Source.from_path(tmp_path / "a.png")
    refuse_overwriting([source], ["a.png"], tmp_path / "found")
    with pytest.raises(ArgumentError, match="an annotated image would replace"):
        refuse_overwriting([source], ["a.png"], tmp_path / "other" / "..")
    other = Source.from_path(tmp_path / "holiday" / "a.png")
    with pytest.raises(ArgumentError, match=r"an annotated image would replace .*holiday/a.png; choose another folder"):
        refuse_overwriting([source, other], ["a.png", "holiday__a.png"], tmp_path / "holiday")
