"""What is trained on, what is validated by, and what is wrong with either."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from boxable.datasets.annotated_formats import FORMATS
from boxable.datasets.hash_split import is_validation
from boxable.errors import ArgumentError
from boxable.openimages.convert_set import convert
from boxable.openimages.split import split
from boxable.training import image_files
from boxable.training.data import TrainingData, open_training_data
from tests.openimages.made import CAT, DOG, box, write_csv, write_set
from tests.training.sets import BOXES, NAMES, TRAIN, VALIDATION, training_set, write_photo


def trained(data: TrainingData) -> list[str]:
    return [data.images.targets(position).image_id for position in range(len(data.images))]


def validated(data: TrainingData) -> list[str]:
    return data.validation.listed_images


def notes(data: TrainingData) -> str:
    return "\n".join(map(str, data.notes))


@pytest.mark.parametrize("form", [name for name, known in FORMATS.items() if known.write])
def test_every_format_is_read_in_place(tmp_path: Path, form: str) -> None:
    source = training_set(tmp_path / "set")
    path = tmp_path / ("set.json" if form == "coco" else f"a-{form}")
    convert(source, path, form, shards=2 if form == "tfrecord" else None)
    if form == "coco":
        shutil.copytree(source / "images", tmp_path / "images")
    with open_training_data(path) as data:
        assert (trained(data), validated(data)) == (TRAIN, VALIDATION)
        assert data.images.class_counts() == {CAT: (len(TRAIN),) * 2, DOG: (len(TRAIN),) * 2}
        assert {item.mid for item in data.classes} >= {CAT, DOG}
        assert (data.annotations, data.origin) == ("exhaustive", "hash")
        assert notes(data) == ""
        pixels, targets = data.images[0]
        assert pixels.shape == (8, 16, 3)
        assert targets.boxes == pytest.approx(np.array([[0.25, 0.125, 0.75, 0.5]] * 2))
        assert all(data.validation.files[name].is_file() for name in VALIDATION)
        assert set(data.validation.boxes.image.used()) == set(VALIDATION)


def test_what_is_made_of_another_format_does_not_stay(tmp_path: Path) -> None:
    convert(training_set(tmp_path / "set"), tmp_path / "v", "voc")
    with open_training_data(tmp_path / "v") as data:
        folder = data.images.dataset.path
        assert folder.is_dir()
    assert not folder.exists()


PLAN = {"train": NAMES[:4], "validation": NAMES[4:7], "test": NAMES[7:9], "": NAMES[9:]}


def planned(name: str, plan: dict[str, list[str]] = PLAN) -> str:
    return next(split for split, names in plan.items() if name in names)


def test_the_split_of_the_set_counts_and_other_images_are_not_used(tmp_path: Path) -> None:
    with open_training_data(training_set(tmp_path / "set", subset=planned)) as data:
        assert (trained(data), validated(data), data.origin) == (PLAN["train"], PLAN["validation"], "format")
        assert notes(data) == "3 images of other splits: not used"
        assert str(data) == (
            "4 images to train on, 3 images to validate by (the split of the set); annotations: exhaustive"
        )


@pytest.mark.parametrize("form", ["yolo", "voc"])
def test_the_split_of_other_formats_counts_too(tmp_path: Path, form: str) -> None:
    source = training_set(tmp_path / "set", subset=lambda name: planned(name) or "train")
    convert(source, tmp_path / "made", form)
    with open_training_data(tmp_path / "made") as data:
        assert {name.rpartition("__")[2] for name in trained(data)} == {*PLAN["train"], *PLAN[""]}
        assert {name.rpartition("__")[2] for name in validated(data)} == {*PLAN["validation"]}
        assert data.origin == "format"


def test_a_set_that_was_split_before_is_taken_as_it_is_split(tmp_path: Path) -> None:
    split(training_set(tmp_path / "set"), tmp_path / "parts", 3)
    with open_training_data(tmp_path / "parts") as data:
        assert validated(data) == [name for name in NAMES if is_validation(name, 3)]
        assert trained(data) == [name for name in NAMES if not is_validation(name, 3)]
        assert data.origin == "format"


@pytest.mark.parametrize(
    ("plan", "used"),
    [
        ({"train": NAMES}, NAMES),
        ({"validation": NAMES}, NAMES),
        ({"test": NAMES}, NAMES),
        ({"train": NAMES[:8], "test": NAMES[8:]}, NAMES[:8]),
        ({"validation": NAMES[:8], "test": NAMES[8:]}, NAMES[:8]),
        ({"train": NAMES[:8], "": NAMES[8:]}, NAMES[:8]),
        ({"": NAMES[:8], "test": NAMES[8:]}, NAMES[:8]),
    ],
)
def test_without_both_splits_the_hash_divides_what_is_not_for_testing(
    tmp_path: Path, plan: dict[str, list[str]], used: list[str]
) -> None:
    with open_training_data(training_set(tmp_path / "set", subset=lambda name: planned(name, plan))) as data:
        assert trained(data) == [name for name in used if not is_validation(name)]
        assert validated(data) == [name for name in used if is_validation(name)]
        assert data.origin == "hash"


def test_a_validation_set_of_its_own_leaves_all_others_to_train_on(tmp_path: Path) -> None:
    other = training_set(tmp_path / "other", [box("v1"), box("v2", DOG)])
    for number, name in enumerate(("v1", "v2")):
        write_photo(other / "images" / f"{name}.jpg", 100 + number)
    convert(other, tmp_path / "v", "voc")
    with open_training_data(training_set(tmp_path / "set"), tmp_path / "v") as data:
        assert (trained(data), validated(data), data.origin) == (NAMES, ["v1", "v2"], "given")
    split = training_set(tmp_path / "split", subset=planned)
    with open_training_data(split, tmp_path / "v") as data:
        assert (trained(data), validated(data)) == (PLAN["train"], ["v1", "v2"])


def test_images_of_the_validation_set_are_not_trained_on_whatever_they_are_called(tmp_path: Path) -> None:
    source = training_set(tmp_path / "set")
    other = training_set(tmp_path / "other", [box("v1"), box(NAMES[1]), box("v3")])
    for number, name in ((3, "v1"), (101, NAMES[1]), (102, "v3")):
        write_photo(other / "images" / f"{name}.jpg", number)
    (other / "images" / "v3.jpg").write_bytes(b"\0" * (source / "images" / f"{NAMES[5]}.jpg").stat().st_size)
    with open_training_data(source, other) as data:
        assert trained(data) == [name for name in NAMES if name != NAMES[3]]  # another image has the id i01
        assert notes(data) == "1 training image with the content of a validation image (i03): not trained on"
    with (
        pytest.raises(ArgumentError, match="all of its training images are validation images too"),
        open_training_data(source, source),
    ):
        pass


def test_of_very_many_images_the_ids_tell_which_are_validation_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_files, "MAX_COMPARED", len(NAMES) - 1)
    source, other = training_set(tmp_path / "set"), training_set(tmp_path / "other", [box("v1"), box(NAMES[1])])
    with open_training_data(source, other) as data:
        assert trained(data) == [name for name in NAMES if name != NAMES[1]]  # v1 has the bytes of i00


def test_images_without_a_file_are_dropped(tmp_path: Path) -> None:
    source = training_set(tmp_path / "set", [*BOXES, *(box(f"j{number}") for number in range(20))])
    lost = ["j1", next(f"j{number}" for number in range(20) if is_validation(f"j{number}"))]
    assert not is_validation(lost[0])
    for name in lost:
        (source / "images" / f"{name}.jpg").unlink()
    with open_training_data(source) as data:
        assert not {*trained(data), *validated(data)} & {*lost}
        assert f"1 training image without a file ({lost[0]}): not trained on" in notes(data)
        assert f"1 validation image without a file ({lost[1]}): dropped" in notes(data)
        assert len(data.images) + len(validated(data)) == 28


def test_a_missing_file_of_a_converted_set_is_told_once(tmp_path: Path) -> None:
    convert(training_set(tmp_path / "set"), tmp_path / "v", "voc")
    next((tmp_path / "v").rglob(f"{TRAIN[0]}.jpg")).unlink()
    with open_training_data(tmp_path / "v") as data:
        assert notes(data) == f"1 training image without a file ({TRAIN[0]}): not trained on"


def test_an_image_of_another_suffix_has_a_file(tmp_path: Path) -> None:
    source = training_set(tmp_path / "set")
    shutil.move(source / "images" / f"{TRAIN[0]}.jpg", source / "images" / f"{TRAIN[0]}.JPEG")
    with open_training_data(source) as data:
        assert trained(data) == TRAIN


def test_boxes_that_cannot_be_used_are_dropped_and_counted(tmp_path: Path) -> None:
    first, second, third, fourth, *_ = TRAIN
    rows = [
        *BOXES,
        box(first, "/m/strange"),
        box(first, CAT, (0.5, 0.5, 0.2, 0.7)),  # no width
        box(first, CAT, (0.2, 0.5, 0.7, 0.7)),  # no height
        box(second, CAT, (1.1, 1.5, 0.2, 0.7)),  # outside
        box(second, CAT, (0.1, 0.5, -0.2, 0)),
        box(second, CAT, (0.1, 0.5, 1.1, 1.5)),
        box(second, CAT, ("nan", 0.5, 0.2, 0.7)),  # type: ignore[arg-type]
        box(second, CAT, ("-inf", 0.5, 0.2, 0.7)),  # type: ignore[arg-type]
        box(third, DOG, (0.6, 0.5, 0.2, 0.7)),  # exchanged
        box(fourth, DOG, (-0.5, 0.5, 0.2, 1.5)),
        box(fourth, DOG, (0.5, 0.6, 0.2, 1.5)),
        box(fourth, DOG, (0.5, 1.0000001, 0.2, 1)),  # rounded
    ]
    source = training_set(tmp_path / "set", rows)
    with open_training_data(source) as data:
        assert notes(data).splitlines() == [
            "1 training box of a class that the set does not name (/m/strange): dropped",
            f"8 training boxes without an area in the image ({first}, {second}, {third}): dropped",
            f"2 training boxes reaching outside the image ({fourth}): clipped",
        ]
        assert [len(data.images.targets(position).boxes) for position in range(4)] == [2, 2, 2, 5]
        targets = data.images.targets(3)
        assert targets.mids == (CAT, DOG, DOG, DOG, DOG)
        assert targets.boxes[2] == pytest.approx([0.2, 0, 1, 0.5])
        rows = ("boxes", "label_ids", "group_of", "occluded", "truncated", "depiction", "inside")
        assert {len(getattr(targets, name)) for name in rows} == {5}
        assert targets.boxes.max() == 1
        assert data.images.class_counts() == {CAT: (len(TRAIN),) * 2, DOG: (len(TRAIN) + 3, len(TRAIN))}
        assert "/m/strange" not in [item.mid for item in data.classes]


def test_boxes_of_validation_images_are_not_counted(tmp_path: Path) -> None:
    rows = [*BOXES, box(VALIDATION[0], CAT, (0.5, 0.5, 0.2, 0.7))]
    with open_training_data(training_set(tmp_path / "set", rows)) as data:
        assert notes(data) == ""


def test_classes_that_the_table_of_classes_names_are_known(tmp_path: Path) -> None:
    source = training_set(tmp_path / "set", [*BOXES, box(TRAIN[0], "user/yeti")])
    write_csv(source / "classes.csv", ("LabelName", "DisplayName"), [("user/yeti", "Yeti"), (CAT, "Cat")])
    with open_training_data(source) as data:
        assert [item.name for item in data.classes] == ["Yeti", "Cat", "Dog"]
        assert data.images.class_counts()["user/yeti"] == (1, 1)


LABEL = "verification"


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (None, "exhaustive"),
        ([], "exhaustive"),
        ([(NAMES[0], LABEL, CAT, 1), (NAMES[0], LABEL, DOG, 1)], "exhaustive"),
        ([(NAMES[0], LABEL, CAT, 1), (NAMES[1], LABEL, "/m/0k4j", 0)], "verified"),
    ],
)
def test_labels_of_absent_classes_make_annotations_verified(
    tmp_path: Path, labels: list[tuple[object, ...]] | None, expected: str
) -> None:
    source = training_set(tmp_path / "set", labels=labels)
    with open_training_data(source) as data:
        assert data.annotations == expected
        assert ("all positive" in notes(data)) == bool(labels and expected == "exhaustive")
    for given in ("exhaustive", "verified"):
        with open_training_data(source, annotations=given) as data:
            assert (data.annotations, notes(data)) == (given, "")


def test_what_is_trained_on_can_be_pickled(tmp_path: Path) -> None:
    with open_training_data(training_set(tmp_path / "set")) as data:
        again = pickle.loads(pickle.dumps(data.images))
        assert again.targets(1).image_id == data.images.targets(1).image_id
        assert np.array_equal(again[1][0], data.images[1][0])


def test_a_set_that_cannot_be_trained_on_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    def refused(path: Path, val: Path | None = None) -> str:
        with pytest.raises(ArgumentError) as error, open_training_data(path, val):
            pass
        return str(error.value)

    good = training_set(tmp_path / "good")
    empty = write_set(tmp_path / "empty", [], sizes={"a": (16, 8)})
    assert refused(empty) == f"{empty}: 1 image without a box; expected boxes to train on"
    assert "no box in them; expected boxes to validate by" in refused(good, empty)
    for name, part in ((TRAIN[0], "validation"), (VALIDATION[0], "training")):
        single = training_set(tmp_path / name, [box(name)])
        assert refused(single) == (
            f"{single}: 1 image, of which the split leaves none for {part}; give others with --val DIR"
        )
    useless = training_set(tmp_path / "useless", [box(name, CAT, (2, 3, 2, 3)) for name in NAMES])
    assert "no box can be trained on; 5 training boxes without an area in the image" in refused(useless)
    bare = training_set(tmp_path / "bare")
    shutil.rmtree(bare / "images")
    assert "no image file there; expected files named by image id" in refused(good, bare)
    assert f"{bare}: no image file there; expected the images to train on" in refused(bare, good)
    assert "no such file or folder" in refused(tmp_path / "nowhere")
    assert "no such file or folder" in refused(good, tmp_path / "nowhere")
