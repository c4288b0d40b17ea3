"""The split that a path tells."""

import pytest

from boxable.formats.annotated.splits import split_of


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("train/a.jpg", "train"), ("images/val/a.jpg", "validation"), ("Valid/images/a.jpg", "validation"),
        ("obj_train_data/a.txt", "train"), ("TEST/x/a", "test"), ("train.jpg", ""), ("x/train", ""), ("trains/a", ""),
        ("test/train/a", "test"),
    ],
)  # fmt: skip
def test_a_folder_tells_the_split_and_the_file_does_not(path: str, split: str) -> None:
    assert split_of(path) == split
