"""What takes part, what was dropped and why, and which classes count."""

from math import inf, nan

import pytest

from boxable.errors import ArgumentError
from boxable.evaluation.evaluate import Evaluation
from boxable.evaluation.problem import known_classes
from boxable.evaluation.protocols import protocol_named
from boxable.vocabulary import ClassList, open_images
from tests.evaluation.made import ABC, ANIMAL, DOG, A, B, C, Found, Seen, Truth, aps, evaluated, figures

HERE, THERE = (0, 0, 0.5, 0.5), (0.5, 0.5, 1, 1)
BOXES = [Truth("i", A, HERE), Truth("j", A, HERE)]
FOUND = [Found("i", A, 0.9, HERE), Found("j", A, 0.8, HERE)]
STRICT = r"^strict: "
NO_AREA = "1 predicted box without an area or with the maximum below the minimum (i): dropped"
FLAT, INVERTED, OUTSIDE = (0, 0, 0, 0.5), (0.5, 0, 0, 0.5), (-0.5, 0, 0.5, 0.5)


def notes(evaluation: Evaluation) -> list[str]:
    return [str(note) for note in evaluation.notes]


def test_sound_data_have_no_notes() -> None:
    assert notes(evaluated(BOXES, FOUND, strict=True)) == []


@pytest.mark.parametrize(
    ("extra", "note"),
    [
        (Truth("i", "/m/zzz", HERE), "1 ground-truth box of an unknown class (/m/zzz): dropped"),
        (Truth("", A, HERE), "1 ground-truth box without an image id (): dropped"),
        (Truth("i", A, (nan, 0, 1, 1)), "1 ground-truth box with a coordinate that is no number (i): dropped"),
        (Truth("i", A, (0, 0, inf, 1)), "1 ground-truth box with a coordinate that is no number (i): dropped"),
        (Truth("i", A, INVERTED), "1 ground-truth box with the maximum below the minimum (i): dropped"),
        (Found("i", "/m/zzz", 0.95, HERE), "1 prediction of an unknown class (/m/zzz): dropped"),
        (Found("i", A, nan, THERE), "1 prediction with a score that is no number (i): dropped"),
        (Found("i", A, inf, THERE), "1 prediction with a score that is no number (i): dropped"),
        (Found("i", A, -inf, THERE), "1 prediction with a score that is no number (i): dropped"),
        (Found("i", A, 0.95, (0, nan, 1, 1)), "1 prediction with a coordinate that is no number (i): dropped"),
        (Found("i", A, 0.95, FLAT), NO_AREA),
        (Found("i", A, 0.95, INVERTED), NO_AREA),
        (Found("k", A, 0.95, HERE), "1 prediction for images without ground truth (k): dropped"),
        (Seen("i", "/m/zzz"), "1 image label of an unknown class or image (/m/zzz): dropped"),
        (Seen("", A), f"1 image label of an unknown class or image ({A}): dropped"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_take_part_is_dropped_with_a_note_and_changes_nothing(
    extra: Truth | Found | Seen, note: str
) -> None:
    boxes = [*BOXES, *(row for row in [extra] if isinstance(row, Truth))]
    found = [*FOUND, *(row for row in [extra] if isinstance(row, Found))]
    labels = [row for row in [extra] if isinstance(row, Seen)]
    evaluation = evaluated(boxes, found, labels=labels)
    assert notes(evaluation) == [note]
    assert evaluation.problem.images == ["i", "j"]
    assert aps(evaluation) == {A: 1.0, B: None, C: None}
    with pytest.raises(ArgumentError, match=STRICT) as raised:
        evaluated(boxes, found, labels=labels, strict=True)
    assert note in str(raised.value)


@pytest.mark.parametrize(
    ("extra", "note", "ap"),
    [
        (Truth("i", A, FLAT), "box without an area (i): kept; nothing can find them", 2 / 3),
        (Truth("i", A, OUTSIDE), "box reaching outside 0 to 1 (i): kept as they are", 2 / 3),
        (BOXES[0], "box given before (i): kept; each counts, but only one is ever found", 2 / 3),
        (Found("i", A, 0.95, OUTSIDE), "predicted box reaching outside 0 to 1 (i): kept as they are", 5 / 6),
        (FOUND[0], "prediction given before (i): kept; each counts", 2 / 3),
    ],
)  # fmt: skip
def test_an_odd_row_is_kept_with_a_note(extra: Truth | Found, note: str, ap: float) -> None:
    boxes = [*BOXES, *(row for row in [extra] if isinstance(row, Truth))]
    found = [*FOUND, *(row for row in [extra] if isinstance(row, Found))]
    evaluation = evaluated(boxes, found)
    assert notes(evaluation) == [f"1 {'ground-truth ' * isinstance(extra, Truth)}{note}"]
    assert aps(evaluation)[A] == pytest.approx(ap)
    with pytest.raises(ArgumentError, match=STRICT):
        evaluated(boxes, found, strict=True)


def test_a_row_is_dropped_for_one_reason() -> None:
    found = [Found("k", "/m/zzz", nan, (nan, 0, 0, 0)), *FOUND]
    assert notes(evaluated(BOXES, found)) == ["1 prediction of an unknown class (/m/zzz): dropped"]


def test_a_note_names_three_examples() -> None:
    found = [*FOUND, *(Found(image, A, 0.5, HERE) for image in "zyxwzz")]
    assert notes(evaluated(BOXES, found)) == ["6 predictions for images without ground truth (z, y, x, …): dropped"]


def test_strict_names_every_flaw() -> None:
    with pytest.raises(ArgumentError, match=r"unknown class.*score that is no number"):
        evaluated([*BOXES, Truth("i", "/m/zzz", HERE)], [Found("i", A, nan, HERE)], strict=True)


def test_images_without_predictions_are_evaluated_and_no_flaw() -> None:
    evaluation = evaluated(BOXES, FOUND[:1], strict=True)
    assert notes(evaluation) == ["1 image without predictions (j): evaluated; their boxes are missed"]
    assert aps(evaluation)[A] == 0.5


def test_listed_images_without_a_box_or_a_label_are_not_evaluated() -> None:
    sizes = dict.fromkeys("ijk", (10, 10))
    evaluation = evaluated(BOXES, FOUND, sizes=sizes)
    assert notes(evaluation) == ["1 image without a box or an image label (k): not evaluated, as in the original"]
    assert evaluation.problem.images == ["i", "j"]
    with pytest.raises(ArgumentError, match=STRICT):
        evaluated(BOXES, FOUND, sizes=sizes, strict=True)


@pytest.mark.parametrize(
    ("protocol", "noted"), [("challenge", True), ("openimages-v2", True), ("pascal", False), ("coco", False)]
)
def test_a_box_with_an_unknown_flag_is_a_group_of_box_where_the_original_takes_it_so(
    protocol: str, noted: bool
) -> None:
    boxes = [*BOXES, Truth("j", A, THERE, group_of=-1)]
    evaluation = evaluated(boxes, FOUND, protocol_named(protocol, expand=False), strict=True)
    note = "1 box with an unknown IsGroupOf: taken as group-of boxes, as in the original"
    assert notes(evaluation) == [note] * noted
    assert evaluation.problem.truth_group_of.tolist() == [False, False, protocol != "coco"]


OWN_ANIMAL = ClassList.numbered([("user/animal", "animal"), ("user/gnome", "Gnome")])


def test_a_name_that_the_data_set_and_open_images_share_is_the_data_sets() -> None:
    classes = known_classes(OWN_ANIMAL)
    assert [item.mid for item in classes if item.name.casefold() == "animal"] == ["user/animal"]
    assert len(classes) == len(open_images()) + 1
    assert list(classes)[-2:] == list(OWN_ANIMAL)
    evaluation = evaluated([Truth("i", "user/animal", HERE)], [Found("i", "user/animal", 0.9, HERE)], own=OWN_ANIMAL)
    assert aps(evaluation) == {"user/animal": 1.0, "user/gnome": None}


def test_classes_of_open_images_keep_their_places() -> None:
    assert list(known_classes(ClassList(()))) == list(open_images())
    assert list(known_classes(ClassList(open_images()[5:7]))) == list(open_images())
    assert list(known_classes(ABC)) == [*open_images(), *ABC]


def test_ground_truth_is_expanded_only_to_classes_that_are_known() -> None:
    boxes = [Truth("i", DOG, HERE), Truth("j", "user/animal", HERE)]
    found = [Found("i", DOG, 0.9, HERE), Found("j", "user/animal", 0.9, HERE)]
    evaluation = evaluated(boxes, found, protocol_named("challenge"), own=OWN_ANIMAL, labels=[Seen("j", DOG, 1)])
    assert (evaluation.problem.truth_label >= 0).all()
    assert {mid: figures(evaluation).get(mid) for mid in (DOG, "user/animal")} == {DOG: 1.0, "user/animal": 1.0}
    assert ANIMAL not in figures(evaluation)
