"""Images and classes of an evaluation."""

import pytest

from boxable.metrics.evaluate import Evaluation
from boxable.metrics.prepare import known_classes
from boxable.metrics.protocols import protocol_named
from boxable.vocabulary import ClassList, open_images
from tests.evaluation.made import ABC, ANIMAL, DOG, A, Found, Seen, Truth, aps, evaluated, figures

HERE, THERE = (0, 0, 0.5, 0.5), (0.5, 0.5, 1, 1)
BOXES = [Truth("i", A, HERE), Truth("j", A, HERE)]
FOUND = [Found("i", A, 0.9, HERE), Found("j", A, 0.8, HERE)]
STRICT = r"^strict: "
NO_AREA = "1 predicted box without an area or with the maximum below the minimum (i): dropped"
FLAT, INVERTED, OUTSIDE = (0, 0, 0, 0.5), (0.5, 0, 0, 0.5), (-0.5, 0, 0.5, 0.5)


def notes(evaluation: Evaluation) -> list[str]:
    return [str(note) for note in evaluation.notes]


@pytest.mark.parametrize(("protocol", "ap"), [("challenge", 1), ("openimages-v2", 5 / 6), ("pascal", 5 / 6)])
def test_listed_images_without_a_box_or_a_label_take_part(protocol: str, ap: float) -> None:
    sizes = dict.fromkeys("kij", (10, 10))
    rules = protocol_named(protocol, expand=False)
    evaluation = evaluated(BOXES, [*FOUND, Found("k", A, 0.85, HERE)], rules, sizes=sizes, strict=True)
    assert notes(evaluation) == []
    assert evaluation.data.images == ["i", "j", "k"]
    # Where only verified classes count, what was predicted there is left out; elsewhere it is false.
    assert evaluation.ignored == evaluation.to_dict()["left_out"] == (protocol == "challenge")
    assert aps(evaluation)[A] == pytest.approx(ap)
    silent = evaluated(BOXES, FOUND, rules, sizes=sizes, strict=True)
    assert notes(silent) == ["1 image without predictions (k): evaluated; their boxes are missed"]


OWN_ANIMAL = ClassList.numbered([("user/animal", "animal"), ("user/gnome", "Gnome")])


def test_a_name_that_the_data_set_and_open_images_share_is_the_data_sets_and_both_are_known() -> None:
    classes = known_classes(OWN_ANIMAL)
    assert [item.mid for item in classes if item.name.casefold() == "animal"] == ["user/animal"]
    assert [item.mid for item in classes if item.name == "Animal (Open Images)"] == [ANIMAL]
    assert len(classes) == len(open_images()) + 2
    assert [item.mid for item in classes][:-2] == [item.mid for item in open_images()]
    assert list(classes)[-2:] == list(OWN_ANIMAL)
    evaluation = evaluated([Truth("i", "user/animal", HERE)], [Found("i", "user/animal", 0.9, HERE)], own=OWN_ANIMAL)
    assert aps(evaluation) == {"user/animal": 1.0, "user/gnome": None}


def test_classes_of_open_images_keep_their_places() -> None:
    assert list(known_classes(ClassList(()))) == list(open_images())
    assert list(known_classes(ClassList(open_images()[5:7]))) == list(open_images())
    assert list(known_classes(ABC)) == [*open_images(), *ABC]


def test_an_own_class_is_no_ancestor_though_it_has_the_name_of_one() -> None:
    boxes = [Truth("i", DOG, HERE), Truth("j", "user/animal", HERE)]
    found = [Found("i", DOG, 0.9, HERE), Found("j", "user/animal", 0.9, HERE)]
    evaluation = evaluated(boxes, found, protocol_named("challenge"), own=OWN_ANIMAL, labels=[Seen("j", DOG, 1)])
    assert (evaluation.data.truth_label >= 0).all()
    assert {mid: figures(evaluation).get(mid) for mid in (DOG, "user/animal")} == {DOG: 1.0, "user/animal": 1.0}
    # The dog is an Animal of Open Images, which nobody predicted; the data set's animal is none.
    (row,) = [result for result in evaluation.results if result.item.mid == ANIMAL]
    assert (row.item.name, row.ap, row.ground_truth) == ("Animal (Open Images)", 0.0, 1.0)
