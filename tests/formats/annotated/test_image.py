"""Annotated images, and what is dropped from a set."""

from collections.abc import Sequence

import numpy as np
import pytest

from boxable.errors import ArgumentError
from boxable.formats.annotated.image import AnnotatedImage, AnnotatedSet, pixels
from boxable.vocabulary import ClassList

INSIDE, EXCHANGED, NAN, FAR = [0.1, 0.1, 0.2, 0.2], [0.2, 0.1, 0.1, 0.2], [np.nan, 0, 1, 1], [0, 0, 1, 1e31]


def image(image_id: str, boxes: Sequence[Sequence[float]], labels: Sequence[str]) -> AnnotatedImage:
    flags = {"IsGroupOf": np.arange(len(boxes), dtype=np.int8)}
    return AnnotatedImage(image_id, list(labels), np.array(boxes, float).reshape(-1, 4), flags, [("other", 1.0)])


def annotated_set(*images: AnnotatedImage) -> AnnotatedSet:
    return AnnotatedSet(ClassList.from_mids([("cat", "Cat")]), iter(images))


@pytest.mark.parametrize(("side", "expected"), [(1, 1), (7.9, 7), (0.5, 0), (-3, 0), (1e9, 0), (float("nan"), 0)])
def test_an_impossible_side_is_unknown(side: float, expected: int) -> None:
    assert pixels(side) == expected


def test_unusable_boxes_are_dropped_with_their_flags_and_counted() -> None:
    boxes = [EXCHANGED, NAN, FAR, INSIDE, INSIDE]
    images = annotated_set(image("a", boxes, ["cat", "cat", "cat", "dog", "cat"]))
    (sound,) = images.sound()
    assert (sound.labels, sound.box.tolist(), sound.flags["IsGroupOf"].tolist()) == (["cat"], [INSIDE], [4])
    assert sound.image_labels == []
    assert images.notes() == [
        "1 box of a class that the set does not name (dog): dropped",
        "1 image label of a class that the set does not name: dropped",
        "3 boxes without numbers, or with exchanged sides (a): dropped",
    ]


def test_only_what_is_wrong_in_any_format_is_a_flaw() -> None:
    images = annotated_set(image("a", [EXCHANGED, INSIDE], ["cat", "cat"]))
    images.count("score|s", 2, effect="kept")
    list(images.sound())
    assert "2 scores: kept" in images.notes()
    assert sorted(images.notes("warning")) == [
        "1 box without numbers, or with exchanged sides (a): dropped",
        "1 image label of a class that the set does not name: dropped",
    ]


def test_a_set_without_usable_boxes_is_an_error_and_one_without_boxes_is_not() -> None:
    with pytest.raises(ArgumentError, match="none of its 1 box"):
        list(annotated_set(image("a", [EXCHANGED], ["cat"])).sound())
    assert len(list(annotated_set(image("a", [], [])).sound())) == 1


def test_two_images_of_one_name_are_an_error() -> None:
    with pytest.raises(ArgumentError, match="two images are called 'a'"):
        list(annotated_set(image("a", [], []), image("a", [], [])).sound())


def test_a_note_has_three_different_examples() -> None:
    images = annotated_set()
    images.count("box|es", 5, ["a", "a", "b", "c", "d"])
    images.count("nothing|s", 0, ["a"])
    assert images.notes() == ["5 boxes (a, b, c): dropped"]
