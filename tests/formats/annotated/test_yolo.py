"""YOLO in parts: data.yaml that says what trains and what validates, of ours and of others."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import yaml

from boxable.datasets import annotated_tables, layout
from boxable.errors import ArgumentError
from boxable.openimages.convert_set import convert
from boxable.openimages.split import is_validation, split
from tests.openimages.made import CAR, CAT, DOG, box, jpeg, rows_of, write_csv, write_set

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
    """The rows of each image that data.yaml leads to, found as Ultralytics' `img2label_paths` does."""
    content = yaml.safe_load((folder / "data.yaml").read_text("utf-8"))
    found = {}
    for key in ("train", "val", "test"):
        for photo in sorted((folder / content[key]).rglob("*.jpg")) if key in content else ():
            labels = Path("/labels/".join(str(photo).rsplit("/images/", 1)).rsplit(".", 1)[0] + ".txt")
            found[f"{key}/{photo.stem}"] = [[*map(float, line.split())] for line in labels.read_text().splitlines()]
    return found


@pytest.mark.parametrize("beside", [True, False])
def test_what_split_leaves_becomes_one_data_yaml(tmp_path: Path, beside: bool) -> None:
    source = write_set(tmp_path / "set", [box(name) for name in IDS])
    where = source if beside else tmp_path / "parts"
    split(source, where)
    assert not any("train" in note for note in convert(where, tmp_path / "yolo", "yolo"))
    content = yaml.safe_load((tmp_path / "yolo" / "data.yaml").read_text())
    assert [content.get(key) for key in ("train", "val", "test", "path")] == ["images/train", "images/val", None, None]
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
    assert any("images/val is empty" in note for note in notes)
    assert list((tmp_path / "yolo" / "images" / "val").iterdir()) == []


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
    with pytest.raises(ArgumentError, match=r"set: classes of its parts .*same name"):
        convert(tmp_path / "set", tmp_path / "yolo", "yolo")


def test_what_parts_lose_is_counted_together(tmp_path: Path) -> None:
    write_set(tmp_path / "set" / "train", [box("a", flags=(1, 0, 1, 0, 0))], [("a", "verification", CAT, 1)])
    plain = write_set(tmp_path / "set" / "validation", [box("b"), box("c")])
    header = ("ImageID", "LabelName", "XMin", "XMax", "YMin", "YMax", "IsOccluded")
    write_csv(plain / "annotations-bbox.csv", header, [(name, CAT, 0, 1, 0, 1, 1) for name in "bc"])
    notes = convert(tmp_path / "set", tmp_path / "yolo", "yolo")
    assert "flags IsOccluded, which YOLO does not hold: 3 dropped" in notes
    assert "flags IsGroupOf, which YOLO does not hold: 1 dropped" in notes
    assert "image labels, which YOLO does not hold: 1 dropped" in notes


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
    with pytest.raises(ArgumentError, match=r"have 20 images.* 21 .*remove these parts and split it again"):
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
    assert any("images/train is empty" in note for note in notes) == ("train" not in subsets)
    assert set(labels_by_ultralytics(tmp_path / "yolo")) == {f"{PARTS[subset]}/i-{subset}" for subset in subsets}
    content = yaml.safe_load((tmp_path / "yolo" / "data.yaml").read_text())
    assert {"train", "val"} <= content.keys()  # Ultralytics wants both
    assert all((tmp_path / "yolo" / content[key]).is_dir() for key in ("train", "val", "test") if key in content)
    convert(tmp_path / "yolo", tmp_path / "back", "openimages")
    assert {str(row["ImageID"]): row["Subset"] for row in rows_of(tmp_path / "back" / "images.csv")} == wanted


def test_an_image_of_unknown_subset_trains_and_is_counted(tmp_path: Path) -> None:
    source = with_subsets(tmp_path / "set", {"a": "train", "b": "validation", "c": "", "d": "challenge"})
    notes = convert(source, tmp_path / "yolo", "yolo")
    assert "images of an unknown split, which went to train: 2" in notes
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


