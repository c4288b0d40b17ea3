"""Classes as rows and as a tree."""

import pytest

from boxable.errors import UnknownClassError
from boxable.vocabulary import ClassList, open_images
from boxable.vocabulary.listing import as_rows, as_tree, search
from boxable.weights.cards import find_card

CLASSES23 = find_card("ssd23").classes


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Animal", ["Cattle", "Cat", "Dog"]),
        ("Vehicle,-Car", ["Bicycle", "Vehicle"]),
        ("bicy", ["Bicycle", "Stationary bicycle"]),
        (" COMPUTER ", ["Computer mouse", "Computer monitor"]),
        ("cup", ["Coffee cup"]),
        ("122", ["Cat"]),
    ],
)
def test_a_query_selects_or_else_searches_the_names(query: str, expected: list[str]) -> None:
    assert [item.name for item in search(query, CLASSES23)] == expected


def test_no_query_finds_everything() -> None:
    assert search(None, CLASSES23) == tuple(CLASSES23)


@pytest.mark.parametrize("query", ["", " ", "qqqq", "Cat,-Cat"])
def test_a_query_without_any_result_is_an_error(query: str) -> None:
    with pytest.raises(UnknownClassError):
        search(query, CLASSES23)


def test_rows_hold_id_mid_name_and_the_names_of_all_parents() -> None:
    chosen = [open_images().find(name) for name in ("Person", "Man", "Shrimp")]
    assert list(as_rows(chosen)) == [
        ("69", "/m/01g317", "Person", ""),
        ("308", "/m/04yx4", "Man", "Person"),
        ("582", "/m/0ll1f78", "Shrimp", "Shellfish, Marine invertebrates"),
    ]


def test_rows_of_classes_of_other_origin_have_no_parents() -> None:
    assert list(as_rows(ClassList.from_names(["robot"]))) == [("1001", "user/robot", "robot", "")]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Person", ["Person", "    Man", "    Boy", "    Woman", "    Girl"]),
        ("Cat,Dog", ["Cat", "Dog"]),
        ("Vehicle:self,Car:self,Limousine", ["Vehicle", "    Car", "        Limousine"]),  # Land vehicle is skipped
    ],
)
def test_a_tree_indents_each_class_below_what_it_is_a_kind_of(query: str, expected: list[str]) -> None:
    lines = list(as_tree(search(query, open_images())))
    assert sorted(lines) == sorted(expected)
    assert lines[0] == expected[0]


def test_a_class_with_two_parents_appears_below_each() -> None:
    lines = list(as_tree(search("Shellfish,Marine invertebrates", open_images())))
    assert sum(line.strip() == "Shrimp" for line in lines) == 2


@pytest.mark.parametrize("classes", [open_images(), CLASSES23], ids=["601", "23"])
def test_a_tree_shows_every_class(classes: ClassList) -> None:
    lines = list(as_tree(classes))
    assert {line.strip() for line in lines} == {item.name for item in classes}
    roots = [line for line in lines if not line.startswith(" ")]
    assert len(set(roots)) == len(roots)
