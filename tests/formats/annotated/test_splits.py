"""The split that a path or the name of a file tells."""

import pytest

from boxable.formats.annotated.splits import in_order, split_of, split_of_stem


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


@pytest.mark.parametrize(
    ("stem", "split"),
    [
        ("instances_val2017", "validation"), ("train_labels", "train"), ("_annotations_TEST", "test"),
        ("valid", "validation"),
        ("trains", ""), ("captions", ""), ("val1", ""),
    ],
)  # fmt: skip
def test_the_name_of_a_file_of_annotations_tells_the_split(stem: str, split: str) -> None:
    assert split_of_stem(stem) == split


def test_splits_are_in_the_order_of_open_images() -> None:
    assert in_order(["test", "", "train", "test"]) == ("train", "test")