def others(folder: Path, content: str, *photos: str) -> Path:
    """A set of somebody else: data.yaml, and images with a box each, by Ultralytics' rule."""
    folder.mkdir()
    (folder / "data.yaml").write_text(f"names: [cat, car]\n{content}\n")
    for photo in photos:
        path = folder / photo
        labels = Path("/labels/".join(str(path).rsplit("/images/", 1))).with_suffix(".txt")
        for place in (path, labels):
            place.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg())
        labels.write_text("1 0.5 0.5 0.5 0.5\n")
    return folder


ROBOFLOW = ("train/images/a.jpg", "valid/images/b.jpg")
ULTRALYTICS = ("images/train/a.jpg", "images/val/b.jpg")
LAYOUTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "Roboflow": ("train: ../train/images\nval: ../valid/images\ntest: ''", ROBOFLOW),
    "Roboflow, repaired": ("train: train/images\nval: valid/images", ROBOFLOW),
    "Ultralytics": ("train: images/train\nval: images/val\ntest:", ULTRALYTICS),
    "a path": ("path: .\ntrain: images/train\nval: images/val/", ULTRALYTICS),
    "a path of another machine": ("path: /content/datasets/pets\ntrain: images/train\nval: images/val", ULTRALYTICS),
    "a path that leads up and back": ("path: ../set\ntrain: images/train\nval: images/val", ULTRALYTICS),
    "a path into it": ("path: in\ntrain: images/train\nval: images/val", tuple(f"in/{name}" for name in ULTRALYTICS)),
    "lists": ("train: [images/train]\nval:\n- images/val", ULTRALYTICS),
    "validation": ("train: images/train\nvalidation: images/val", ULTRALYTICS),
    "folders above": ("train: train\nval: valid", ROBOFLOW),
    "labels beside": ("train: here\nval: there", ("here/a.jpg", "there/b.jpg")),
    "images in images": ("train: images/images/x\nval: images/val", ("images/images/x/a.jpg", "images/val/b.jpg")),
    "test is val": ("train: images/train\nval: images/val\ntest: images/val", ULTRALYTICS),
}


@pytest.mark.parametrize(("content", "photos"), LAYOUTS.values(), ids=LAYOUTS)
def test_layouts_in_use_are_read_with_their_parts(tmp_path: Path, content: str, photos: tuple[str, ...]) -> None:
    source = others(tmp_path / "set", content, *photos)
    assert convert(source, tmp_path / "parquet", "parquet") == []
    found = {image.image_id: image for image in annotated_tables.read(tmp_path / "parquet").images}
    assert {name: image.split for name, image in found.items()} == {"a": "train", "b": "validation"}
    assert [image.labels for image in found.values()] == [[CAR], [CAR]]
    assert all(image.file for image in found.values())
    convert(source, tmp_path / "yolo", "yolo")
    assert set(labels_by_ultralytics(tmp_path / "yolo")) == {"train/a", "val/b"}


def test_a_relative_source_is_read_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = others(tmp_path / "set", "train: ../train/images\nval: ../valid/images", *ROBOFLOW)
    monkeypatch.chdir(source)
    convert(Path(), tmp_path / "parquet", "parquet")
    assert subsets_of(tmp_path / "parquet") == {"a": "train", "b": "validation"}


@pytest.mark.parametrize("content", ["", "train: images\nval: images", "train: ./images\nval: [images/]"])
def test_one_folder_for_train_and_val_is_no_subset(tmp_path: Path, content: str) -> None:
    source = others(tmp_path / "set", content, "images/a.jpg", "images/more/b.jpg")
    convert(source, tmp_path / "parquet", "parquet")
    assert subsets_of(tmp_path / "parquet") == {"a": "", "b": ""}


def test_parts_without_photos_are_read_by_their_labels(tmp_path: Path) -> None:
    source = with_subsets(tmp_path / "set", {"a": "train", "b": "validation"})
    convert(source, tmp_path / "yolo", "yolo", image_mode="none")
    (tmp_path / "yolo" / "images" / "train").rmdir()
    convert(tmp_path / "yolo", tmp_path / "parquet", "parquet")
    assert subsets_of(tmp_path / "parquet") == {"a": "train", "b": "validation"}


