"""Where YOLO sets of others have their images, labels and splits."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from boxable.errors import ArgumentError
from boxable.formats.annotated import yolo
from boxable.formats.annotated.image import AnnotatedSet
from tests.formats.annotated.sets import PICTURE, by_id, file_of, write_files

LINE = "0 0.5 0.5 0.5 0.5\n"
NAMES = "names: [cat, dog]\n"
TRAIN, VAL, TEST = "train", "validation", "test"
ROBOFLOW = ("train/images/a.jpg", "valid/images/b.jpg")
ULTRALYTICS = ("images/train/a.jpg", "images/val/b.jpg")
KEYS = "train: images/train\nval: images/val\n"


def labels_of(image: str) -> str:
    """By the rule of Ultralytics."""
    return "/labels/".join(f"/{image}".rsplit("/images/", 1)).rsplit(".", 1)[0].strip("/") + ".txt"


def labelled(*images: str, **others: str) -> dict[str, str | bytes]:
    """The files of these images, each with one box."""
    files: dict[str, str | bytes] = dict.fromkeys(images, PICTURE)
    return files | {labels_of(image): LINE for image in images} | others


def described(yaml: str, *images: str, **files: str) -> dict[str, str | bytes]:
    return {"data.yaml": NAMES + yaml, **labelled(*images), **files}


def read(folder: Path, files: Mapping[str, str | bytes]) -> AnnotatedSet:
    return yolo.read(write_files(folder, files))


ROBOFLOW_FOUND = {"train__a": (TRAIN, ROBOFLOW[0]), "valid__b": (VAL, ROBOFLOW[1])}
FOUND = {"train__a": (TRAIN, ULTRALYTICS[0]), "val__b": (VAL, ULTRALYTICS[1])}
FLAT = ("images/a.jpg", "images/b.jpg")
FLAT_FOUND = {"a": (TRAIN, FLAT[0]), "b": (VAL, FLAT[1])}
DARKNET = ("obj_train_data/a.jpg", "obj_valid_data/b.jpg")
DARKNET_FOUND = {"obj_train_data__a": (TRAIN, DARKNET[0]), "obj_valid_data__b": (VAL, DARKNET[1])}
Found = dict[str, tuple[str, str | None]]
LAYOUTS: dict[str, tuple[dict[str, str | bytes], Found]] = {
    "Roboflow": (described("train: ../train/images\nval: ../valid/images\ntest: ''", *ROBOFLOW), ROBOFLOW_FOUND),
    "Roboflow, repaired": (described("train: train/images\nval: valid/images", *ROBOFLOW), ROBOFLOW_FOUND),
    "Roboflow, without keys": (described("", *ROBOFLOW), ROBOFLOW_FOUND),
    "Roboflow, Darknet": (
        labelled("train/a.jpg", "valid/b.jpg")
        | {"train/_darknet.labels": "cat\ndog\n", "valid/_darknet.labels": "cat\ndog\n", "README.roboflow.txt": "Pets"},
        {"train__a": (TRAIN, "train/a.jpg"), "valid__b": (VAL, "valid/b.jpg")},
    ),
    "Ultralytics": (described(KEYS + "test:", *ULTRALYTICS), FOUND),
    "without keys": (described("", *ULTRALYTICS), FOUND),
    "valid": (described("train: images/train\nvalid: images/val", *ULTRALYTICS), FOUND),
    "path .": (described("path: .\n" + KEYS, *ULTRALYTICS), FOUND),
    "path of another machine": (described("path: /content/datasets/pets\n" + KEYS, *ULTRALYTICS), FOUND),
    "path of another folder": (described("path: ../datasets/pets\n" + KEYS, *ULTRALYTICS), FOUND),
    "path up and back": (described("path: ../set\n" + KEYS, *ULTRALYTICS), FOUND),
    "path of Windows": (described("path: C:\\data\\pets\n" + KEYS, *ULTRALYTICS), FOUND),
    "Windows": (described("train: images\\train\nval: .\\images\\val\\\n", *ULTRALYTICS), FOUND),
    "absolute, Windows": (
        described("train: D:\\data\\pets\\images\\train\nval: D:/data/pets/images/val\n", *ULTRALYTICS), FOUND
    ),
    "absolute": (described("train: /home/me/pets/images/train\nval: /home/me/pets/images/val\n", *ULTRALYTICS), FOUND),
    "path into it": (
        described("path: in\n" + KEYS, *(f"in/{name}" for name in ULTRALYTICS)),
        {f"in__{name}": (split, f"in/{path}") for name, (split, path) in FOUND.items()},
    ),
    "lists of folders": (described("train: [images/train]\nval:\n- images/val", *ULTRALYTICS), FOUND),
    "folders above": (described("train: train\nval: valid", *ROBOFLOW), ROBOFLOW_FOUND),
    "labels beside": (
        described("train: here\nval: there", "here/a.jpg", "there/b.jpg"),
        {"here__a": (TRAIN, "here/a.jpg"), "there__b": (VAL, "there/b.jpg")},
    ),
    "labels beside, in images": (
        {"data.yaml": NAMES + "train: images\nval: images", "images/a.jpg": PICTURE, "images/a.txt": LINE},
        {"a": ("", "images/a.jpg")},
    ),
    "labels below the images": (
        {"classes.txt": "cat", "a.jpg": PICTURE, "labels/a.txt": LINE}, {"a": ("", "a.jpg")}
    ),
    "images in images": (
        described("train: images/images/x\nval: images/val", "images/images/x/a.jpg", "images/val/b.jpg"),
        {"x__a": (TRAIN, "images/images/x/a.jpg"), "val__b": (VAL, "images/val/b.jpg")},
    ),
    "test is val": (described(KEYS + "test: images/val", *ULTRALYTICS), FOUND),
    "one folder": (
        described("train: ./images\nval: [images/]", "images/a.jpg", "images/more/b.jpg"),
        {"a": ("", "images/a.jpg"), "more__b": ("", "images/more/b.jpg")},
    ),
    "LabelImg": (
        {"a.jpg": PICTURE, "a.txt": LINE, "classes.txt": "cat\n"}, {"a": ("", "a.jpg")}
    ),
    "Label Studio": (
        {"classes.txt": "cat\n", "notes.json": "{}", "images/a.jpg": PICTURE, "labels/a.txt": LINE},
        {"a": ("", "images/a.jpg")},
    ),
    "CVAT, YOLO 1.1": (
        labelled("obj_train_data/a.jpg") | {
            "obj.names": "cat\ndog\n", "obj.data": "classes = 2\ntrain = data/train.txt\nnames = data/obj.names\n",
            "train.txt": "data/obj_train_data/a.jpg\n",
        },
        {"obj_train_data__a": (TRAIN, "obj_train_data/a.jpg")},
    ),
    "CVAT, YOLO 1.1, two lists": (
        labelled(*DARKNET) | {
            "obj.names": "cat\n", "obj.data": "train = data/train.txt\nvalid = data/valid.txt\nbackup = backup/\n",
            "train.txt": f"data/{DARKNET[0]}\n", "valid.txt": f"data/{DARKNET[1]}\n",
        },
        DARKNET_FOUND,
    ),
    "Darknet": (
        labelled("data/obj/a.jpg", "data/obj/b.jpg") | {
            "data/obj.names": "cat\n", "data/obj.data": "train = data/train.txt\r\nvalid = data\\test.txt\r\n",
            "data/train.txt": "data/obj/a.jpg\n", "data/test.txt": "data\\obj\\b.jpg\n", "data/._obj.data": b"\0\5",
        },
        {"obj__a": (TRAIN, "data/obj/a.jpg"), "obj__b": (VAL, "data/obj/b.jpg")},
    ),
    "Darknet without lists": (labelled(*DARKNET) | {"obj.names": "cat\n"}, DARKNET_FOUND),
    "CVAT, Ultralytics": (
        described("path: .\ntrain: train.txt\nval: val.txt\n", *ULTRALYTICS)
        | {"train.txt": f"data/{ULTRALYTICS[0]}\n", "val.txt": f"data/{ULTRALYTICS[1]}\n"},
        FOUND,
    ),
    "CVAT, without images": (
        {"data.yaml": NAMES + "train: train.txt\n", "train.txt": "data/images/train/a.jpg\n",
         "labels/train/a.txt": LINE},
        {"train__a": (TRAIN, None)},
    ),
    "lists without data.yaml": (
        labelled(*FLAT) | {"classes.txt": "cat", "train.txt": "./images/a.jpg\n", "val.txt": "images/b.jpg\n"},
        FLAT_FOUND,
    ),
    "FiftyOne, YOLOv4": (
        labelled("data/a.jpg") | {"obj.names": "cat\n", "images.txt": "data/a.jpg\n", "data/a.txt": LINE},
        {"a": ("", "data/a.jpg")},
    ),
    "labels alone": ({"data.yaml": NAMES, "labels/train/a.txt": LINE, "labels/b.txt": ""},
                     {"train__a": (TRAIN, None), "b": ("", None)}),
    "clutter": (
        described(KEYS, *ULTRALYTICS) | {"images/train/._a.jpg": b"x", "labels/train/._a.txt": b"\0\5\xff",
                                         "__MACOSX/images/train/a.jpg": b"x", "images/Thumbs.db": b"x"},
        FOUND,
    ),
    "capitals": (
        {"DATA.YAML": NAMES + "train: Images\\Train\nval: VAL.TXT\n", "VAL.TXT": "IMAGES/VAL/B.jpg\n",
         "IMAGES/TRAIN/A.JPG": PICTURE, "IMAGES/VAL/b.JPG": PICTURE, "LABELS/TRAIN/a.TXT": LINE,
         "LABELS/VAL/B.txt": LINE},
        {"TRAIN__A": (TRAIN, "IMAGES/TRAIN/A.JPG"), "VAL__b": (VAL, "IMAGES/VAL/b.JPG")},
    ),
    "of a model's runs": (described("", *FLAT) | {"runs/predict/x.jpg": PICTURE},
                          {"a": ("", FLAT[0]), "b": ("", FLAT[1])}),
}  # fmt: skip


@pytest.mark.parametrize(("files", "expected"), LAYOUTS.values(), ids=LAYOUTS)
def test_layouts_in_use_are_read_with_their_splits(
    tmp_path: Path, files: dict[str, str | bytes], expected: Found
) -> None:
    found = read(tmp_path / "set", files)
    images = by_id(found)
    assert yolo.is_yolo(tmp_path / "set")
    assert {name: (image.split, file_of(image, tmp_path / "set")) for name, image in images.items()} == expected
    assert {len(image.labels) for name, image in images.items() if name != "b" or image.file} == {1}
    assert found.splits == tuple(split for split in (TRAIN, VAL, TEST) if split in {s for s, _ in expected.values()})
    assert not found.findings


@pytest.mark.parametrize(
    "line",
    [
        "./images/a.jpg", "images/a.jpg", "images\\a.jpg", ".\\images\\a.jpg", "/home/me/pets/images/a.jpg",
        "C:\\pets\\images\\a.jpg", "../pets/images/a.jpg", "data/images/a.jpg", "build/darknet/x64/data/images/a.jpg",
        "images/more/../a.jpg", "  images/a.jpg  \r",
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["train.txt", "lists/train.txt"])
def test_lists_of_images_are_read_as_they_are_written(tmp_path: Path, line: str, place: str) -> None:
    files = described(f"train: {place}\nval: images/val", "images/a.jpg", "images/val/b.jpg", "images/c.jpg")
    found = by_id(read(tmp_path, files | {place: f"\ufeff{line}\n\n"}))
    assert {name: image.split for name, image in found.items()} == {"a": TRAIN, "val__b": VAL}


def test_a_dot_in_a_list_is_the_folder_of_the_list(tmp_path: Path) -> None:
    files = described("train: lists/train.txt\nval: images", "images/a.jpg", "lists/images/a.jpg")
    found = by_id(read(tmp_path, files | {"lists/train.txt": "./images/a.jpg\n"}))
    assert {name: image.split for name, image in found.items()} == {"lists__a": TRAIN, "a": VAL}


def test_images_that_a_list_names_in_vain_are_counted(tmp_path: Path) -> None:
    files = described("train: train.txt\nval: images/val", *FLAT, "images/val/c.jpg")
    found = read(tmp_path, files | {"train.txt": "images/a.jpg\nimages/x.jpg\n"})
    assert list(by_id(found)) == ["a", "val__c"]
    assert sorted(found.notes()) == [
        "1 YOLO label file whose image no split names (labels/b.txt): skipped",
        "1 image listed in train.txt but not there (images/x.jpg): dropped",
    ]


@pytest.mark.parametrize("same", ["train: images\nval: images", "train: a.txt\nval: b.txt"])
def test_one_part_for_train_and_val_is_no_split(tmp_path: Path, same: str) -> None:
    lines = "images/a.jpg\nimages/b.jpg\n"
    found = read(tmp_path, described(same, *FLAT) | {"a.txt": lines, "b.txt": lines})
    assert {image.split for image in by_id(found).values()} == {""}


@pytest.mark.parametrize("name", ["labels/README.txt", "labels/train/notes.txt", "labels/train/b.txt"])
@pytest.mark.parametrize("content", ["made by hand", "1. cat 2. dog", b"\xff\xfe\0\1", "1 2 3"])
def test_text_that_is_no_label_file_is_counted(tmp_path: Path, name: str, content: str | bytes) -> None:
    found = read(tmp_path, described(KEYS, *ULTRALYTICS) | {name: content})
    assert set(by_id(found)) == set(FOUND)
    assert found.notes() == [f"1 text file without YOLO labels ({name}): skipped"]


def test_a_label_file_of_an_image_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"labels/train/a\.txt, line 1: class 'made'"):
        by_id(read(tmp_path, described(KEYS, *ULTRALYTICS) | {"labels/train/a.txt": "made by hand"}))


def test_equal_names_in_two_splits_are_two_images(tmp_path: Path) -> None:
    found = by_id(read(tmp_path, described(KEYS, "images/train/a.jpg", "images/val/a.jpg")))
    assert {name: image.split for name, image in found.items()} == {"train__a": TRAIN, "val__a": VAL}


def test_images_in_a_folder_behind_a_link_are_found(tmp_path: Path) -> None:
    write_files(tmp_path / "elsewhere", labelled("images/train/a.jpg", "images/val/b.jpg"))
    write_files(tmp_path / "set", {"data.yaml": NAMES + KEYS})
    for name in ("images", "labels"):
        (tmp_path / "set" / name).symlink_to(tmp_path / "elsewhere" / name)
    (tmp_path / "elsewhere" / "images" / "loop").symlink_to(tmp_path / "elsewhere" / "images")
    assert list(by_id(yolo.read(tmp_path / "set"))) == ["train__a", "val__b"]


def test_a_relative_source_is_read_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write_files(tmp_path, described("train: ../train/images\nval: ../valid/images", *ROBOFLOW)))
    assert list(by_id(yolo.read(Path()))) == list(ROBOFLOW_FOUND)


@pytest.mark.parametrize("test", ["../test/images", "test.txt", "images/test"])
def test_a_test_split_that_is_not_there_or_unlabelled_is_counted(tmp_path: Path, test: str) -> None:
    files = described(f"{KEYS}test: {test}", *ULTRALYTICS) | {"images/test/c.jpg": PICTURE}
    found = read(tmp_path, files)
    assert list(by_id(found)) == list(FOUND)
    assert [finding.examples for finding in found.findings.values()] == [[test]]


BAD: dict[str, tuple[dict[str, str | bytes], str]] = {
    "outside": (
        described("train: ../other/images\nval: images/val", "images/val/b.jpg"),
        r"train is '\.\./other/images', no folder or list below .*expected data\.yaml with names:",
    ),
    "absolute": (described("train: /etc\nval: images/val", *ULTRALYTICS), "train is '/etc', no"),
    "not there": (described("train: images/tain\nval: images/val", *ULTRALYTICS), "/tain', no"),
    "no such list": (described("train: train.txt\nval: images/val", *ULTRALYTICS), "'train.txt', no"),
    "no name": (described(f"train: {'x' * 5000}\nval: images/val", *ULTRALYTICS), "x', no"),
    "no text": (described(r'train: "\ud800\0"', *ULTRALYTICS), "no folder or list below"),
    "a mapping": (described("train: {a: b}", *ULTRALYTICS), "neither a folder nor a list"),
    "lists in a list": (described("train: [[a]]", *ULTRALYTICS), "neither a folder nor a list"),
    "one in the other": (
        described("train: images\nval: images/val", *ULTRALYTICS), "images/val is in images, which"
    ),
    "one id": (
        described("", "images/a.jpg", "images/a.png"), r"a\.jpg and .*a\.png both have the image id 'a'"
    ),
    "no labels of a part": (
        {"data.yaml": NAMES + KEYS, **labelled(ULTRALYTICS[0]), ULTRALYTICS[1]: PICTURE},
        "labels/val: no such folder; expected the YOLO labels of .*images/val there",
    ),
    "no labels": ({"data.yaml": NAMES, "a.jpg": PICTURE}, "no labels of YOLO in this folder; expected data.yaml"),
    "a list in vain": (
        described("train: train.txt\nval: images/val", *ULTRALYTICS) | {"train.txt": "x.jpg\ny.jpg\n"},
        r"train\.txt: a YOLO list of 2 images, none of which is there: 'x\.jpg'",
    ),
    "a list that is no text": (
        described("train: train.txt\nval: images/val", *ULTRALYTICS) | {"train.txt": b"\xff\xfe"},
        r"train\.txt: not text",
    ),
    "no data.yaml": (labelled(*ROBOFLOW), "no data.yaml and no classes.txt.*; expected data.yaml with names:"),
}  # fmt: skip


@pytest.mark.parametrize(("files", "says"), BAD.values(), ids=BAD)
def test_what_cannot_be_read_is_one_line_that_says_what_was_expected(
    tmp_path: Path, files: dict[str, str | bytes], says: str
) -> None:
    with pytest.raises(ArgumentError, match=says) as caught:
        by_id(read(tmp_path / "set", files))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600
