"""From every form into every other: what a form holds comes back, what it does not is counted."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from boxable.datasets import annotated_tables, layout
from boxable.errors import ArgumentError
from boxable.formats.annotated.image import AnnotatedImage
from boxable.formats.annotated.tfrecord_framing import (
    BYTES,
    FLOATS,
    INTEGERS,
    Feature,
    example,
    parse_example,
    read_records,
    write_record,
)
from boxable.openimages.convert_set import convert
from boxable.vocabulary import open_images
from tests.datasets.reading import read_annotations
from tests.openimages.made import BOX_HEADER, CAR, CAT, DOG, box, rows_of, write_csv, write_set

FORMS = {"openimages": "csv", "parquet": "parquet", "coco": "c.json", "yolo": "yolo", "voc": "voc", "tfrecord": "t"}
HELD = {
    "openimages": ("IsOccluded", "IsTruncated", "IsGroupOf", "IsDepiction", "IsInside"),
    "parquet": ("IsOccluded", "IsTruncated", "IsGroupOf", "IsDepiction", "IsInside"),
    "coco": ("IsGroupOf",),
    "yolo": (),
    "voc": ("IsOccluded", "IsTruncated"),
    "tfrecord": ("IsOccluded", "IsTruncated", "IsGroupOf", "IsDepiction"),
}


def images_of(folder: Path) -> dict[str, AnnotatedImage]:
    return {image.image_id: image for image in annotated_tables.read(folder).images}


@dataclass
class There:
    """A form, and what came out of it again."""

    notes: list[str]
    back: Path


def there_and_back(source: Path, folder: Path, form: str) -> There:
    notes = convert(source, folder / FORMS[form], form, shards=3)
    convert(folder / FORMS[form], folder / "back", "parquet")
    return There(notes, folder / "back")


SIDES = st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)).map(lambda pair: tuple(sorted(n / 1e6 for n in pair)))
NAMES = st.one_of(
    st.integers(0, 2**64 - 1).map("{:016x}".format), st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)
)
BOXES = st.tuples(
    st.sampled_from([item.mid for item in open_images()]), SIDES, SIDES, st.tuples(*[st.sampled_from([0, 1])] * 5)
)
SETS = st.dictionaries(
    NAMES, st.tuples(st.tuples(st.integers(40, 2000), st.integers(40, 2000)), st.lists(BOXES, max_size=4)),
    min_size=1, max_size=4,
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=12, deadline=None)
@given(made=SETS)
def test_boxes_come_back_within_the_precision_of_the_form(
    tmp_path_factory: pytest.TempPathFactory, form: str, made: dict[str, tuple[tuple[int, int], list[object]]]
) -> None:
    folder = tmp_path_factory.mktemp("convert")
    rows = [box(name, mid, (*x, *y), flags) for name, (_, boxes) in made.items() for mid, x, y, flags in boxes]  # type: ignore[misc]
    source = write_set(folder / "set", rows, sizes={name: size for name, (size, _) in made.items()})
    before = images_of(source)
    after = images_of(there_and_back(source, folder, form).back)
    assert list(after) == sorted(made)
    for name, image in before.items():
        width, height = (16, 8) if form in ("yolo", "tfrecord") else made[name][0]
        assert after[name].labels == image.labels
        assert (after[name].width, after[name].height) == (width, height)
        # VOC has whole pixels, and a box is one pixel at least; TFRecord has float32.
        pixels = np.array([height, width, height, width])
        close = {"voc": 1.0001 / pixels, "tfrecord": 6e-8}.get(form, 2e-9)
        assert (np.abs(after[name].box - image.box) <= close).all()
        for flag in HELD[form]:
            assert after[name].flags[flag].tolist() == image.flags[flag].tolist()
        assert isinstance(after[name].file, Path) == (form != "coco")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["tiny", "eval-oi", "eval-voc"])
def test_real_sets_come_back(data: Path, tmp_path: Path, name: str, form: str) -> None:
    before = read_annotations(data / name)
    done = there_and_back(data / name, tmp_path, form)
    after = read_annotations(done.back)
    order = [
        np.lexsort((*annotations.boxes.box.T, annotations.boxes.image.strings())) for annotations in (before, after)
    ]
    assert sorted(after.boxes.label.strings()) == sorted(before.boxes.label.strings())
    assert sorted(after.boxes.image.strings()) == sorted(before.boxes.image.strings())
    if form != "voc":  # rounding changes the order
        np.testing.assert_allclose(after.boxes.box[order[1]], before.boxes.box[order[0]], atol=1e-7)
    assert {item.mid for item in after.classes} >= set(before.boxes.label.used())
    photos = {path.name: path.read_bytes() for path in (data / name / "images").iterdir()}
    if form != "coco":
        assert {path.name: path.read_bytes() for path in (done.back / "images").iterdir()} == photos


def test_what_a_form_does_not_hold_is_counted(tmp_path: Path) -> None:
    rows = [box("01", CAT, flags=(1, 1, 1, 1, 1)), box("01", DOG, flags=(1, 0, 0, 0, 0)), box("02", "user/x")]
    labels = [("01", "verification", CAT, 1), ("02", "verification", DOG, 0)]
    source = write_set(tmp_path / "set", [*rows, box("02", CAR, ("", 1, 0, 1)), box("02", CAR, (1, 0, 0, 1))], labels)  # type: ignore[arg-type]
    notes = "\n".join(convert(source, tmp_path / "yolo", "yolo"))
    assert "2 image labels, which YOLO does not hold: dropped" in notes
    assert "2 flags IsOccluded, which YOLO does not hold: dropped" in notes
    assert "1 flag IsGroupOf, which YOLO does not hold: dropped" in notes
    assert "1 box of a class that the set does not name (user/x): dropped" in notes
    assert "2 boxes without numbers, or with exchanged sides (02): dropped" in notes
    assert "licences" in notes
    assert (tmp_path / "yolo" / "labels" / "02.txt").read_text() == ""
    assert convert(source, tmp_path / "parquet", "parquet") == []


def test_images_without_a_photo_or_a_size_are_counted(tmp_path: Path) -> None:
    source = write_set(tmp_path / "set", [box("01"), box("02")])
    (source / "images" / "02.jpg").unlink()
    (source / "images.csv").unlink()
    assert "1 image without a file: dropped" in convert(source, tmp_path / "t", "tfrecord", shards=1)
    unknown = "1 image of unknown size, without a file that tells it (02): dropped"
    assert unknown in convert(source, tmp_path / "c.json", "coco")
    assert unknown in convert(source, tmp_path / "voc", "voc")


def test_image_labels_go_through_tables_and_are_written_to_tfrecord(tmp_path: Path) -> None:
    source = write_set(tmp_path / "set", [box("01")], [("01", "verification", CAT, 1), ("01", "verification", DOG, 0)])
    convert(source, tmp_path / "parquet", "parquet")
    assert images_of(tmp_path / "parquet")["01"].image_labels == [(CAT, 1.0), (DOG, 0.0)]
    assert any("saw" in note for note in convert(source, tmp_path / "t", "tfrecord", shards=1))
    notes = convert(tmp_path / "t", tmp_path / "back", "parquet")
    assert notes == ["2 image labels, whose confidence TFRecord does not hold: dropped"]
    assert not (tmp_path / "back" / layout.IMAGE_LABELS).exists()


def test_a_data_folder_keeps_every_column_and_says_where_it_is_from(tmp_path: Path) -> None:
    source = write_set(tmp_path / "set", [box("01", source="activemil")])
    header = ("ImageID", "Subset", "License", "Author", "Width", "Height", "Rotation")
    write_csv(source / "images.csv", header, [("01", "train", "https://cc", "Ann, B", 16, 8, "90.0")])
    layout.write_description(source, {"version": "v4"})
    convert(source, tmp_path / "parquet", "parquet")
    convert(tmp_path / "parquet", tmp_path / "csv", "openimages")
    assert rows_of(tmp_path / "csv" / "annotations-bbox.csv")[0]["Source"] == "activemil"
    image = rows_of(tmp_path / "csv" / "images.csv")[0]
    assert (image["Author"], image["License"], image["Subset"], image["Rotation"]) == (
        "Ann, B", "https://cc", "train", "90.0"
    )  # fmt: skip
    assert layout.read_description(tmp_path / "csv") == {
        "layout": 1, "converted_from": "parquet", "from": layout.read_description(tmp_path / "parquet")
    }  # fmt: skip


def test_one_table_of_boxes_is_a_source(tmp_path: Path) -> None:
    source = write_set(tmp_path / "set", [box("01"), box("02")])
    convert(source / "annotations-bbox.csv", tmp_path / "parquet", "parquet")
    assert list(images_of(tmp_path / "parquet")) == ["01", "02"]
    convert(source / "annotations-bbox.csv", tmp_path / "yolo", "yolo")
    assert len(list((tmp_path / "yolo" / "labels").iterdir())) == 2


@pytest.mark.parametrize("form", FORMS)
def test_one_table_of_boxes_has_the_classes_beside_it(tmp_path: Path, form: str) -> None:
    source = write_set(tmp_path / "set", [box("01", "user/yeti"), box("01", CAT)])
    write_csv(source / "classes.csv", ("LabelName", "DisplayName"), [("user/yeti", "Yeti"), (CAT, "Cat")])
    notes = convert(source / "annotations-bbox.csv", tmp_path / FORMS[form], form, shards=1)
    assert not any("does not name" in note for note in notes)
    convert(tmp_path / FORMS[form], tmp_path / "back", "parquet")
    assert images_of(tmp_path / "back")["01"].labels == ["user/yeti", CAT]


@pytest.mark.parametrize("mode", ["copy", "link", "none"])
def test_photos_are_copied_linked_or_left(tmp_path: Path, mode: str) -> None:
    source = write_set(tmp_path / "set", [box("01")])
    for form in ("parquet", "yolo", "voc"):
        convert(source, tmp_path / form, form, image_mode=mode)
        found = [path for path in (tmp_path / form).rglob("01.*") if path.suffix == ".jpg"]
        assert len(found) == (mode != "none")
        assert all(path.is_symlink() == (mode == "link") for path in found)
        assert all(path.read_bytes() == (source / "images" / "01.jpg").read_bytes() for path in found)


def test_classes_of_ones_own_keep_their_names_and_mids(tmp_path: Path) -> None:
    source = write_set(tmp_path / "set", [box("01", "user/door-2"), box("01", CAT)])
    rows = [("user/door-2", "Große Tür"), (CAT, "Cat"), (DOG, "Dog")]
    write_csv(source / "classes.csv", ("LabelName", "DisplayName"), rows)
    for form in ("yolo", "voc", "coco"):
        back = there_and_back(source, tmp_path / form, form).back
        assert images_of(back)["01"].labels == ["user/door-2", CAT]
        assert [row["DisplayName"] for row in rows_of(back / "classes.csv")] == ["Große Tür", "Cat", "Dog"]


@pytest.mark.parametrize("form", FORMS)
def test_names_with_odd_spaces_and_none_come_back_from_every_form(tmp_path: Path, form: str) -> None:
    source = write_set(tmp_path / "set", [box("01", "user/hand"), box("01", "user/nameless")])
    names = [("user/hand", " Left  hand\u00a0"), ("user/nameless", " ")]
    write_csv(source / "classes.csv", ("LabelName", "DisplayName"), names)
    back = there_and_back(source, tmp_path, form).back
    assert images_of(back)["01"].labels == ["user/hand", "user/nameless"]


@pytest.mark.parametrize("form", ["yolo", "voc"])
def test_the_mouse_of_others_is_the_device(tmp_path: Path, form: str) -> None:
    source = write_set(tmp_path / "set", [box("01", "user/mouse"), box("01", "user/keyboard")])
    names = [("user/mouse", "mouse"), ("user/keyboard", "keyboard")]
    write_csv(source / "classes.csv", ("LabelName", "DisplayName"), names)
    convert(source, tmp_path / form, form)
    (tmp_path / form / "classes.csv").unlink()  # as others have it
    convert(tmp_path / form, tmp_path / "back", "parquet")
    assert images_of(tmp_path / "back")["01"].labels == ["/m/020lf", "user/keyboard"]


def test_names_with_odd_spaces_are_the_same_in_voc_of_others(tmp_path: Path) -> None:
    source = write_set(tmp_path / "set", [box("01", "user/left-hand")])
    write_csv(source / "classes.csv", ("LabelName", "DisplayName"), [("user/left-hand", "Left hand")])
    convert(source, tmp_path / "voc", "voc")
    path = tmp_path / "voc" / "Annotations" / "01.xml"
    path.write_text(path.read_text().replace("Left hand", "\n Left\t hand "))
    convert(tmp_path / "voc", tmp_path / "known", "parquet")
    assert images_of(tmp_path / "known")["01"].labels == ["user/left-hand"]
    (tmp_path / "voc" / "classes.csv").unlink()
    convert(tmp_path / "voc", tmp_path / "named", "parquet")
    assert rows_of(tmp_path / "named" / "classes.csv") == [{"LabelName": "user/left-hand", "DisplayName": "Left hand"}]


def test_yolo_of_others_is_read_by_its_names(tmp_path: Path) -> None:
    folder = tmp_path / "yolo"
    for split in ("train", "val"):
        (folder / "labels" / split).mkdir(parents=True)
    (folder / "data.yaml").write_text("names:\n  0: cat\n  1: Garden gnome\n")
    (folder / "labels" / "train" / "a.txt").write_text("0 0.5 0.5 0.5 0.25\n1 0.25 0.25 0.5 0.5 0.9\n\n")
    (folder / "labels" / "val" / "b.txt").write_text("")
    convert(folder, tmp_path / "parquet", "parquet")
    found = images_of(tmp_path / "parquet")
    assert found["train__a"].labels == [CAT, "user/garden-gnome"]
    assert found["train__a"].box.tolist() == [[0.375, 0.25, 0.625, 0.75], [0, 0, 0.5, 0.5]]
    assert list(found) == ["train__a", "val__b"]
    (folder / "data.yaml").unlink()
    (folder / "classes.txt").write_text("cat\nGarden gnome\n")
    convert(folder, tmp_path / "again", "parquet")
    assert images_of(tmp_path / "again")["train__a"].labels == found["train__a"].labels


@pytest.mark.parametrize("names", ['[no, 1.50, "7", Cat]', "{0: no, 1: 1.50, 2: 7, 3: Cat}"])
def test_names_of_yolo_are_text_as_it_is_written(tmp_path: Path, names: str) -> None:
    (tmp_path / "yolo" / "labels").mkdir(parents=True)
    (tmp_path / "yolo" / "data.yaml").write_text(f"names: {names}\n")
    convert(tmp_path / "yolo", tmp_path / "parquet", "parquet")
    assert [row["DisplayName"] for row in rows_of(tmp_path / "parquet" / "classes.csv")] == ["no", "1.50", "7", "Cat"]


def test_voc_of_others_is_read_by_its_names(tmp_path: Path) -> None:
    folder = tmp_path / "voc" / "Annotations"
    folder.mkdir(parents=True)
    (folder / "a.xml").write_text(
        "<annotation><filename>a.jpg</filename><size><width>100</width><height>50</height></size>"
        "<object><name>dog</name><truncated>1</truncated><difficult>1</difficult>"
        "<bndbox><xmin>1</xmin><ymin>11</ymin><xmax>100</xmax><ymax>25.0</ymax></bndbox></object></annotation>"
    )
    assert convert(tmp_path / "voc", tmp_path / "parquet", "parquet", image_mode="none") == []
    image = images_of(tmp_path / "parquet")["a"]
    assert image.labels == [DOG]
    assert image.box.tolist() == [[0.2, 0, 0.5, 1]]
    marks = [image.flags[name].tolist() for name in ("IsTruncated", "IsOccluded", "IsDifficult")]
    assert marks == [[1], [-1], [1]]


@pytest.mark.parametrize(
    ("texts", "mids"),
    [
        (["cat", "dog"], [CAT, DOG]),
        (["mouse", "keyboard", "CAT"], ["/m/020lf", "user/keyboard", CAT]),
        (["/m/01yrx", "gnome"], [CAT, "user/gnome"]),
    ],
)
def test_tfrecord_of_others_is_read_by_its_names(tmp_path: Path, texts: list[str], mids: list[str]) -> None:
    features: dict[str, Feature] = {
        "image/source_id": (BYTES, [b"a"]),
        "image/object/class/text": (BYTES, [text.encode() for text in texts]),
        "image/object/class/label": (INTEGERS, list(range(1, len(texts) + 1))),
    }
    for side, value in {"ymin": 0.25, "xmin": 0.0, "ymax": 0.5, "xmax": 1.0}.items():
        features[f"image/object/bbox/{side}"] = (FLOATS, [value] * len(texts))
    with (tmp_path / "a.tfrecord").open("wb") as file:
        write_record(file, example(features))
    convert(tmp_path / "a.tfrecord", tmp_path / "parquet", "parquet", image_mode="none")
    assert images_of(tmp_path / "parquet")["a"].labels == mids


def test_coco_of_ours_is_what_evaluation_reads(data: Path, tmp_path: Path) -> None:
    convert(data / "eval-oi", tmp_path / "c.json", "coco")
    before, after = read_annotations(data / "eval-oi"), read_annotations(tmp_path / "c.json")
    assert len(after.boxes) == len(before.boxes)
    assert after.sizes == before.sizes
    assert (after.boxes.group_of == 1).sum() == (before.boxes.group_of == 1).sum() == 8
    assert {item["iscrowd"] for item in json.loads((tmp_path / "c.json").read_text())["annotations"]} == {0, 1}


def test_the_same_photos_in_a_folder_that_is_there_and_empty(tmp_path: Path) -> None:
    source = write_set(tmp_path / "set", [box("01")])
    (tmp_path / "yolo").mkdir()
    convert(source, tmp_path / "yolo", "yolo")
    shutil.rmtree(source)
    assert (tmp_path / "yolo" / "images" / "01.jpg").is_file()


@pytest.mark.parametrize("form", ["openimages", "parquet", "yolo", "voc"])
def test_a_photo_that_is_not_there_is_counted_unless_none_is_wanted(tmp_path: Path, form: str) -> None:
    source = write_set(tmp_path / "set", [box("a"), box("b", flags=(-1, 0, 0, 0, 0))])
    next((source / "images").iterdir()).unlink()
    (gone,) = {"a", "b"} - {path.stem for path in (source / "images").iterdir()}
    note = f"1 missing image file ({gone}): the boxes are kept"
    assert note in convert(source, tmp_path / "out", form)
    assert note not in convert(source, tmp_path / "tables", form, image_mode="none")


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_photos_of_other_kinds_are_called_what_they_are(tmp_path: Path, kind: str) -> None:
    source = write_set(tmp_path / "set", [box("01")], photos=False)
    suffix = {"TIFF": ".tif"}.get(kind, f".{kind.lower()}")
    Image.new("RGB", (16, 8)).save(source / "images" / f"01{suffix}", kind)
    for form, name in FORMS.items():
        convert(source, tmp_path / name, form, shards=1)
    assert json.loads((tmp_path / "c.json").read_text())["images"][0]["file_name"] == f"01{suffix}"
    assert f"<filename>01{suffix}</filename>" in (tmp_path / "voc" / "Annotations" / "01.xml").read_text()
    (record,) = read_records(tmp_path / "t-00000-of-00001")
    assert parse_example(record, "")["image/filename"] == [f"01{suffix}".encode()]
    convert(tmp_path / "t", tmp_path / "back", "parquet")
    for folder in ("csv", "parquet", "yolo", "back"):
        assert [path.name for path in (tmp_path / folder / "images").iterdir()] == [f"01{suffix}"]


def test_what_would_be_empty_is_an_error_that_says_why(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "boxes.csv", BOX_HEADER, [box("a", "Person"), box("b", "Person")])
    with pytest.raises(ArgumentError, match=r"none of its 2 boxes .* does not name \(Person\): dropped"):
        convert(table, tmp_path / "out", "yolo")
    source = write_set(tmp_path / "set", [box("a"), box("b", flags=(-1, 0, 0, 0, 0))])
    shutil.rmtree(source / "images")
    with pytest.raises(ArgumentError, match="expected image files in images"):
        convert(source, tmp_path / "out", "tfrecord")
    assert {path.name for path in tmp_path.iterdir()} == {"boxes.csv", "set"}


def test_what_becomes_no_where_it_was_unknown_is_counted(tmp_path: Path) -> None:
    notes = convert(write_set(tmp_path / "set", [box("a"), box("b", flags=(-1, 0, 0, 0, 0))]), tmp_path / "voc", "voc")
    assert any("taken as no, as Pascal VOC has no unknown" in note for note in notes)


def test_photos_of_coco_that_are_called_alike_are_found_by_their_paths(tmp_path: Path) -> None:
    names = ["1.png", "sub/1.jpg", "ok.jpg", "../secret.jpg"]
    source = tmp_path / "in" / "i.json"
    for number, name in enumerate(names[:3]):
        path = tmp_path / "in" / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16 + number, 8)).save(path)
    shutil.copy(tmp_path / "in" / "images" / "ok.jpg", tmp_path / "secret.jpg")
    images = [{"id": n, "file_name": name, "width": 16, "height": 8} for n, name in enumerate(names)]
    boxes = [{"id": n, "image_id": n, "category_id": 1, "bbox": [1, 1, 4, 4]} for n in range(4)]
    source.write_text(json.dumps({"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "Cat"}]}))
    notes = convert(source, tmp_path / "out", "parquet")
    assert "1 missing image file (secret): the boxes are kept" in notes
    found = {path.name: path.read_bytes() for path in (tmp_path / "out" / "images").iterdir()}
    assert found == {
        "1.png": (source.parent / "images" / "1.png").read_bytes(),
        "sub__1.jpg": (source.parent / "images" / "sub" / "1.jpg").read_bytes(),
        "ok.jpg": (source.parent / "images" / "ok.jpg").read_bytes(),
    }
    assert set(images_of(tmp_path / "out")) == {"1", "sub__1", "ok", "secret"}