def test_a_folder_of_test_that_is_not_there_is_counted(tmp_path: Path) -> None:
    source = others(tmp_path / "set", "train: ../train/images\nval: ../valid/images\ntest: ../test/images", *ROBOFLOW)
    (note,) = convert(source, tmp_path / "parquet", "parquet")
    assert "folders of test" in note
    assert "'../test/images'" in note


def test_a_data_folder_with_a_data_yaml_of_ones_own_stays_one(tmp_path: Path) -> None:
    source = write_set(tmp_path / "set", [box("a")])
    (source / "data.yaml").write_text("names: [cat]\ntrain: ../elsewhere\nval: ../elsewhere\n")
    convert(source, tmp_path / "voc", "voc")
    assert (tmp_path / "voc" / "Annotations" / "a.xml").is_file()


def outside(folder: Path) -> Path:
    others(folder.parent / "other", "", "images/a.jpg")
    return others(folder, "train: ../other/images\nval: images/val", "images/val/b.jpg")


def unlabelled(folder: Path) -> Path:
    others(folder, "train: images/train\nval: images/val", *ULTRALYTICS)
    shutil.rmtree(folder / "labels" / "val")
    return folder


def twice(folder: Path) -> Path:
    return others(folder, "train: images/train\nval: images/val", "images/train/a.jpg", "images/val/a.png")


def unnamed(folder: Path) -> Path:
    others(folder, "", *ROBOFLOW)
    (folder / "data.yaml").unlink()
    return folder


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "outside": (outside, "train is '../other/images', no folder below .*expected data.yaml with names:"),
    "absolute": (lambda folder: others(folder, "train: /etc\nval: images/val", *ULTRALYTICS), "train is '/etc', no"),
    "not there": (lambda folder: others(folder, "train: images/tain\nval: images/val", *ULTRALYTICS), "/tain', no"),
    "no name": (lambda folder: others(folder, f"train: {'x' * 5000}\nval: images/val", *ULTRALYTICS), "x', no"),
    "no text": (lambda folder: others(folder, r'train: "\ud800\0"', *ULTRALYTICS), "no folder below"),
    "a list of images": (lambda folder: others(folder, "train: train.txt", *ULTRALYTICS), "a list of images; expected"),
    "a mapping": (lambda folder: others(folder, "train: {a: b}", *ULTRALYTICS), "neither a folder nor a list"),
    "lists in a list": (lambda folder: others(folder, "train: [[a]]", *ULTRALYTICS), "neither a folder nor a list"),
    "one in the other": (
        lambda folder: others(folder, "train: images\nval: images/val", *ULTRALYTICS), "images/val is in images, which"
    ),
    "one name in two parts": (twice, r"a\.png: another image is called so: .*a\.jpg"),
    "no labels": (unlabelled, "labels/val: no such folder; expected the labels of .*images/val there"),
    "no keys": (lambda folder: others(folder, "", *ROBOFLOW), "data.yaml: no folders of images; expected data.yaml"),
    "no data.yaml": (unnamed, "no data.yaml and no classes.txt.*; expected data.yaml with names:"),
}  # fmt: skip


@pytest.mark.parametrize("to", ["parquet", "yolo"])
@pytest.mark.parametrize(("make", "says"), BAD.values(), ids=BAD)
def test_what_cannot_be_read_is_one_line_that_says_what_was_expected(
    tmp_path: Path, make: Callable[[Path], Path], says: str, to: str
) -> None:
    source = make(tmp_path / "set")
    with pytest.raises(ArgumentError, match=says) as caught:
        convert(source, tmp_path / "out", to)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600
    assert not (tmp_path / "out").exists()


def test_parts_keep_a_folder_of_another_layout_out(tmp_path: Path) -> None:
    for part in ("train", "validation"):
        write_set(tmp_path / "set" / part, [box(part)])
    layout.write_description(tmp_path / "set" / "train", {"layout": 0})
    with pytest.raises(ArgumentError, match="layout 0"):
        convert(tmp_path / "set", tmp_path / "yolo", "yolo")
