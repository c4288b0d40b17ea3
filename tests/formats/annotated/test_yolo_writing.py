"""YOLO as it is written: splits in lists, classes of all splits, and ids that stay."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from boxable.datasets import annotated_tables, layout
from boxable.datasets.hash_split import is_validation
from boxable.errors import ArgumentError
from boxable.openimages.convert_set import convert
from boxable.openimages.split import split
from tests.openimages.made import CAT, DOG, box, rows_of, write_csv, write_set

IDS = [f"i{number:02}" for number in range(20)]
PARTS = {"train": "train", "validation": "val", "test": "test"}


def subsets_of(folder: Path) -> dict[str, str]:
    return {image.image_id: image.split for image in annotated_tables.read(folder).images}


def with_classes(folder: Path, *rows: tuple[str, str]) -> Path:
    write_csv(folder / "classes.csv", ("LabelName", "DisplayName"), rows)
    return folder


def with_subsets(folder: Path, subsets: dict[str, str]) -> Path:
    source = write_set(folder, [box(name) for name in subsets])
    write_csv(source / "images.csv", ("ImageID", "Subset"), subsets.items())
    return source


def labels_by_ultralytics(folder: Path) -> dict[str, list[list[float]]]:
    """The rows of each image that data.yaml leads to, found as Ultralytics' `get_img_files` does."""
    content = yaml.safe_load((folder / "data.yaml").read_text("utf-8"))
    found = {}
    for key in ("train", "val", "test"):
        if key not in content:
            continue
        place = folder / content[key]
        if place.is_dir():
            photos = [str(path) for path in place.rglob("*.jpg")]
        else:
            lines = place.read_text().splitlines()
            photos = [line.replace("./", f"{place.parent}/") if line.startswith("./") else line for line in lines]
        for photo in photos:
            labels = Path("/labels/".join(photo.rsplit("/images/", 1)).rsplit(".", 1)[0] + ".txt")
            rows = labels.read_text().splitlines()
            found[f"{key}/{Path(photo).stem}"] = [[*map(float, row.split())] for row in rows]
    return found


@pytest.mark.parametrize("beside", [True, False])
def test_what_split_leaves_becomes_one_data_yaml(tmp_path: Path, beside: bool) -> None:
    source = write_set(tmp_path / "set", [box(name) for name in IDS])
    where = source if beside else tmp_path / "parts"
    split(source, where)
    assert not any("train" in note for note in convert(where, tmp_path / "yolo", "yolo"))
    content = yaml.safe_load((tmp_path / "yolo" / "data.yaml").read_text())
    assert [content.get(key) for key in ("train", "val", "test", "path")] == ["train.txt", "val.txt", None, None]
    found = labels_by_ultralytics(tmp_path / "yolo")
    assert set(found) == {f"{'val' if is_validation(name) else 'train'}/{name}" for name in IDS}
    assert all(len(rows) == 1 for rows in found.values())
    convert(tmp_path / "yolo", tmp_path / "back", "parquet")
    assert subsets_of(tmp_path / "back") == {
        name: "validation" if is_validation(name) else "train" for name in IDS
    }  # fmt: skip


def test_a_part_without_images_is_made_and_named(tmp_path: Path) -> None:
    source = write_set(tmp_path / "set", [box("a"), box("b")])
    split(source, source, 1000)
    notes = convert(source, tmp_path / "yolo", "yolo")
    assert any("val.txt is empty" in note for note in notes)
    assert (tmp_path / "yolo" / "val.txt").read_text() == ""


def test_parts_share_their_numbers_of_classes(tmp_path: Path) -> None:
    with_classes(write_set(tmp_path / "set" / "train", [box("a", CAT)]), (CAT, "Cat"), ("user/yeti", "Yeti"))
    part = write_set(tmp_path / "set" / "test", [box("b", DOG), box("c", "user/elf"), box("c", "user/yeti")])
    with_classes(part, (DOG, "Dog"), ("user/elf", "Elf"), ("user/yeti", "Yeti"))
    convert(tmp_path / "set", tmp_path / "yolo", "yolo")
    names = yaml.safe_load((tmp_path / "yolo" / "data.yaml").read_text())["names"]
    assert names == {0: "Cat", 1: "Yeti", 2: "Dog", 3: "Elf"}
    numbers = {name: [row[0] for row in rows] for name, rows in labels_by_ultralytics(tmp_path / "yolo").items()}
    assert numbers == {"train/a": [0], "test/b": [2], "test/c": [3, 1]}
    assert [row["LabelName"] for row in rows_of(tmp_path / "yolo" / "classes.csv")] == [
        CAT, "user/yeti", DOG, "user/elf"
    ]  # fmt: skip


def test_one_name_for_two_classes_is_an_error_that_names_the_folder(tmp_path: Path) -> None:
    with_classes(write_set(tmp_path / "set" / "train", [box("a", "user/one")]), ("user/one", "Yeti"))
    with_classes(write_set(tmp_path / "set" / "validation", [box("b", "user/two")]), ("user/two", "yeti"))
    with pytest.raises(ArgumentError, match=r"set: classes of its splits .*same name"):
        convert(tmp_path / "set", tmp_path / "yolo", "yolo")


