"""A data folder as pictures and targets."""

import csv
import gzip
import json
import logging
import os
import pickle
import subprocess
import sys
from itertools import chain
from pathlib import Path

import filelock
import numpy as np
import pytest

import boxable
from boxable.errors import ArgumentError, BoxableError, ImageError
from boxable.openimages import Dataset
from boxable.openimages.stats import stats_of
from boxable.openimages.verify import verify
from tests.conftest import ROOT
from tests.openimages.folders import CAT, CLASSES, DOG, PERSON, box_row, photo, put_photo, write_folder

DATA = ROOT.parent / "shared" / "data"
SIDES = ("XMin", "XMax", "YMin", "YMax")
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def corners(image: np.ndarray) -> list[tuple[int, ...]]:
    """Which colour is in each corner: top left, top right, bottom left, bottom right."""
    found = (image[y, x] for y in (2, -3) for x in (2, -3))
    return [tuple(255 if value > 127 else 0 for value in pixel.tolist()) for pixel in found]


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
        put_photo(made, image)
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


def test_a_missing_photo_is_an_error_when_asked_for_and_a_word_when_going_through(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put_photo(folder, "d", photo()[:200])
    dataset = Dataset(folder)
    with pytest.raises(ImageError, match=r"c\.jpg: no such photo"):
        dataset["c"]
    (shard,) = dataset.shards(1)
    with caplog.at_level(logging.WARNING, "boxable"):
        assert [targets.image_id for _, targets in shard] == ["a", "b"]
    assert shard.failed == 2
    warned = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert [message.split("/")[-1].split(":")[0] for message in warned] == ["c.jpg", "d.jpg"]


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


class TestRotation:
    """The box is around the red quarter, which is top left as stored."""

    BOX = (0.0, 0.0, 0.5, 0.5)

    @pytest.mark.parametrize(
        ("degrees", "shape", "colors", "box"),
        [
            ("0.0", (24, 36), [RED, GREEN, BLUE, WHITE], (0, 0, 0.5, 0.5)),
            ("90.0", (36, 24), [GREEN, WHITE, RED, BLUE], (0.5, 0, 1, 0.5)),
            ("180.0", (24, 36), [WHITE, BLUE, GREEN, RED], (0.5, 0.5, 1, 1)),
            ("270.0", (36, 24), [BLUE, RED, WHITE, GREEN], (0, 0.5, 0.5, 1)),
        ],
    )
    def test_picture_and_boxes_are_turned_counter_clockwise(
        self,
        tmp_path: Path,
        degrees: str,
        shape: tuple[int, int],
        colors: list[tuple[int, ...]],
        box: tuple[float, ...],
    ) -> None:
        folder = write_folder(tmp_path / "set", [box_row("a", CAT, self.BOX)], images=[f"a,36,24,{degrees}"])
        put_photo(folder, "a")
        image, targets = Dataset(folder)[0]
        assert image.shape[:2] == shape
        assert corners(image) == colors
        assert tuple(targets.boxes[0].tolist()) == box

    def test_where_it_is_known_the_orientation_in_the_file_is_passed_over(self, tmp_path: Path) -> None:
        folder = write_folder(tmp_path / "set", [box_row("a", CAT, self.BOX)], images=["a,36,24,90"])
        put_photo(folder, "a", photo(orientation=8))  # the same turn, which must not be made twice
        image, _ = Dataset(folder)[0]
        assert corners(image) == [GREEN, WHITE, RED, BLUE]

    @pytest.mark.parametrize("unknown", ["", "nan", "45"])
    def test_where_it_is_not_known_the_file_is_believed(self, tmp_path: Path, unknown: str) -> None:
        folder = write_folder(tmp_path / "set", [box_row("a", CAT, self.BOX)], images=[f"a,36,24,{unknown}"])
        put_photo(folder, "a", photo(orientation=8))
        image, targets = Dataset(folder)[0]
        assert corners(image) == [GREEN, WHITE, RED, BLUE]
        assert tuple(targets.boxes[0].tolist()) == self.BOX


class TestShards:
    @pytest.fixture
    def dataset(self, tmp_path: Path) -> Dataset:
        folder = write_folder(tmp_path / "many", [box_row(f"i{number:02}") for number in range(23)])
        for number in range(23):
            put_photo(folder, f"i{number:02}")
        return Dataset(folder)

    @pytest.mark.parametrize("seed", [None, 0, 7])
    def test_they_have_every_image_once(self, dataset: Dataset, seed: int | None) -> None:
        shards = dataset.shards(4, seed=seed)
        ids = [[targets.image_id for _, targets in shard] for shard in shards]
        assert sorted(map(len, ids)) == [5, 6, 6, 6]
        assert sorted(chain(*ids)) == [f"i{number:02}" for number in range(23)]

    def test_a_seed_gives_the_same_order_again_and_an_epoch_another(self, dataset: Dataset) -> None:
        orders = [
            tuple(dataset.shards(2, seed=seed, epoch=epoch)[0].numbers.tolist())
            for seed, epoch in ((1, 0), (1, 0), (1, 1), (2, 0))
        ]
        assert orders[0] == orders[1]
        assert len(set(orders)) == 3

    def test_the_order_stays_that_of_earlier_versions(self, dataset: Dataset) -> None:
        orders = [shard.numbers.tolist() for shard in dataset.shards(4, seed=7, epoch=3)]
        whole = np.random.default_rng([7, 3]).permutation(np.arange(23, dtype=np.int32)).tolist()
        assert orders == [whole[number::4] for number in range(4)]
        states = [{**dataset.shards(4)[0].state, "shard": number, "seed": 7, "epoch": 3} for number in range(4)]
        assert [dataset.resume(state).numbers.tolist() for state in states] == orders

    def test_one_order_is_drawn_for_all_of_them(self, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
        drawn = []
        default_rng = np.random.default_rng
        monkeypatch.setattr(np.random, "default_rng", lambda seed: drawn.append(seed) or default_rng(seed))
        dataset.shards(20, seed=1, epoch=2)
        assert drawn == [[1, 2]]

    def test_a_shard_goes_on_where_it_was(self, dataset: Dataset) -> None:
        whole = [targets.image_id for _, targets in dataset.shards(3, seed=5, epoch=2)[1]]
        shard = dataset.shards(3, seed=5, epoch=2)[1]
        first = [next(shard)[1].image_id for _ in range(3)]
        state = json.loads(json.dumps(shard.state))
        rest = [targets.image_id for _, targets in Dataset(dataset.path).resume(state)]
        assert first + rest == whole

    @pytest.mark.parametrize("change", [{"images": 9}, {"shard": 3}, {"shards": 0}, {"position": -1}, {"seed": "x"}])
    def test_a_state_that_does_not_fit_is_refused(self, dataset: Dataset, change: dict[str, object]) -> None:
        with pytest.raises(ArgumentError):
            dataset.resume({**dataset.shards(3)[0].state, **change})
        with pytest.raises(ArgumentError):
            dataset.resume({"position": 3})

    def test_no_shards_are_refused(self, dataset: Dataset) -> None:
        with pytest.raises(ArgumentError, match="0 shards"):
            dataset.shards(0)

    def test_iterating_gives_all_of_them(self, dataset: Dataset) -> None:
        assert [targets.image_id for _, targets in dataset] == [f"i{number:02}" for number in range(23)]


class TestIndex:
    def test_it_is_made_once(self, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.INFO, "boxable"):
            Dataset(folder), Dataset(folder)
        assert [record.message for record in caplog.records] == [f"indexing {folder}, once"]

    def test_it_is_made_anew_when_a_table_changes_and_the_old_one_goes(self, folder: Path) -> None:
        Dataset(folder)
        table = folder / "annotations-bbox.csv"
        table.write_text(table.read_text() + box_row("e") + "\n")
        assert len(Dataset(folder)) == 5
        (own,) = (Path(os.environ["BOXABLE_HOME"]) / "data").iterdir()
        assert len([path for path in own.iterdir() if path.is_dir()]) == 1

    def test_processes_that_open_it_together_make_it_once(self, folder: Path) -> None:
        code = """
import logging, sys, time
from boxable.openimages import Dataset, index
logging.basicConfig(level=logging.INFO, stream=sys.stdout)
build = index._build
index._build = lambda *given: (time.sleep(0.5), build(*given))
print(len(Dataset(sys.argv[1])))
"""
        command = [sys.executable, "-c", code, folder]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
        said = [process.communicate()[0] for process in running]
        assert [text.splitlines()[-1] for text in said] == ["4"] * 3
        assert "".join(said).count("indexing") == 1

    def test_the_lock_stays_where_it_is_however_old(self, folder: Path) -> None:
        Dataset(folder)
        (lock,) = Path(os.environ["BOXABLE_HOME"]).rglob(".lock")
        os.utime(lock, (0, 0))
        before = lock.stat().st_ino
        table = folder / "annotations-bbox.csv"
        table.write_text(table.read_text() + box_row("e") + "\n")
        Dataset(folder)
        assert lock.stat().st_ino == before

    def test_what_a_killed_process_left_goes_once_it_is_old(self, folder: Path) -> None:
        Dataset(folder)
        (own,) = (Path(os.environ["BOXABLE_HOME"]) / "data").iterdir()
        for name in (".making-old", ".making-new"):
            (own / name).mkdir()
        os.utime(own / ".making-old", (0, 0))
        table = folder / "annotations-bbox.csv"
        table.write_text(table.read_text() + box_row("e") + "\n")
        Dataset(folder)
        assert {path.name for path in own.iterdir() if path.name.startswith(".")} == {".making-new", ".lock"}

    @pytest.mark.parametrize("name", ["boxes", "images", "labels", "starts", "mids"])
    @pytest.mark.parametrize("content", [b"no Arrow file", b"", None])
    def test_a_damaged_one_is_made_again(
        self, folder: Path, name: str, content: bytes | None, caplog: pytest.LogCaptureFixture
    ) -> None:
        Dataset(folder)
        (path,) = Path(os.environ["BOXABLE_HOME"]).rglob(f"{name}.arrow")
        path.unlink() if content is None else path.write_bytes(content)
        assert Dataset(folder).targets("b").mids == (DOG, "user/yeti", PERSON)
        assert "damaged" in caplog.text

    @pytest.mark.parametrize("noted", ["[]", "{}", "no JSON", '{"images.arrow": [1]}'])
    def test_one_whose_lengths_are_not_noted_is_made_again(
        self, folder: Path, noted: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        Dataset(folder)
        (path,) = Path(os.environ["BOXABLE_HOME"]).rglob("written.json")
        path.write_text(noted)
        assert len(Dataset(folder)) == 4
        assert "damaged" in caplog.text

    def test_one_with_a_file_of_another_length_is_made_again(
        self, folder: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        Dataset(folder)
        (path,) = Path(os.environ["BOXABLE_HOME"]).rglob("boxes.arrow")
        path.write_bytes(bytes(8) + path.read_bytes())
        assert Dataset(folder).targets("b").mids == (DOG, "user/yeti", PERSON)
        assert "boxes.arrow has" in caplog.text

    def test_nothing_is_left_of_one_that_could_not_be_made(self, folder: Path) -> None:
        table = folder / "annotations-bbox.csv"
        table.write_text(table.read_text() + "x,xclick,/m/01yrx,1,left,0,0,0,0,0,0,0,0\n")
        with pytest.raises(ArgumentError, match="column XMin"):
            Dataset(folder)
        assert [path.name for path in Path(os.environ["BOXABLE_HOME"]).rglob("*") if path.is_file()] == [".lock"]

    def test_a_home_that_cannot_be_written_is_told(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BOXABLE_HOME", str(folder / "classes.csv"))
        with pytest.raises(BoxableError, match="cannot write"):
            Dataset(folder)

    def test_one_in_a_home_that_can_only_be_read_is_used_and_a_missing_one_is_told(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Dataset(folder)

        def refuse(*_: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
        assert len(Dataset(folder)) == 4
        table = folder / "annotations-bbox.csv"
        table.write_text(table.read_text() + box_row("e") + "\n")
        with pytest.raises(BoxableError, match=r"cannot write .*Permission denied"):
            Dataset(folder)

    def test_of_several_rows_of_an_image_the_first_counts(self, tmp_path: Path) -> None:
        folder = write_folder(
            tmp_path / "set", [box_row("a", CAT, (0, 0, 0.5, 0.5))], images=["a,36,24,90", "b,1,1,0", "a,3,2,180"]
        )
        index = Dataset(folder).index
        assert (index.width.tolist(), index.height.tolist(), index.rotation.tolist()) == ([36, 1], [24, 1], [90, 0])

    def test_many_rows_out_of_order_are_put_in_order(self, tmp_path: Path) -> None:
        random = np.random.default_rng(0)
        images = random.integers(0, 500, 4000)
        mids = random.choice([CAT, DOG, "user/yeti", "user/new"], 4000)
        rows = [
            box_row(f"{image:x}", mid, (0, 0, 1, number / 4000))
            for number, (image, mid) in enumerate(zip(images, mids, strict=True))
        ]
        dataset = Dataset(write_folder(tmp_path / "set", rows))
        assert len(dataset) == len(set(images.tolist()))
        for image in set(images.tolist()):
            own = np.flatnonzero(images == image)
            targets = dataset.targets(f"{image:x}")
            assert targets.mids == tuple(mids[own].tolist())
            np.testing.assert_allclose(targets.boxes[:, 3], own / 4000, rtol=1e-6)


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
        put_photo(folder, "x")
        (folder / "secret.jpg").write_bytes(photo())
        with pytest.raises(ImageError, match="no file name"):
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
    (finding,) = [item for item in verify(dataset).findings if item.rule == "every class is known"][:1]
    assert (finding.wrong, finding.examples) == (1, ["(empty)"])
