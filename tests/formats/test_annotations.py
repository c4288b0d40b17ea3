"""Annotations and predictions as columns."""

import numpy as np
import pytest

from boxable.formats.annotations import Annotations, Coded, ImageLabels, TruthBoxes, is_group_of, no_image_labels

IMAGES = ["b", "a", "b", "c"]


def boxes(images: list[str]) -> TruthBoxes:
    count = len(images)
    box = np.arange(4 * count, dtype=np.float64).reshape(-1, 4)
    flags = np.arange(count, dtype=np.int8) % 3 - 1
    area = np.arange(count, dtype=np.float64) * 10
    return TruthBoxes(Coded.of(images), Coded.of(f"label {i}" for i in range(count)), box, flags, flags > 0, area)


def labels(images: list[str]) -> ImageLabels:
    return ImageLabels(Coded.of(images), Coded.of("x" for _ in images), np.arange(len(images)) / 2)


@pytest.mark.parametrize("strings", [[], ["a"], IMAGES, ["", "a", ""]])
def test_a_coded_column_holds_the_strings_that_it_was_made_of(strings: list[str]) -> None:
    column = Coded.of(strings)
    assert (column.strings(), len(column)) == (strings, len(strings))
    assert column.codes.dtype == np.int32
    assert column.values == list(dict.fromkeys(strings))


def test_rows_are_taken_by_number_and_by_mask() -> None:
    column = Coded.of(IMAGES)
    assert column.take(np.array([3, 0, 0])).strings() == ["c", "b", "b"]
    assert column.take(np.array([False, True, False, True])).strings() == ["a", "c"]
    assert column.take(np.zeros(4, bool)).strings() == []


def test_only_the_values_of_some_row_are_used() -> None:
    assert sorted(Coded.of(IMAGES).take(np.array([0, 2])).used()) == ["b"]
    assert Coded.of(()).used() == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [({"b"}, [True, False, True, False]), (["a", "c", "x"], [False, True, False, True]), ([], [False] * 4)],
)
def test_a_column_tells_which_rows_hold_one_of_these(values: set[str], expected: list[bool]) -> None:
    assert Coded.of(IMAGES).is_in(values).tolist() == expected


def test_a_column_without_rows_holds_nothing() -> None:
    assert Coded.of(()).is_in({"a"}).tolist() == []


def test_taking_rows_keeps_the_columns_together() -> None:
    taken = boxes(IMAGES).take(np.array([3, 1]))
    assert (len(taken), taken.image.strings(), taken.label.strings()) == (2, ["c", "a"], ["label 3", "label 1"])
    assert taken.box.tolist() == [[12, 13, 14, 15], [4, 5, 6, 7]]
    assert (taken.group_of.tolist(), taken.difficult.tolist()) == ([-1, 0], [False, False])
    assert taken.area.tolist() == [30, 10]
    some = labels(IMAGES).take(np.array([True, False, False, True]))
    assert (some.image.strings(), some.confidence.tolist()) == (["b", "c"], [0, 1.5])


def test_images_are_those_with_a_box_or_an_image_label_in_order() -> None:
    assert Annotations(boxes(["b", "a", "b"]), labels(["c", "a"])).images == ["a", "b", "c"]
    assert Annotations(boxes(["b"]), no_image_labels(), sizes={"z": (1, 1)}).images == ["b"]
    assert Annotations(boxes([]), no_image_labels()).images == []


@pytest.mark.parametrize(
    ("ids", "order"),
    [({}, "abc"), ({"a": 10, "b": 9, "c": 11}, "bac"), ({"a": "9", "b": "10", "c": 7}, "cba")],
    ids=["none", "numbers", "strings"],
)
def test_images_are_in_the_order_of_cocos_ids_where_they_have_them(ids: dict[str, int | str], order: str) -> None:
    of_coco = Annotations(boxes(["c", "a"]), no_image_labels(), sizes={"b": (1, 1)}, coco_ids=ids)
    assert of_coco.images_by_coco_id == list(order)
    assert of_coco.listed_images == list("abc")
    assert of_coco.of_images({"a", "b"}).images_by_coco_id == [image for image in order if image != "c"]


def test_annotations_of_some_images_say_nothing_of_the_others() -> None:
    whole = Annotations(boxes(IMAGES), labels(["c", "d"]), sizes={"a": (1, 2), "c": (3, 4)})
    some = whole.of_images({"c", "b"})
    assert (some.boxes.image.strings(), some.image_labels.image.strings()) == (["b", "b", "c"], ["c"])
    assert (some.sizes, some.images) == ({"c": (3, 4)}, ["b", "c"])
    assert whole.images == ["a", "b", "c", "d"]
    assert whole.of_images(()).images == []


def test_an_unknown_group_of_flag_is_a_group_only_where_asked() -> None:
    flags = np.array([-1, 0, 1], np.int8)
    assert is_group_of(flags).tolist() == [False, False, True]
    assert is_group_of(flags, unknown=True).tolist() == [True, False, True]