def test_what_parts_lose_is_counted_together(tmp_path: Path) -> None:
    write_set(tmp_path / "set" / "train", [box("a", flags=(1, 0, 1, 0, 0))], [("a", "verification", CAT, 1)])
    plain = write_set(tmp_path / "set" / "validation", [box("b"), box("c")])
    header = ("ImageID", "LabelName", "XMin", "XMax", "YMin", "YMax", "IsOccluded")
    write_csv(plain / "annotations-bbox.csv", header, [(name, CAT, 0, 1, 0, 1, 1) for name in "bc"])
    notes = convert(tmp_path / "set", tmp_path / "yolo", "yolo")
    assert "3 flags IsOccluded, which YOLO does not hold: dropped" in notes
    assert "1 flag IsGroupOf, which YOLO does not hold: dropped" in notes
    assert "1 image label, which YOLO does not hold: dropped" in notes


def test_an_image_in_two_parts_is_an_error(tmp_path: Path) -> None:
    write_set(tmp_path / "set" / "train", [box("a"), box("b")])
    write_set(tmp_path / "set" / "validation", [box("b")])
    with pytest.raises(ArgumentError, match=r"image 'b' is in .*train too"):
        convert(tmp_path / "set", tmp_path / "yolo", "yolo")
    assert not (tmp_path / "yolo").exists()


def test_parts_of_another_state_of_the_folder_are_not_taken(tmp_path: Path) -> None:
    source = write_set(tmp_path / "set", [box(name) for name in IDS])
    split(source, source)
    write_set(source, [box(name) for name in [*IDS, "more"]])
    with pytest.raises(ArgumentError, match=r"have 20 images.* 21 .*remove these splits and split it again"):
        convert(source, tmp_path / "yolo", "yolo")
    convert(source, tmp_path / "c.json", "coco")


@pytest.mark.parametrize("to", ["openimages", "parquet"])
def test_in_tables_the_parts_are_in_the_column_subset(tmp_path: Path, to: str) -> None:
    for part in ("train", "validation"):
        write_set(tmp_path / "set" / part, [box(part)])
    convert(tmp_path / "set", tmp_path / "whole", to)
    assert subsets_of(tmp_path / "whole") == {"train": "train", "validation": "validation"}


def test_one_part_alone_is_the_set_unless_it_has_tables_itself(tmp_path: Path) -> None:
    write_set(tmp_path / "set" / "train", [box("a")])
    convert(tmp_path / "set", tmp_path / "part", "yolo")
    assert [path.name for path in (tmp_path / "part" / "labels").iterdir()] == ["a.txt"]
    write_set(tmp_path / "set", [box("b")])
    convert(tmp_path / "set", tmp_path / "yolo", "yolo")
    assert [path.name for path in (tmp_path / "yolo" / "labels").iterdir()] == ["b.txt"]


@pytest.mark.parametrize("subsets", [("train", "validation"), ("train", "validation", "test"), ("validation", "test")])
def test_the_column_subset_makes_parts_and_comes_back(tmp_path: Path, subsets: Sequence[str]) -> None:
    wanted = {f"i-{subset}": subset for subset in subsets}
    notes = convert(with_subsets(tmp_path / "set", wanted), tmp_path / "yolo", "yolo")
    assert any("train.txt is empty" in note for note in notes) == ("train" not in subsets)
    assert set(labels_by_ultralytics(tmp_path / "yolo")) == {f"{PARTS[subset]}/i-{subset}" for subset in subsets}
    content = yaml.safe_load((tmp_path / "yolo" / "data.yaml").read_text())
    assert {"train", "val"} <= content.keys()  # Ultralytics wants both
    assert all((tmp_path / "yolo" / content[key]).is_file() for key in ("train", "val", "test") if key in content)
    convert(tmp_path / "yolo", tmp_path / "back", "openimages")
    assert {str(row["ImageID"]): row["Subset"] for row in rows_of(tmp_path / "back" / "images.csv")} == wanted


def test_an_image_of_unknown_subset_trains_and_is_counted(tmp_path: Path) -> None:
    source = with_subsets(tmp_path / "set", {"a": "train", "b": "validation", "c": "", "d": "challenge"})
    notes = convert(source, tmp_path / "yolo", "yolo")
    assert "2 images of an unknown split: put into train" in notes
    assert set(labels_by_ultralytics(tmp_path / "yolo")) == {"train/a", "val/b", "train/c", "train/d"}


def test_a_set_that_is_not_divided_says_how_to_divide_it(tmp_path: Path) -> None:
    source = with_subsets(tmp_path / "set", {"a": "validation", "b": "validation"})
    (note,) = [note for note in convert(source, tmp_path / "yolo", "yolo") if "data.yaml" in note]
    assert "same images for train and val" in note
    assert "boxable data split" in note
    content = yaml.safe_load((tmp_path / "yolo" / "data.yaml").read_text())
    assert (content["train"], content["val"]) == ("images", "images")
    assert set(labels_by_ultralytics(tmp_path / "yolo")) == {"train/a", "val/a", "train/b", "val/b"}
    convert(tmp_path / "yolo", tmp_path / "back", "parquet")
    assert subsets_of(tmp_path / "back") == {"a": "", "b": ""}


def test_ids_and_splits_come_back_without_images_too(tmp_path: Path) -> None:
    wanted = {"a": "train", "b.c": "validation", "x__1": "train"}
    convert(with_subsets(tmp_path / "set", wanted), tmp_path / "yolo", "yolo", image_mode="none")
    convert(tmp_path / "yolo", tmp_path / "parquet", "parquet")
    assert subsets_of(tmp_path / "parquet") == wanted


def test_parts_keep_a_folder_of_another_layout_out(tmp_path: Path) -> None:
    for part in ("train", "validation"):
        write_set(tmp_path / "set" / part, [box(part)])
    layout.write_description(tmp_path / "set" / "train", {"layout": 0})
    with pytest.raises(ArgumentError, match="layout 0"):
        convert(tmp_path / "set", tmp_path / "yolo", "yolo")
