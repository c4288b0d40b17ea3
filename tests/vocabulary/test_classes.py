"""The 601 classes, and how one is looked up."""

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxable.errors import ArgumentError, UnknownClassError
from boxable.vocabulary import ClassList, ObjectClass, open_images
from boxable.vocabulary.classes import classes_meant, classes_of, slug

CAT = ObjectClass(122, "/m/01yrx", "Cat")
VEHICLE = ObjectClass(404, "/m/07yv9", "Vehicle")
DINING_TABLE = ObjectClass(544, "/m/0h8n5zk", "Kitchen & dining room table")


def classes(*rows: tuple[int, str, str]) -> ClassList:
    return ClassList(ObjectClass(*row) for row in rows)


def test_open_images_has_601_classes_with_ids_in_order() -> None:
    assert [item.label_id for item in open_images()] == list(range(1, 602))


# SEMANTICS §1.2: what the original was seen to return for these ids.
@pytest.mark.parametrize(
    ("label_id", "mid", "name"),
    [
        (1, "/m/011k07", "Tortoise"),
        (84, "/m/01jfsr", "Lantern"),
        (193, "/m/02wbm", "Food"),
        (277, "/m/0463sg", "Fashion accessory"),
        (379, "/m/079cl", "Skyscraper"),
        (392, "/m/07j87", "Tomato"),
        (502, "/m/0dzct", "Human face"),
        (601, "/m/0zvk5", "Helmet"),
    ],
)
def test_ids_mids_and_names_are_those_of_the_original(label_id: int, mid: str, name: str) -> None:
    assert open_images()[label_id - 1] == ObjectClass(label_id, mid, name)


@pytest.mark.parametrize("name", ["Organ", "Bat", "Drill"])
def test_names_have_the_spelling_of_version_four(name: str) -> None:
    assert open_images().find(name).name == name


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (122, CAT),
        ("122", CAT),
        ("0122", CAT),
        ("/m/01yrx", CAT),
        ("/M/01YRX", CAT),
        ("Cat", CAT),
        ("cat", CAT),
        ("CAT", CAT),
        ("  cat\t", CAT),
        (" 122 ", CAT),
        ("kitchen & dining room TABLE", DINING_TABLE),
    ],
)
def test_a_class_is_found_by_id_digits_mid_and_name_in_any_case(key: int | str, expected: ObjectClass) -> None:
    assert open_images().get(key) == expected
    assert open_images().find(key) == expected


@pytest.mark.parametrize("key", [0, 602, -1, "0", "602", "-1", "", " ", "Cats", "/m/0bl9f", "1.0", "²"])
def test_what_is_no_class_is_not_found(key: int | str) -> None:
    assert open_images().get(key) is None
    with pytest.raises(UnknownClassError, match="unknown class"):
        open_images().find(key)


@settings(derandomize=True, deadline=None)
@given(st.integers(1, 601))
def test_every_class_is_found_by_all_of_its_keys(label_id: int) -> None:
    item = open_images()[label_id - 1]
    for key in (item.label_id, str(item.label_id), item.mid, item.mid.upper(), item.name, item.name.swapcase()):
        assert open_images().get(key) is item
    assert open_images().column(item) == label_id - 1
    assert item in open_images()


def test_a_class_whose_name_is_a_number_is_found_by_its_name() -> None:
    dice = ClassList.from_names(["5", "6"])
    assert dice.find("6").name == "6"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("Vehicel", "unknown class 'Vehicel': did you mean Vehicle or "),
        ("cta", " or Cat?"),
        ("dinning table", "table?"),
        ("xylophon", "unknown class 'xylophon': did you mean Saxophone?"),
        ("fedora hat", "Fedora"),
        ("qqqqqq", "unknown class 'qqqqqq'; `boxable classes` lists them all"),
    ],
)
def test_the_error_names_the_nearest_classes(key: str, expected: str) -> None:
    with pytest.raises(UnknownClassError) as error:
        open_images().find(key)
    assert expected in str(error.value)


def test_a_word_of_a_name_suggests_that_name() -> None:
    assert "Human face" in open_images().did_you_mean("face")


@settings(derandomize=True, deadline=None)
@given(st.text(max_size=30))
def test_at_most_three_names_of_the_list_are_suggested(key: str) -> None:
    hint = open_images().did_you_mean(key)
    if hint:
        assert hint.startswith(": did you mean ")
        assert hint.endswith("?")
        names = hint.removeprefix(": did you mean ").removesuffix("?").split(" or ")
        assert 1 <= len(names) <= 3
        assert len(set(names)) == len(names)
        assert all(open_images().get(name) for name in names)


