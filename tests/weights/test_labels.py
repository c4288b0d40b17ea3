"""Label files and lists of strings: which class is which column."""

import time
from pathlib import Path

import pytest

from boxable.errors import ArgumentError, BoxableError, WeightsError
from boxable.vocabulary import ClassList, open_images
from boxable.weights.labels import MAX_BYTES, classes_in_strings, parse_labels, read_labels

THREE = ["Cat", "Person", "robot"]
NAMES = [item.name for item in open_images()]
MIDS = [item.mid for item in open_images()]


def names(text: str) -> list[str]:
    return [item.name for item in parse_labels(text, "labels").classes]


def refused(text: str) -> str:
    with pytest.raises(ArgumentError, match=r"^labels: ") as error:
        parse_labels(text, "labels")
    return str(error.value)


def item(*lines: str) -> str:
    return "item {\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


PBTXT = (
    item('name: "/m/01yrx"', "id: 1", 'display_name: "Cat"')
    + item('name: "/m/01g317"', "id: 2", 'display_name: "Person"')
    + item('name: "robot"', "id: 3")
)


@pytest.mark.parametrize(
    "text",
    [
        PBTXT,
        PBTXT.replace('"', "'"),
        PBTXT.replace("\n", "\r\n"),
        PBTXT.replace("\n", " "),
        PBTXT.replace("item {", "item: {"),
        PBTXT.replace(": ", ":"),
        item("id: 3", "name: 'robot'") + item("id: 2", 'name: "/m/01g317"') + item("id: 1", "display_name: 'cat'"),
        "# a map\n" + PBTXT,
        "1\t/m/01yrx\tCat\n2\t/m/01g317\tPerson\n3\t\trobot\n",
        "label_id\tmid\tname\n3\t\trobot\n1\t/m/01yrx\tCat\n2\t/m/01g317\tPerson",
        "Cat\nPerson\nrobot\n",
        "cat\r\nPERSON\r\nrobot\r\n\r\n\r\n",
        "  Cat \n Person\nrobot",
        "???\nCat\nPerson\nrobot\n",
        "background\nCat\nPerson\nrobot\n",
        "\nCat\nPerson\nrobot\n",
        "/m/01yrx\n/m/01g317\nrobot\n",
    ],
)
def test_every_form_gives_the_same_classes(text: str) -> None:
    assert parse_labels(text, "labels").classes == ClassList.from_names(THREE)


def test_open_images_classes_keep_their_ids_and_others_are_numbered_from_1001() -> None:
    found = parse_labels("robot\nCat\nUFO\n/m/01g317\n", "labels").classes
    assert [(one.label_id, one.mid, one.name) for one in found] == [
        (1001, "user/robot", "robot"),
        (open_images().find("Cat").label_id, "/m/01yrx", "Cat"),
        (1002, "user/ufo", "UFO"),
        (open_images().find("Person").label_id, "/m/01g317", "Person"),
    ]


def test_a_known_mid_goes_before_its_name_and_an_unknown_one_stays() -> None:
    found = parse_labels("1\t/m/01yrx\tKatze\n2\t/m/0zzzz\tGnu\n", "labels").classes
    assert [(one.mid, one.name) for one in found] == [("/m/01yrx", "Cat"), ("/m/0zzzz", "Gnu")]


def test_the_mouse_of_a_coco_detector_is_the_device() -> None:
    assert parse_labels("laptop\nmouse\nremote\n", "labels").classes[1].mid == "/m/020lf"
    assert parse_labels("cat\nmouse\n", "labels").classes[1].mid == "/m/04rmv"


def test_names_may_hold_braces_quotes_and_hashes() -> None:
    text = item("id: 1", r'name: "a \"b\" {c} # d"') + item("id: 2", r"name: 'it\'s'") + item("id: 3", 'name: "}"')
    assert names(text) == ['a "b" {c} # d', "it's", "}"]


def test_the_maps_of_the_original_are_read(reference: Path) -> None:
    facts = reference.parent / "facts"
    assert read_labels(facts / "oid_v4_label_map.pbtxt").classes == open_images()
    assert len(read_labels(facts / "oid_bbox_trainable_label_map.pbtxt").classes) == 545
    assert len(read_labels(facts / "oid_object_detection_challenge_500_label_map.pbtxt").classes) == 500


@pytest.mark.parametrize(
    "text",
    ["", "\n", "\n\n \n", "???\n", "item {}", item('name: "x"'), "label_id\tmid\tname\n"],
)
def test_a_file_without_classes_is_refused(text: str) -> None:
    refused(text)


