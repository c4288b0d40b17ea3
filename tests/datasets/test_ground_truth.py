"""Ground truth of any format as columns."""

import json
from pathlib import Path

import numpy as np
import pytest

from boxable.datasets.ground_truth import is_annotated, open_ground_truth
from boxable.errors import ArgumentError
from boxable.images.decode import orientation_of
from boxable.openimages.convert_set import convert
from tests.openimages.folders import photo
from tests.openimages.made import CAT, DOG, LABEL_HEADER, box, write_csv, write_set


def test_images_of_tfrecord_are_temporary_files_that_a_later_run_recognizes(tmp_path: Path) -> None:
    source = write_set(tmp_path / "set", [box("a"), box("b")])
    (source / "images" / "b.jpg").write_bytes(photo())
    convert(source, tmp_path / "t", "tfrecord", shards=1)
    stamps = []
    for _ in range(2):
        with open_ground_truth(tmp_path / "t") as found:
            files = dict(found.files)
            assert {name: path.read_bytes() for name, path in files.items()} == {
                name: (source / "images" / f"{name}.jpg").read_bytes() for name in ("a", "b")
            }
            stamps.append({name: (path.stat().st_size, path.stat().st_mtime_ns) for name, path in files.items()})
        assert not any(path.exists() for path in files.values())
    assert stamps[0] == stamps[1]
    assert stamps[0]["a"] != stamps[0]["b"]


def test_where_rotation_overrules_the_orientation_of_a_file_images_are_without_it(tmp_path: Path) -> None:
    source = write_set(tmp_path / "parts" / "train", [box("a")])
    (source / "images" / "a.jpg").write_bytes(photo(24, 36, orientation=6))
    write_csv(source / "images.csv", ("ImageID", "Width", "Height", "Rotation"), [("a", 36, 24, 0)])
    with open_ground_truth(tmp_path / "parts") as found:
        assert orientation_of(found.files["a"]) == 1
        assert found.sizes == {"a": (36, 24)}
    assert orientation_of(source / "images" / "a.jpg") == 6


def test_columns_and_what_was_dropped_are_those_of_all_images(tmp_path: Path) -> None:
    train = write_set(tmp_path / "set" / "train", [box("a", CAT, flags=(0, 0, 1, 0, 0)), box("a", "user/strange")])
    write_set(tmp_path / "set" / "validation", [box("b", DOG, flags=(0, 0, -1, 0, 0))])
    write_csv(train / "annotations-human-imagelabels.csv", LABEL_HEADER, [("a", "v", DOG, 0)])
    with open_ground_truth(tmp_path / "set") as found:
        assert (found.boxes.image.strings(), found.boxes.label.strings()) == (["a", "b"], [CAT, DOG])
        assert found.boxes.group_of.tolist() == [1, -1]
        assert np.isnan(found.boxes.area).all()
        assert (found.image_labels.label.strings(), found.image_labels.confidence.tolist()) == ([DOG], [0])
        assert [(note.count, note.examples) for note in found.notes] == [(1, ["user/strange"])]
        kept = found.of_images({"b"})
        assert (list(kept.files), kept.boxes.image.strings()) == (["b"], ["b"])


def test_what_only_a_conversion_loses_is_no_note(tmp_path: Path) -> None:
    for split in ("train", "val"):
        images = [{"id": 1, "file_name": f"{split}.jpg", "width": 4, "height": 4}]
        boxes = [{"id": 1, "image_id": 1, "category_id": 5, "bbox": [0, 0, 2, 2]}, {"id": 2, "image_id": 9}]
        content = {"images": images, "annotations": boxes, "categories": [{"id": 5, "name": "Cat"}]}
        (tmp_path / f"instances_{split}.json").write_text(json.dumps(content))
    with open_ground_truth(tmp_path) as found:
        assert [str(note) for note in found.notes] == [
            "2 boxes of an image that the COCO file does not describe (9): dropped"
        ]


def test_images_with_one_id_are_an_error_that_names_both(tmp_path: Path) -> None:
    source = write_set(tmp_path / "set", [box("a")])
    (source / "images" / "a.png").write_bytes(b"")
    with (
        pytest.raises(ArgumentError, match=r"a\.jpg and .*a\.png both have the image id 'a'"),
        open_ground_truth(source),
    ):
        pass


def test_a_folder_of_images_is_no_annotated_set(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(photo())
    assert not is_annotated(tmp_path)
    assert is_annotated(write_set(tmp_path / "set", [box("a")]))
