"""The grammar that selects classes."""

import itertools
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxable.errors import UnknownClassError
from boxable.vocabulary import ClassList, ObjectClass, open_images, open_images_hierarchy, select
from boxable.vocabulary.selection import Owner, Selection
from boxable.weights.cards import find_card

CLASSES23 = find_card("ssd23").classes
MINE = Owner("mine", "a command lists them", "ssd601")


def names(selection: Selection, available: ClassList | None = None) -> list[str]:
    return [item.name for item in select(selection, available)]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("Cat", ["Cat"]),
        ("Person", ["Person", "Man", "Boy", "Woman", "Girl"]),
        ("Person:self", ["Person"]),
        ("Person,-Man", ["Person", "Boy", "Woman", "Girl"]),
        ("Person,-Person:self", ["Man", "Boy", "Woman", "Girl"]),
        ("Person:self,Man", ["Person", "Man"]),
        ("-Man,Person,-Woman", ["Person", "Boy", "Girl"]),
        ("PERSON:SELF", ["Person"]),
        (" person:self , cat ", ["Person", "Cat"]),
        ("Cat,,Dog,", ["Cat", "Dog"]),
        ("Cat,Cat", ["Cat"]),
        ("122", ["Cat"]),
        (122, ["Cat"]),
        ("/m/01yrx", ["Cat"]),
        ("/m/01g317:self", ["Person"]),
        ("69:self", ["Person"]),
        ([122, "Dog"], ["Cat", "Dog"]),
        (["Person", "-Man,-Boy"], ["Person", "Woman", "Girl"]),
        (("Vehicle", "-Land vehicle", "-Watercraft", "-Aircraft"), ["Vehicle"]),
    ],
)
def test_a_selection_gives_these_classes_of_the_601(selection: Selection, expected: list[str]) -> None:
    assert sorted(names(selection)) == sorted(expected)


def test_classes_come_in_the_order_of_the_list_whatever_the_selection_says() -> None:
    for terms in itertools.permutations(["Dog", "Car", "Cat", "-Vehicle:self"]):
        assert names(",".join(terms), CLASSES23) == ["Cat", "Dog", "Car"]


def test_only_subtractions_mean_everything_else() -> None:
    left = names("-Animal,-Person")
    assert len(left) < 601
    assert not {"Cat", "Animal", "Person", "Woman"} & set(left)
    assert {"Car", "Chair", "Tortoise"} - set(left) == {"Tortoise"}
    assert names("-Cat", CLASSES23) == [item.name for item in CLASSES23 if item.name != "Cat"]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("Animal", ["Cattle", "Cat", "Dog"]),
        ("Mammal,-Dog", ["Cattle", "Cat"]),
        ("Vehicle", ["Bicycle", "Vehicle", "Car"]),
        ("Vehicle:self", ["Vehicle"]),
        ("Land vehicle", ["Bicycle", "Car"]),
        ("Furniture", ["Chair", "Desk", "Table"]),
        ("-Violin,Cat", ["Cat"]),
    ],
)
def test_a_general_term_selects_what_a_small_network_can_name(selection: str, expected: list[str]) -> None:
    assert names(selection, CLASSES23) == expected


@pytest.mark.parametrize("selection", ["Violin", "Cat,Violin", "Animal:self", ["Cat", 501]])
def test_a_term_that_the_network_cannot_name_is_an_error(selection: Selection) -> None:
    with pytest.raises(UnknownClassError, match=r"^'(Violin|Animal:self|501)' is not among these 23 classes$"):
        select(selection, CLASSES23)
    with pytest.raises(
        UnknownClassError,
        match=r"^mine has no class '(Violin|Animal:self|501)'; ssd601 has it: boxable models pull ssd601$",
    ):
        select(selection, CLASSES23, MINE)


@pytest.mark.parametrize(
    "selection", ["Cat,-Cat", "Cat,-Animal", "Vehicle:self,-Vehicle:self", "", " , ", [], "Animal,-Mammal"]
)
def test_a_selection_that_leaves_nothing_is_an_error(selection: Selection) -> None:
    with pytest.raises(UnknownClassError, match="leaves no class; name at least one to keep"):
        select(selection, CLASSES23)


@pytest.mark.parametrize("selection", ["Vehicel", "-Vehicel", "Vehicel:self", "Cat,-Vehicel:self", ["Cat", "Vehicel"]])
def test_an_unknown_term_is_an_error_with_a_suggestion(selection: Selection) -> None:
    with pytest.raises(UnknownClassError, match=r"unknown class 'Vehicel': did you mean Vehicle"):
        select(selection, CLASSES23)
    with pytest.raises(UnknownClassError, match=r"^mine has no class 'Vehicel': did you mean Vehicle\?$"):
        select(selection, CLASSES23, MINE)


@pytest.mark.parametrize(
    ("term", "message"),
    [
        ("Zebrra", "'Zebrra': did you mean Zebra? ssd601 has it: boxable models pull ssd601"),
        ("Guitarr", "'Guitarr': did you mean Guitar or Jaguar? ssd601 has them: boxable models pull ssd601"),
        ("qqqqqq", "'qqqqqq'; a command lists them"),
    ],
)
def test_a_class_of_another_model_is_suggested_with_that_model(term: str, message: str) -> None:
    with pytest.raises(UnknownClassError) as error:
        select(term, CLASSES23, MINE)
    assert str(error.value) == f"mine has no class {message}"


@pytest.mark.parametrize("selection", [":self", "Cat:other", "--Cat", "602", 0])
def test_what_is_not_in_the_grammar_is_an_unknown_class(selection: Selection) -> None:
    with pytest.raises(UnknownClassError, match="unknown class"):
        select(selection)


def test_classes_of_other_origin_are_selected_by_their_names_and_ids() -> None:
    own = ClassList.from_names(["Robot arm", "Cat", "Gripper"])
    assert names("robot ARM,1002", own) == ["Robot arm", "Gripper"]
    assert names("user/gripper,Animal", own) == ["Cat", "Gripper"]
    assert names("-robot arm", own) == ["Cat", "Gripper"]


def test_a_class_of_the_list_goes_before_an_open_images_class_of_that_name() -> None:
    own = ClassList([ObjectClass(1001, "user/cat", "Cat"), ObjectClass(1002, "user/dog", "Dog")])
    assert select("cat,-dog", own) == (own[0],)
    with pytest.raises(UnknownClassError, match="'Animal' is not among these 2 classes"):
        select("Animal", own)


TERMS = st.tuples(st.sampled_from(list(CLASSES23) + list(open_images())[::15]), st.booleans(), st.booleans())


@settings(derandomize=True, deadline=None)
@given(st.lists(TERMS, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_a_selection_is_what_is_added_less_what_is_taken_away_in_any_order(
    terms: Sequence[tuple[ObjectClass, bool, bool]], random: Random
) -> None:
    added: set[str] = set()
    removed: set[str] = set()
    texts = []
    for item, minus, alone in terms:
        own = item.mid
        meant = {own} if alone else {own, *open_images_hierarchy().descendants(own)}
        (removed if minus else added).update(meant)
        texts.append(f"{'-' * minus}{item.name}{':self' * alone}")
    everything = {item.mid for item in open_images()}
    expected = (added if added else everything) - removed
    random.shuffle(texts)
    if expected:
        assert [item.mid for item in select(texts)] == [item.mid for item in open_images() if item.mid in expected]
        assert select(",".join(texts)) == select(texts)
    else:
        with pytest.raises(UnknownClassError, match="leaves no class"):
            select(texts)
