"""Findings about dropped and odd rows."""

from itertools import permutations
from math import inf, nan
from typing import Any

import pytest

from boxable.errors import ArgumentError
from boxable.metrics.evaluate import Evaluation
from boxable.metrics.protocols import protocol_named
from tests.evaluation.made import DOG, A, B, C, Found, Seen, Truth, aps, evaluated

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
    assert evaluation.data.images == ["i", "j"]
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


def test_a_side_that_rounding_put_beyond_the_border_is_not_odd() -> None:
    beyond = 1 + 4e-16
    boxes = [Truth("i", A, (0, 0, beyond, 0.5)), Truth("i", B, (-1e-16, 0, 1, beyond))]
    found = [Found("i", A, 0.5, (0, 0, beyond, 0.5)), Found("i", B, 0.5, (-1e-16, 0, 1, beyond))]
    assert notes(evaluated(boxes, found)) == []


def test_a_row_is_dropped_for_one_reason() -> None:
    found = [Found("k", "/m/zzz", nan, (nan, 0, 0, 0)), *FOUND]
    assert notes(evaluated(BOXES, found)) == ["1 prediction of an unknown class (/m/zzz): dropped"]


@pytest.mark.parametrize(
    ("found", "examples"),
    [
        ([Found("k", "/m/zzz", nan, (nan, 0, 0, 0))], "1 prediction of an unknown class (/m/zzz)"),
        ([Found("k", A, nan, (nan, 0, 0, 0))], "1 prediction for images without ground truth (k)"),
        ([Found("i", A, nan, (nan, 0, 0, 0))], "1 prediction with a score that is no number (i)"),
        ([Found("i", A, 0.5, (nan, 0, 0, 0))], "1 prediction with a coordinate that is no number (i)"),
    ],
)
def test_the_class_goes_before_the_image_the_score_and_the_box(found: list[Found], examples: str) -> None:
    assert notes(evaluated(BOXES, [*found, *FOUND])) == [f"{examples}: dropped"]


@pytest.mark.parametrize(
    ("images", "count", "examples"), [("zyxwzz", 6, "z, y, x, …"), ("zyxzz", 5, "z, y, x"), ("zz", 2, "z")]
)
def test_a_note_names_three_examples_and_says_if_there_are_more(images: str, count: int, examples: str) -> None:
    found = [*FOUND, *(Found(image, A, 0.5, HERE) for image in images)]
    note = f"{count} predictions for images without ground truth ({examples}): dropped"
    assert notes(evaluated(BOXES, found))[0] == note


def test_names_of_classes_where_mids_belong_get_advice() -> None:
    advice = f"dropped; LabelName is a MID, such as {DOG} for Dog"
    boxes = [*BOXES, Truth("i", "Dog", HERE)]
    assert notes(evaluated(boxes, [*FOUND, Found("i", "dog", 0.5, HERE)])) == [
        f"1 ground-truth box of an unknown class (Dog): {advice}",
        f"1 prediction of an unknown class (dog): {advice}",
    ]


def test_file_names_where_image_ids_belong_get_advice() -> None:
    found = [*FOUND, Found("val/i.jpg", A, 0.5, HERE), Found("z.jpg", A, 0.5, HERE)]
    note = "2 predictions for images without ground truth (val/i.jpg, z.jpg): dropped"
    assert notes(evaluated(BOXES, found)) == [f"{note}; ImageID is the file name alone, such as i"]


def test_boxes_in_pixels_get_advice() -> None:
    pixels = (10, 20, 300, 400)
    evaluation = evaluated([Truth("i", A, pixels)], [Found("i", A, 0.9, pixels)])
    advice = "kept as they are; if these are pixels, divide by the size of the image"
    assert notes(evaluation) == [
        f"1 ground-truth box reaching outside 0 to 1 (i): {advice}",
        f"1 predicted box reaching outside 0 to 1 (i): {advice}",
    ]
    assert aps(evaluation)[A] == 1


def test_classes_with_boxes_that_nobody_predicted_are_named_and_no_flaw() -> None:
    evaluation = evaluated([*BOXES, Truth("i", B, THERE)], FOUND, strict=True)
    assert notes(evaluation) == [
        "1 class with boxes and without a prediction (b): each counts with AP 0; --classes counts some of them"
    ]
    assert notes(evaluated([*BOXES, Truth("i", B, THERE)], FOUND, classes=A)) == []
    dogs = evaluated([Truth("i", DOG, HERE)], [Found("i", DOG, 0.9, HERE)], protocol_named("challenge"))
    assert notes(dogs)[0].startswith("3 classes with boxes and without a prediction (Carnivore, Mammal, Animal): each")
    assert notes(dogs)[0].endswith(", --no-expand adds no general ones")


@pytest.mark.parametrize("confidence", [0.9, 0.5, 2, -2, nan, inf])
def test_an_image_label_that_says_neither_yes_nor_no_verifies_nothing(confidence: float) -> None:
    found = [*FOUND, Found("j", B, 0.9, HERE)]
    evaluation = evaluated(BOXES, found, labels=[Seen("j", B, confidence), Seen("i", B, 0)])
    assert notes(evaluation) == [
        f"1 image label with a confidence that is neither 1 nor 0 ({B}): dropped",
    ]
    assert evaluation.ignored == 1
    with pytest.raises(ArgumentError, match="neither 1 nor 0"):
        evaluated(BOXES, found, labels=[Seen("j", B, confidence)], strict=True)