def columns(text: str) -> dict[str, int]:
    """The column of each class, from 1 as in a label map."""
    found = parse_labels(text, "labels")
    return {item.name: column + 1 for item, column in zip(found.classes, found.columns, strict=True)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (item("id: 1", "name: '/m/01g317'", "display_name: 'person'") + item("id: 3", "name: 'car'"), "Person 1 Car 3"),
        (item("id: 3", "name: 'car'") + item("id: 2", "name: 'cat'"), "Cat 2 Car 3"),
        (item("id: 0", "name: 'background'") + item("id: 1", "name: 'cat'"), "Cat 1"),
        (item("id: 0", "display_name: 'background'") + item("id: 2", "name: 'cat'"), "Cat 2"),
        (item("id: 1", "name: 'person'", "keypoints { id: 7 label: 'nose' }", "keypoints < id: 8 >")
         + item("id: 2", "name: 'dog'"), "Person 1 Dog 2"),
        (item("name: 'n1'", "unknown: [1, 2]", "more { deep { id: 5 name: 'x' } }", "id: 1", "display_name: 'cat'"),
         "Cat 1"),
        ("item { name: 'ca' 't' id: 1; } item < id: 2, name: \"d\\157g\" > # end }", "Cat 1 Dog 2"),
        ("# item { id: 1 }\nitem { # { \n name: 'cat' id: 1 }", "Cat 1"),
        ("0 cat\n1 dog\n", "Cat 1 Dog 2"),
        ("1 cat\n2 dog", "Cat 1 Dog 2"),
        ("0: cat\r\n1: dog\r\n", "Cat 1 Dog 2"),
        ("0  person\n2  car\n", "Person 1 Car 3"),
        ("0 background\n1 cat\n", "Cat 1"),
        ("1\tcat\n2\tdog\n", "Cat 1 Dog 2"),
        ("???\ncat\n???\ndog\n", "Cat 1 Dog 3"),
        ("1\t\tcat\n3\t\tdog\n", "Cat 1 Dog 3"),
        ("99 cat\n1 dog\n", "99 cat 1 1 dog 2"),
    ],
)  # fmt: skip
def test_each_class_has_the_column_that_the_original_gives_it(text: str, expected: str) -> None:
    assert " ".join(f"{name} {column}" for name, column in columns(text).items()) == expected


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (item("id: 2", "name: 'a'") + item("id: 2", "name: 'b'"), "lines 1 and 5 both have the id 2"),
        (
            "item{id: 1 name: 'a'}\nitem{id: 2 name: 'item {'}\nitem{id: 1 name: 'b'}",
            "lines 1 and 3 both have the id 1",
        ),
        ("1\t\ta\n3\t\tb\n3\t\tc\n", "lines 2 and 3 both have the id 3"),
        ("0 a\n1 b\n1 c\n", "lines 2 and 3 both have the id 2"),
        (item("id: 0", "name: 'a'"), "line 1: expected an id from 1 (0 is the background's)"),
        (item("id: 1", "name: 'a'") + item("id: -2", "name: 'b'"), "line 5: expected an id from 1"),
        (item("name: 'a'"), "line 1: an item without an id"),
        (item("id: 'one'", "name: 'a'"), "line 2: no label map"),
        (item("id: 1" + "0" * 50), "line 2: no label map"),
        (item("id: 1", "id: 2"), "line 3: no label map"),
        ("item { id: 1 name: 'a'", "no label map"),
        ("item { id: 1 name: 'a }", "line 1: no label map"),
    ],
)
def test_a_map_that_is_damaged_or_ambiguous_is_refused_with_its_lines(text: str, error: str) -> None:
    assert error in refused(text)


def test_a_class_twice_or_without_a_name_is_refused() -> None:
    assert "two classes have the same" in refused("Cat\ncat\n")
    assert "two classes have the same" in refused("Cat\n/m/01yrx\n")
    assert "class 2 has no name" in refused("Cat\n\nrobot\n")
    assert "class 1 has no name" in refused(item("id: 1"))
    assert "/m/0zzzz is no class of Open Images V4 and has no name" in refused("/m/0zzzz\n")


def test_numbers_are_names_too() -> None:
    assert [(one.label_id, one.name) for one in parse_labels("1\n2\n", "labels").classes] == [(1001, "1"), (1002, "2")]


def test_a_file_that_is_no_text_or_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    with pytest.raises(ArgumentError, match="cannot read it"):
        read_labels(path)
    path.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(ArgumentError, match="not text"):
        read_labels(path)
    path.write_bytes(bytes(100))
    with pytest.raises(BoxableError):
        read_labels(path)
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(ArgumentError, match="too large"):
        read_labels(path)


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes(b"\xef\xbb\xbfCat\nrobot\n")
    assert [one.name for one in read_labels(path).classes] == ["Cat", "robot"]


@pytest.mark.parametrize(
    "text",
    ["item {" * 50_000, "item" + " " * 300_000, "item { " + "a" * 300_000, 'item { a:"' + "\\a:" * 100_000,
     "item { name: '" * 20_000, "item {}" * 40_000, 'item{"' * 50_000, "item { " + "a:" * 150_000 + "}",
     "item { id: 1 name: 'a' }" + "item{'" * 50_000],
)  # fmt: skip
def test_no_text_takes_long(text: str) -> None:
    start = time.perf_counter()
    with pytest.raises(ArgumentError):
        parse_labels(text + "\n" + text, "labels")
    assert time.perf_counter() - start < 2


def test_lists_in_a_graph_are_taken_with_and_without_background() -> None:
    for before in ([], ["???"], ["background"], [""]):
        lists = [["one", "two"], before + NAMES, before + MIDS]
        assert classes_in_strings(lists, 601, "graph") == open_images()
        assert classes_in_strings([before + MIDS], 601, "graph") == open_images()
        assert classes_in_strings([before + NAMES], 601, "graph") == open_images()
    assert classes_in_strings([["Cat", *NAMES[1:], "more"]], 601, "graph") is None
    assert classes_in_strings([], 601, "graph") is None
    assert classes_in_strings([[""] * 601], 601, "graph") is None


def test_lists_that_are_no_classes_are_refused() -> None:
    with pytest.raises(WeightsError, match=r"^graph: two classes have the same"):
        classes_in_strings([["Cat", "cat"]], 2, "graph")
    with pytest.raises(WeightsError, match=r"^graph: /m/0zzzz is no class"):
        classes_in_strings([["/m/0zzzz", "/m/01yrx"]], 2, "graph")