@pytest.mark.parametrize(
    ("rows", "field"),
    [
        ([(1, "/m/a", "A"), (1, "/m/b", "B")], "label_id: 1"),
        ([(1, "/m/a", "A"), (2, "/m/a", "B")], "mid: '/m/a'"),
        ([(1, "/m/a", "A"), (2, "/m/b", "A")], "name: 'A'"),
        ([(1, "/m/a", "Maße"), (2, "/m/b", "MASSE")], "name: 'MASSE'"),
        ([(1, "/m/a", "A"), (2, "/M/A", "B")], "mid: '/M/A'"),
    ],
)
def test_duplicates_are_refused(rows: list[tuple[int, str, str]], field: str) -> None:
    with pytest.raises(ArgumentError, match=f"two classes have the same {field}"):
        classes(*rows)


def test_from_names_keeps_open_images_classes_and_numbers_the_others_from_1001() -> None:
    found = ClassList.from_names(["robot arm", "cat", "Traffic cone (small)", "Vehicle", "Ångström Größe"])
    assert list(found) == [
        ObjectClass(1001, "user/robot-arm", "robot arm"),
        CAT,
        ObjectClass(1002, "user/traffic-cone-small", "Traffic cone (small)"),
        VEHICLE,
        ObjectClass(1003, "user/ångström-grösse", "Ångström Größe"),
    ]


@pytest.mark.parametrize(
    ("names", "mid"),
    [
        (["mouse", "keyboard", "cat"], "/m/020lf"),
        (["Mouse", "Laptop"], "/m/020lf"),
        (["mouse", "cat"], "/m/04rmv"),
        (["mouse", "laptop", "Computer mouse"], "/m/04rmv"),
        (["mouse"], "/m/04rmv"),
    ],
)
def test_a_mouse_among_office_things_is_the_device(names: list[str], mid: str) -> None:
    assert ClassList.from_names(names)[0].mid == mid


def test_every_name_of_coco_that_means_a_class_means_the_one_that_people_gave_it(data: Path) -> None:
    with (data / "eval-coco" / "coco-to-open-images.csv").open(encoding="utf-8") as file:
        given = {row["CocoName"]: row["LabelName"] for row in csv.DictReader(file)}
    meant = {name: item.mid for name, item in classes_meant(given).items()}
    assert len(meant) == 66
    assert meant == {name: given[name] for name in meant}


@pytest.mark.parametrize("names", [["Cat", "CAT"], ["robot", "Robot"], ["big cone", "big-cone"]])
def test_from_names_refuses_two_that_are_the_same(names: list[str]) -> None:
    with pytest.raises(ArgumentError, match="two classes have the same"):
        ClassList.from_names(names)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Cat", "cat"),
        ("Kitchen & dining room table", "kitchen-dining-room-table"),
        ("  a__b  ", "a-b"),
        ("犬", "犬"),
        ("../../etc", "etc"),
        ("!?", "class"),
        ("", "class"),
    ],
)
def test_a_slug_holds_letters_and_digits_joined_by_dashes(name: str, expected: str) -> None:
    assert slug(name) == expected


@settings(derandomize=True, deadline=None)
@given(st.text())
def test_a_slug_is_always_a_safe_file_name(name: str) -> None:
    found = slug(name)
    assert found
    assert not set(found) & set("/\\. \n\0:")
    assert slug(found) == found


def test_equal_lists_are_equal_and_hash_alike() -> None:
    first, second = ClassList.from_names(["Cat", "Dog"]), ClassList.from_names(["cat", "dog"])
    assert first == second
    assert hash(first) == hash(second)
    assert first != ClassList.from_names(["Dog", "Cat"])
    assert first != list(first)


def test_a_list_slices_counts_and_shows_itself() -> None:
    found = ClassList.from_names(["Cat", "Dog", "Car", "Bus"])
    assert len(found) == 4
    assert [item.name for item in found[1:3]] == ["Dog", "Car"]
    assert found[-1].name == "Bus"
    assert repr(found) == "ClassList(4 classes: Cat, Dog, Car, …)"
    assert repr(ClassList([])) == "ClassList(0 classes: )"


def test_rows_of_mid_and_name_make_classes_in_column_order() -> None:
    found = classes_of([("/m/01yrx", "Kitty"), ("", "vehicle"), ("", "Quokka"), ("/m/zz", "Zorilla")], "x")
    assert list(found) == [
        CAT,
        VEHICLE,
        ObjectClass(1001, "user/quokka", "Quokka"),
        ObjectClass(1002, "/m/zz", "Zorilla"),
    ]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (("", ""), "class 2 has no name"),
        (("", "a\x07"), "class 2 has an unprintable name"),
        (("/m/zz", ""), "/m/zz is no class of Open Images V4 and has no name"),
        (("", "CAT"), "two classes have the same name"),
    ],
)
def test_rows_that_make_no_class_are_errors_that_name_their_origin(row: tuple[str, str], says: str) -> None:
    with pytest.raises(ArgumentError, match=f"^x: {says}"):
        classes_of([("", "Cat"), row], "x")