@pytest.mark.parametrize("confidence", [1, 0, -1])
def test_an_image_label_that_was_verified_either_way_lets_predictions_count(confidence: float) -> None:
    evaluation = evaluated(BOXES, [*FOUND, Found("j", B, 0.9, HERE)], labels=[Seen("j", B, confidence)], strict=True)
    assert (notes(evaluation), evaluation.ignored) == ([], 0)


@pytest.mark.parametrize("side", [1e-200, 5e-324])
def test_a_predicted_box_so_small_that_its_area_is_0_is_dropped(side: float) -> None:
    tiny = Found("i", A, 0.95, (0, 0, side, side))
    evaluation = evaluated([*BOXES, Truth("i", A, HERE, group_of=1)], [*FOUND, tiny])
    assert notes(evaluation) == [NO_AREA]
    assert len(evaluation.data.score) == 2


@pytest.mark.parametrize("protocol", ["challenge", "coco"])
def test_the_checksum_of_ground_truth_knows_no_order_of_rows(protocol: str) -> None:
    rules = protocol_named(protocol)
    boxes = [Truth("i", DOG, HERE), Truth("j", A, THERE, group_of=1), Truth("i", DOG, THERE), Truth("j", A, HERE)]
    labels = [Seen("i", B, 1), Seen("j", C, 0)]

    def digest(boxes: list[Truth], labels: list[Seen] = labels) -> str:
        return evaluated(boxes, [], rules, labels=labels).data.truth_digest()

    assert {digest(list(rows)) for rows in permutations(boxes)} == {digest(boxes)}
    assert digest(boxes, labels[::-1]) == digest(boxes)
    others = [
        boxes[:-1], [*boxes, boxes[0]], [boxes[0]._replace(image="j"), *boxes[1:]],
        [boxes[0]._replace(label=A), *boxes[1:]], [boxes[0]._replace(group_of=1), *boxes[1:]],
        [boxes[0]._replace(difficult=True), *boxes[1:]], [boxes[0]._replace(box=(0, 0, 0.5, 0.25)), *boxes[1:]],
    ]  # fmt: skip
    digests = [digest(boxes), digest(boxes, labels[:1]), *map(digest, others)]
    assert len(set(digests)) == len(digests)


def test_strict_names_every_flaw() -> None:
    with pytest.raises(ArgumentError, match=r"unknown class.*score that is no number"):
        evaluated([*BOXES, Truth("i", "/m/zzz", HERE)], [Found("i", A, nan, HERE)], strict=True)


def test_images_without_predictions_are_evaluated_and_no_flaw() -> None:
    evaluation = evaluated(BOXES, FOUND[:1], strict=True)
    assert notes(evaluation) == ["1 image without predictions (j): evaluated; their boxes are missed"]
    assert aps(evaluation)[A] == 0.5


UNKNOWN = "1 box with an unknown IsGroupOf"
AS_GROUP = f"{UNKNOWN}: taken as group-of boxes, as in the original (see --unknown-group-of)"
AS_ORDINARY = f"{UNKNOWN}: taken as ordinary boxes, as no box of the set states it (see --unknown-group-of)"
NO_CROWD = f"{UNKNOWN}: taken as ordinary boxes; only a stated flag makes a crowd"


@pytest.mark.parametrize("choice", ["auto", "original"])
@pytest.mark.parametrize("stated", [0, 1, None])
@pytest.mark.parametrize("protocol", ["challenge", "openimages-v2", "pascal", "coco"])
def test_an_unknown_flag_is_group_of_where_another_box_states_it_or_always_as_in_the_original(
    protocol: str, stated: int | None, choice: Any
) -> None:
    boxes = [Truth("i", A, HERE, group_of=-1)]
    if stated is not None:
        boxes.append(Truth("i", B, HERE, group_of=stated))
    rules = protocol_named(protocol, expand=False, unknown_group_of=choice)
    evaluation = evaluated(boxes, FOUND[:1], rules, strict=True)
    is_group = choice == "original" or stated is not None
    expected = {"pascal": [], "coco": [NO_CROWD]}.get(protocol, [AS_GROUP if is_group else AS_ORDINARY])
    assert [note for note in notes(evaluation) if UNKNOWN in note] == expected
    assert evaluation.matches.group_of[0] == (is_group and protocol not in ("pascal", "coco"))


def test_the_choice_is_beside_the_number() -> None:
    boxes = [Truth("i", A, HERE, group_of=-1)]
    for choice, is_group in (("auto", False), ("original", True)):
        rules = protocol_named("challenge", unknown_group_of=choice)  # type: ignore[arg-type]
        assert evaluated(boxes, FOUND, rules).to_dict()["switches"]["unknown_group_of_flag_is_group_of"] is is_group


def test_another_choice_is_refused() -> None:
    with pytest.raises(ArgumentError, match="unknown group-of: expected auto or original, got 'yes'"):
        protocol_named("challenge", unknown_group_of="yes")  # type: ignore[arg-type]
