"""A data folder as images and targets."""

import csv
import gzip
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import boxable
from boxable.errors import ArgumentError, ImageError
from boxable.openimages import Dataset
from boxable.openimages.stats import stats_of
from boxable.openimages.verification import verify
from tests.conftest import ROOT
from tests.openimages.folders import CAT, CLASSES, DOG, PERSON, box_row, copy_image_file, photo, write_folder

DATA = ROOT.parent / "shared" / "data"
SIDES = ("XMin", "XMax", "YMin", "YMax")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [
        box_row("b", DOG, flags="1,0,-1,0,1"), box_row("a", CAT, (0, 0, 1, 1)),
        box_row("b", "user/yeti"), box_row("b", PERSON),
    ]  # fmt: skip
    labels = [
        f"b,verification,{CAT},0",
        f"c,verification,{DOG},1",
        f"b,verification,{DOG},1",
        f"b,machine,{PERSON},0.7",
    ]
    made = write_folder(tmp_path / "set", rows, labels=labels, images=["d,36,24,", "a,36,24,0.0"])
    for image in "abd":
        copy_image_file(made, image)
    return made


def test_images_are_those_of_all_tables_in_order_of_their_ids(folder: Path) -> None:
    dataset = Dataset(folder)
    assert [dataset.image_id(number) for number in range(len(dataset))] == ["a", "b", "c", "d"]


def test_an_image_comes_with_all_that_is_known_of_it(folder: Path) -> None:
    image, targets = Dataset(folder)["b"]
    assert (image.shape, image.dtype) == ((24, 36, 3), np.uint8)
    assert targets.mids == (DOG, "user/yeti", PERSON)
    assert targets.label_ids.tolist() == [446, 1001, 69]
    np.testing.assert_array_equal(targets.boxes, np.float32([[0.1, 0.2, 0.5, 0.6]] * 3))
    assert targets.boxes.dtype == np.float32
    flags = (targets.occluded, targets.truncated, targets.group_of, targets.depiction, targets.inside)
    assert [flag.tolist() for flag in flags] == [[1, 0, 0], [0, 0, 0], [-1, 0, 0], [0, 0, 0], [1, 0, 0]]
    assert (targets.positive.tolist(), targets.negative.tolist()) == ([446], [122])


def test_a_class_that_was_seen_twice_is_named_once(tmp_path: Path) -> None:
    labels = [f"a,v,{DOG},1", f"a,v,{CAT},1", f"a,m,{DOG},1", f"a,v,{PERSON},0", f"a,m,{PERSON},0"]
    targets = Dataset(write_folder(tmp_path / "set", [box_row("a")], labels=labels)).targets("a")
    assert (targets.positive.tolist(), targets.negative.tolist()) == ([122, 446], [69])


def test_an_image_without_rows_has_empty_targets(folder: Path) -> None:
    _, targets = Dataset(folder)["d"]
    assert (targets.boxes.shape, targets.mids, len(targets.positive)) == ((0, 4), (), 0)


def test_numbers_count_from_the_end_too_and_end_with_the_set(folder: Path) -> None:
    dataset = Dataset(folder)
    assert dataset[-1][1].image_id == "d"
    for number in (4, -5):
        with pytest.raises(IndexError):
            dataset[number]


def test_an_unknown_id_is_told(folder: Path) -> None:
    with pytest.raises(ArgumentError, match="no image 'zz' in its tables"):
        Dataset(folder)["zz"]


