from pathlib import Path

import pytest

from boxable.errors import ArgumentError
from boxable.images.image_ids import end_with_id, files_by_id, image_id


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("bus.jpg", "bus"),
        ("bus.PNG", "bus"),
        ("sub/bus.jpg", "sub__bus"),
        ("cam1/day2/0001.jpeg", "cam1__day2__0001"),
        (r"images\a.jpg", "a"),
        ("./images/train/a.jpg", "train__a"),
        ("train/images/a.jpg", "train__a"),
        ("Images/a.jpg", "a"),
        ("JPEGImages/2007_000027.jpg", "2007_000027"),
        ("a.b.jpg", "a.b"),
        ("frame.0001", "frame.0001"),
        ("v1.0/frame", "v1.0__frame"),
        ("images", "images"),
        ("/home/me/set/images/train/a.jpg", "train__a"),
        ("/home/me/a.jpg", "a"),
        (r"C:\sets\images\a.jpg", "a"),
        (r"C:\sets\a.jpg", "a"),
        ("https://example.org/a/b.jpg?size=8#x", "b"),
        ("s3://bucket/images/cam1/a.jpg", "cam1__a"),
        (".jpg", ".jpg"),
        (Path("sub") / "ß.jpg", "sub__ß"),
    ],
)
def test_an_id_is_the_path_below_the_image_folder_without_suffix(path, expected):
    assert image_id(path) == expected


@pytest.mark.parametrize(
    ("path", "wanted", "end"),
    [
        ("/in/images/cam1/0001.JPG", "cam1__0001", "cam1/0001.JPG"),
        ("/in/train/images/a.jpg", "train__a", "train/images/a.jpg"),
        ("in/images/a.jpg", "a", "a.jpg"),
        ("in/a.jpg", "b", None),
    ],
)
def test_the_end_of_a_path_leads_to_the_image_of_an_id(path: str, wanted: str, end: str | None) -> None:
    assert end_with_id(path, wanted) == end


def test_equal_ids_are_an_error_that_names_both_files():
    with pytest.raises(ArgumentError, match=r"bus\.jpg and bus\.png both have the image id 'bus'"):
        files_by_id((image_id(name), Path(name)) for name in ("bus.jpg", "bus.png"))


def test_one_file_may_be_found_twice():
    assert files_by_id([("a", Path("a.jpg")), ("a", Path("a.jpg"))]) == {"a": Path("a.jpg")}
