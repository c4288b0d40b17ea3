"""Which class is a kind of which."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxable.vocabulary import Hierarchy, ObjectClass, open_images, open_images_hierarchy
from boxable.vocabulary.hierarchy import ROOT_MID


def names(mids: tuple[str, ...]) -> list[str]:
    return [open_images().find(mid).name for mid in mids]


def mid(name: str) -> str:
    return open_images().find(name).mid


# SEMANTICS §8.
def test_511_classes_have_ancestors_and_76_have_kinds() -> None:
    hierarchy = open_images_hierarchy()
    assert sum(bool(hierarchy.ancestors(item.mid)) for item in open_images()) == 511
    assert sum(bool(hierarchy.descendants(item.mid)) for item in open_images()) == 76


def test_there_are_557_pairs_of_parent_and_child_and_90_more_with_the_root() -> None:
    hierarchy = open_images_hierarchy()
    assert sum(len(hierarchy.parents(item.mid)) for item in open_images()) == 557
    assert sum(len(hierarchy.children(item.mid)) for item in open_images()) == 557
    assert len(hierarchy.children(ROOT_MID)) == 90


def test_no_class_has_more_than_the_six_ancestors_of_shrimp() -> None:
    hierarchy = open_images_hierarchy()
    assert max(len(hierarchy.ancestors(item.mid)) for item in open_images()) == 6
    assert set(names(hierarchy.ancestors(mid("Shrimp")))) == {
        "Shellfish", "Marine invertebrates", "Invertebrate", "Animal", "Seafood", "Food",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Man", ["Person"]),
        ("Car", ["Land vehicle", "Vehicle"]),
        ("Chopsticks", ["Kitchen utensil", "Tableware", "Kitchenware", "Tool"]),
        ("Person", []),
        ("Bicycle wheel", []),
        ("Human eye", []),
    ],
)
def test_ancestors_are_those_of_the_original(name: str, expected: list[str]) -> None:
    found = names(open_images_hierarchy().ancestors(mid(name)))
    assert sorted(found) == sorted(expected)


def test_ancestors_come_nearest_first() -> None:
    assert names(open_images_hierarchy().ancestors(mid("Car"))) == ["Land vehicle", "Vehicle"]


def test_descendants_are_kinds_and_kinds_of_kinds_but_no_parts() -> None:
    hierarchy = open_images_hierarchy()
    assert set(names(hierarchy.descendants(mid("Person")))) == {"Man", "Woman", "Boy", "Girl"}
    kinds = set(names(hierarchy.descendants(mid("Vehicle"))))
    assert {"Land vehicle", "Car", "Limousine", "Rocket"} <= kinds
    assert not {"Wheel", "Tire", "Vehicle registration plate"} & kinds


@pytest.mark.parametrize("whole", ["Human body", "Bicycle", "Human head", "Human face", "Car"])
def test_a_part_is_no_kind_of_its_whole(whole: str) -> None:
    parts = {"Human eye", "Human head", "Human face", "Human nose", "Bicycle wheel", "Wheel", "Tire"}
    assert not parts & set(names(open_images_hierarchy().descendants(mid(whole))))


def test_the_root_is_above_all_classes_and_an_ancestor_of_none() -> None:
    hierarchy = open_images_hierarchy()
    assert set(hierarchy.descendants(ROOT_MID)) == {item.mid for item in open_images()}
    for item in open_images():
        assert ROOT_MID not in hierarchy.ancestors(item.mid)


@pytest.mark.parametrize("unknown", ["", "/m/nothing", "user/robot"])
def test_an_unknown_mid_has_no_relatives(unknown: str) -> None:
    hierarchy = open_images_hierarchy()
    for look in (hierarchy.parents, hierarchy.children, hierarchy.ancestors, hierarchy.descendants):
        assert look(unknown) == ()


@settings(derandomize=True, deadline=None)
@given(st.sampled_from(list(open_images())))
def test_open_images_is_a_graph_without_cycles_seen_alike_from_both_ends(item: ObjectClass) -> None:
    hierarchy = open_images_hierarchy()
    own = item.mid
    above, below = hierarchy.ancestors(own), hierarchy.descendants(own)
    assert not {own, *above} & set(below)
    assert all(own in hierarchy.descendants(other) for other in above)
    assert all(own in hierarchy.ancestors(other) for other in below)


NODES = 8
EDGES = st.sets(st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1)).filter(lambda edge: edge[0] < edge[1]))


@settings(derandomize=True, deadline=None)
@given(EDGES)
def test_relatives_are_the_transitive_closure_of_the_edges_each_once(edges: set[tuple[int, int]]) -> None:
    hierarchy = Hierarchy({str(node): tuple(str(b) for a, b in sorted(edges) if a == node) for node in range(NODES)})
    reach = [[(a, b) in edges for b in range(NODES)] for a in range(NODES)]
    for middle in range(NODES):
        for a in range(NODES):
            for b in range(NODES):
                reach[a][b] |= reach[a][middle] and reach[middle][b]
    for node in range(NODES):
        below, above = hierarchy.descendants(str(node)), hierarchy.ancestors(str(node))
        assert sorted(below) == [str(other) for other in range(NODES) if reach[node][other]]
        assert sorted(above) == [str(other) for other in range(NODES) if reach[other][node]]


@settings(derandomize=True, deadline=None)
@given(EDGES)
def test_relatives_come_nearest_first(edges: set[tuple[int, int]]) -> None:
    hierarchy = Hierarchy({str(a): tuple(str(d) for c, d in sorted(edges) if c == a) for a, _ in edges})

    def steps(start: int, goal: int) -> int:
        level, taken = {start}, 0
        while goal not in level:
            level, taken = {b for a, b in edges if a in level}, taken + 1
        return taken

    for node in range(NODES):
        distances = [steps(node, int(other)) for other in hierarchy.descendants(str(node))]
        assert distances == sorted(distances)