@pytest.mark.parametrize("form", ["csv", "csv.gz", "parquet"])
def test_the_form_of_the_tables_does_not_matter(folder: Path, form: str, tmp_path: Path) -> None:
    import pyarrow.csv
    import pyarrow.parquet

    other = tmp_path / "other"
    other.mkdir()
    for path in folder.glob("*.csv"):
        if path.name == "classes.csv" or form == "csv":
            (other / path.name).write_bytes(path.read_bytes())
        elif form == "csv.gz":
            (other / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        else:
            pyarrow.parquet.write_table(pyarrow.csv.read_csv(path), other / f"{path.stem}.parquet")
    first, second = Dataset(folder), Dataset(other)
    for number in range(4):
        one, two = first.targets(number), second.targets(number)
        assert (one.image_id, one.mids) == (two.image_id, two.mids)
        np.testing.assert_array_equal(one.boxes, two.boxes)
        np.testing.assert_array_equal(one.positive, two.positive)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system does not tell what a process holds")
def test_what_is_held_in_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = 400_000
    ids = pa.array([f"{number:016x}" for number in range(rows // 8)]).take(pa.array(np.arange(rows) // 8))
    sides = {
        name: pa.array(np.linspace(low, low + 0.5, rows)) for name, low in zip(SIDES, (0, 0.5, 0, 0.5), strict=True)
    }
    columns = {"ImageID": ids, "LabelName": pa.array([CAT] * rows), **sides}
    (tmp_path / "set").mkdir()
    pq.write_table(pa.table(columns), tmp_path / "set" / "annotations-bbox.parquet")
    code = """
import re, sys
from pathlib import Path
from boxable.openimages import Dataset
held = lambda: int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
first = Dataset(sys.argv[1])
before = held()
dataset = Dataset(sys.argv[1])
shard = dataset.shards(4, seed=0)[0]
assert sum(len(dataset.targets(number).boxes) for number in shard.numbers.tolist()) == 100_000
print(held() - before)
"""
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "set"], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 6 * 1024  # of 400,000 rows as objects it would be ten times that


class TestHostile:
    @pytest.mark.parametrize("image", ["../secret", "..", "a/b", "a\\b", ""])
    def test_an_id_leads_nowhere_else(self, tmp_path: Path, image: str) -> None:
        folder = write_folder(tmp_path / "set", [box_row(image)])
        copy_image_file(folder, "x")
        (folder / "secret.jpg").write_bytes(photo())
        with pytest.raises(ImageError, match="a file name"):
            Dataset(folder)[0]

    def test_a_folder_of_a_newer_layout_says_what_to_do(self, folder: Path) -> None:
        (folder / "boxable-data.json").write_text('{"layout": 99}')
        with pytest.raises(ArgumentError, match="update Boxable"):
            Dataset(folder)

    def test_no_folder_and_an_empty_one_are_told(self, tmp_path: Path) -> None:
        with pytest.raises(ArgumentError, match="no such folder"):
            Dataset(tmp_path / "nowhere")
        with pytest.raises(ArgumentError, match="no annotations"):
            Dataset(tmp_path)

    def test_a_set_without_rows_is_empty(self, tmp_path: Path) -> None:
        dataset = Dataset(write_folder(tmp_path / "set", []))
        assert (len(dataset), list(dataset), list(dataset.shards(2, seed=0)[1])) == (0, [], [])

    def test_flags_that_mean_nothing_and_numbers_that_are_none_go_through(self, tmp_path: Path) -> None:
        rows = ["a,x,/m/01yrx,1,nan,,inf,2,7,-9,,0,0"]
        targets = Dataset(write_folder(tmp_path / "set", rows)).targets(0)
        assert np.isnan(targets.boxes[0, [1, 3]]).all()
        assert (targets.occluded.tolist(), targets.truncated.tolist(), targets.group_of.tolist()) == ([1], [-1], [-1])

    def test_a_label_of_an_unknown_class_is_numbered_after_the_known_ones(self, tmp_path: Path) -> None:
        rows = [box_row("a", "/m/zzz"), box_row("a", DOG), box_row("a", "/m/aaa")]
        dataset = Dataset(write_folder(tmp_path / "set", rows, classes=CLASSES))
        assert dataset.targets(0).label_ids.tolist() == [1003, 446, 1002]
        assert dataset.classes.find("/m/zzz").name == "/m/zzz"


def test_it_travels_to_another_process(folder: Path) -> None:
    again = pickle.loads(pickle.dumps(Dataset(folder)))
    assert again[0][1].image_id == "a"


def test_it_is_reached_from_the_package() -> None:
    assert boxable.openimages.Dataset is Dataset


@pytest.mark.skipif(not DATA.is_dir(), reason="the photo sets are not beside this checkout")
@pytest.mark.parametrize(
    ("name", "images", "boxes"),
    [
        ("eval-coco", 219, 1692),
        ("eval-voc", 70, 191),
        ("eval-oi", 26, 189),
        ("tune-alpaca", 168, 313),
        ("tune-doors", 137, 1321),
        ("tune-bccd", 177, 2405),
        ("tiny", 12, 89),
    ],
)
def test_the_photo_sets_are_read_as_they_are_described(name: str, images: int, boxes: int) -> None:
    dataset = Dataset(DATA / name)
    assert len(dataset) == images
    assert sum(len(dataset.targets(number).boxes) for number in range(images)) == boxes
    rows = csv.DictReader((DATA / name / "images.csv").read_text("utf-8").splitlines())
    sizes = {row["ImageID"]: row for row in rows}
    for number in range(0, images, 10):
        image, targets = dataset[number]
        own = sizes[targets.image_id]
        assert image.shape == (int(own["Height"]), int(own["Width"]), 3)


def test_rows_without_a_class_are_of_one_of_their_own(tmp_path: Path) -> None:
    dataset = Dataset(write_folder(tmp_path / "set", [box_row("a", "")]))
    assert dataset.targets("a").mids == ("user/unnamed",)
    assert [(item.mid, item.boxes) for item in stats_of(dataset).classes if item.boxes] == [("user/unnamed", 1)]
    (finding,) = [item for item in verify(dataset).findings if item.text == "every class is known"][:1]
    assert (finding.count, finding.examples) == (1, ["(empty)"])
