"""Where COCO files of others have their images."""

from pathlib import Path

import pytest

from boxable.formats.coco_images import find_named_images
from tests.formats.annotated.sets import PICTURE, write_files


def found(folder: Path, file: str, names: list[str], *images: str) -> dict[str, str]:
    write_files(folder, dict.fromkeys(images, PICTURE))
    files = find_named_images(folder / file, {str(number): name for number, name in enumerate(names)})
    return {names[int(key)]: path.relative_to(folder).as_posix() for key, path in files.items()}


@pytest.mark.parametrize(
    ("file", "name", "image"),
    [
        ("gt.json", "a.jpg", "a.jpg"),
        ("gt.json", "a.jpg", "images/a.jpg"),
        ("gt.json", "a.jpg", "JPEGImages/a.jpg"),
        ("gt.json", "a.jpg", "data/a.jpg"),
        ("gt.json", "images/a.jpg", "images/a.jpg"),
        ("gt.json", "images\\x\\a.jpg", "images/x/a.jpg"),
        ("gt.json", "./x/a.jpg", "images/x/a.jpg"),
        ("gt.json", "x/a.jpg", "x/a.jpg"),
        ("gt.json", "/home/me/set/images/x/a.jpg", "images/x/a.jpg"),
        ("gt.json", "C:\\set\\x\\a.jpg", "images/x/a.jpg"),
        ("gt.json", "../../media/upload/1/a.jpg", "images/a.jpg"),
        ("gt.json", "http://images.example/val2017/a.jpg", "images/a.jpg"),
        ("train/_annotations.coco.json", "a.jpg", "train/a.jpg"),
        ("annotations/instances_val2017.json", "a.jpg", "val2017/a.jpg"),
        ("annotations/instances_val2017.json", "a.jpg", "images/val2017/a.jpg"),
        ("annotations/instances_val2017.json", "val2017/a.jpg", "images/val2017/a.jpg"),
        ("annotations/instances_val2017.json", "a.jpg", "images/a.jpg"),
        ("annotations/instances_default.json", "a.jpg", "images/default/a.jpg"),
        ("annotations/instances_default.json", "a.jpg", "images/a.jpg"),
        ("Annotations/instances.json", "a.jpg", "Images/a.jpg"),
    ],
)
def test_an_image_is_found_where_tools_put_it(tmp_path: Path, file: str, name: str, image: str) -> None:
    write_files(tmp_path, {file: "{}"})
    assert found(tmp_path, file, [name], image) == {name: image}


def test_the_end_of_a_path_counts_only_if_it_is_of_one_image(tmp_path: Path) -> None:
    assert found(tmp_path, "gt.json", ["cam1/a.jpg", "cam2/a.jpg", "x/b.jpg"], "images/a.jpg", "images/b.jpg") == {
        "x/b.jpg": "images/b.jpg"
    }
    assert found(tmp_path, "gt.json", ["a.jpg", "cam2/a.jpg"], "images/a.jpg") == {"a.jpg": "images/a.jpg"}


@pytest.mark.parametrize("name", ["../secret.jpg", "..\\secret.jpg", "/etc/passwd", "\0.jpg", "x" * 5000, "", "."])
def test_no_name_leads_outside(tmp_path: Path, name: str) -> None:
    write_files(tmp_path, {"secret.jpg": PICTURE, "in/gt.json": "{}"})
    assert find_named_images(tmp_path / "in" / "gt.json", {"a": name}) == {}
