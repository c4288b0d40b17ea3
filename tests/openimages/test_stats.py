"""Statistics of a data set."""

import json
from pathlib import Path

import pytest

from boxable.openimages import Dataset
from boxable.openimages import stats as module
from boxable.openimages.stats import Stats, stats_of
from tests.openimages.folders import CAT, DOG, box_row, write_folder


@pytest.fixture
def figures(tmp_path: Path) -> Stats:
    boxes = [
        box_row("a", CAT, (0, 0, 1, 1), "0,0,1,0,0"),
        box_row("a", CAT, (0, 0, 0.5, 0.5)),
        box_row("b", CAT, (0, 0, 0.01, 0.01), "1,-1,-1,0,0"),
        box_row("b", DOG, (0.5, 0.5, 0.4, 0.6), "1,-1,0,0,0"),
        *[box_row("c", DOG, (0, 0, 0.25, 0.25))] * 5,
    ]
    labels = [f"a,v,{CAT},1", f"b,v,{CAT},1", f"c,v,{CAT},0", f"c,v,{DOG},0.6"]
    images = ["a,100,50,0", "b,300,150,90", "c,,,", "d,200,100,270"]
    return stats_of(Dataset(write_folder(tmp_path / "set", boxes, labels=labels, images=images)))


def test_everything_is_counted(figures: Stats) -> None:
    assert (figures.images, figures.images_with_boxes, figures.boxes) == (4, 3, 9)
    assert (figures.boxes_per_image_mean, figures.boxes_per_image_median, figures.boxes_per_image_most) == (2.25, 2, 5)
    assert dict(figures.boxes_per_image) == {
        "0": 1, "1": 0, "2": 2, "3 to 4": 0, "5 to 8": 1, "9 to 16": 0, "17 to 32": 0, "33 to 64": 0, "65 and more": 0,
    }  # fmt: skip
    # A box whose sides are in the wrong order has no area.
    assert [count for _, count in figures.box_sides] == [2, 0, 0, 0, 5, 2]
    assert figures.flags["IsGroupOf"] == {"unknown": 1, "no": 7, "yes": 1}
    assert figures.flags["IsOccluded"] == {"unknown": 0, "no": 7, "yes": 2}
    assert figures.group_of_share == 1 / 9
    assert figures.image_labels == {"positive": 2, "negative": 1, "other": 1}
    assert figures.rotations == {"unknown": 1, "0°": 1, "90°": 1, "180°": 0, "270°": 1}
    assert (figures.known_sizes, figures.median_width, figures.median_height) == (3, 200, 100)


def test_classes_come_by_falling_count(figures: Stats) -> None:
    rows = [
        (item.name, item.boxes, item.images, item.group_of, item.positive, item.negative) for item in figures.classes
    ]
    assert rows == [("Dog", 6, 2, 0, 0, 0), ("Cat", 3, 2, 1, 2, 1), ("Yeti", 0, 0, 0, 0, 0)]


def test_an_image_in_which_a_class_was_seen_twice_counts_once(tmp_path: Path) -> None:
    labels = [f"a,v,{CAT},1", f"a,m,{CAT},1", f"b,v,{CAT},1", f"b,v,{CAT},0", f"b,m,{CAT},0", f"b,m,{CAT},0.5"]
    figures = stats_of(Dataset(write_folder(tmp_path / "set", [], labels=labels, images=["a,,,", "b,,,"])))
    (cat,) = [item for item in figures.classes if item.name == "Cat"]
    assert (cat.positive, cat.negative) == (2, 1)


@pytest.mark.parametrize("chunk", [1, 2, 3, 7])
def test_rows_in_many_chunks_give_the_same(tmp_path: Path, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [box_row(f"i{number % 5}", (CAT, DOG)[number % 3 == 0]) for number in range(23)]
    labels = [f"i{number % 5},v,{(CAT, DOG)[number % 3 == 0]},{number % 2}" for number in range(40)]
    dataset = Dataset(write_folder(tmp_path / "set", [*rows, box_row("z")], labels=labels))
    whole = stats_of(dataset)
    monkeypatch.setattr(module, "_CHUNK_ROWS", chunk)
    assert stats_of(dataset) == whole


def test_they_are_json(figures: Stats) -> None:
    assert json.loads(json.dumps(figures.to_dict()))["classes"][0]["name"] == "Dog"


def test_an_empty_set_has_figures(tmp_path: Path) -> None:
    figures = stats_of(Dataset(write_folder(tmp_path / "set", [])))
    assert (figures.images, figures.boxes, figures.group_of_share) == (0, 0, 0)
