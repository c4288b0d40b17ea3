"""The classes of the trained model."""

from pathlib import Path

import pytest

from boxable.errors import ArgumentError
from boxable.training.data import open_training_data
from boxable.training.result_classes import label_columns, result_classes
from boxable.vocabulary import ClassList
from tests.openimages.made import CAT, DOG, box, write_csv
from tests.training.sets import BOXES, TRAIN, VALIDATION, training_set

CLASSES = [("user/yeti", "Yeti"), (DOG, "Dog"), ("user/gnu", "Gnu"), (CAT, "Cat"), ("user/elf", "Elf")]
MODEL = ClassList.from_mids([(CAT, ""), ("user/troll", "Troll")])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    rows = [*BOXES, box(VALIDATION[0], "user/gnu"), box(TRAIN[0], "user/yeti"), box(TRAIN[0], "user/elf")]
    source = training_set(tmp_path / "set", rows)
    write_csv(source / "classes.csv", ("LabelName", "DisplayName"), CLASSES)
    return source


def rows_of(classes: ClassList) -> list[tuple[int, str]]:
    return [(item.label_id, item.mid) for item in classes]


def test_the_classes_with_boxes_to_train_on_are_learned_in_the_order_of_the_set(path: Path) -> None:
    with open_training_data(path) as data:
        assert rows_of(result_classes(data, MODEL, keep=False)) == [
            (1001, "user/yeti"), (446, DOG), (122, CAT), (1003, "user/elf")
        ]  # fmt: skip


def test_what_is_kept_comes_first_and_new_ids_are_free_ones(path: Path) -> None:
    with open_training_data(path) as data:
        kept = result_classes(data, MODEL, keep=True)
        assert rows_of(kept) == [
            (122, CAT), (1001, "user/troll"), (1002, "user/yeti"), (446, DOG), (1003, "user/elf"),
        ]  # fmt: skip
        with pytest.raises(ArgumentError, match=r"it has all of the set already \(Yeti, Dog, Cat"):
            result_classes(data, kept, keep=True)


def test_a_new_class_must_not_be_called_like_another(path: Path) -> None:
    model = ClassList.numbered([("user/dwarf", "yeti")])
    with open_training_data(path) as data, pytest.raises(ArgumentError, match="not the same, but two classes have the"):
        result_classes(data, model, keep=True)


def test_columns_are_found_by_mid_whatever_the_label_ids(path: Path) -> None:
    with open_training_data(path) as data:
        result = result_classes(data, MODEL, keep=True)
        columns = label_columns(data.classes, result)
        ids = {item.mid: item.label_id for item in data.classes}
        assert ids["user/yeti"] == 1001  # of another class in the model
        assert {mid: int(columns[number]) for mid, number in ids.items()} == {
            "user/yeti": 2, DOG: 3, "user/gnu": -1, CAT: 0, "user/elf": 4,
        }  # fmt: skip
        assert columns[0] == -1
