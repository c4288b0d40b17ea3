"""Fetching into a data folder, from a server on this machine."""

import csv
import hashlib
import io
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from boxable.cli.data.fetch import fetch as fetch_command
from boxable.errors import ArgumentError, BoxableError, FetchError, UnknownClassError
from boxable.openimages import Dataset
from boxable.openimages.convert_set import convert
from boxable.openimages.fetch import back_off, destination, images, transport
from boxable.openimages.fetch.fetch_folder import Fetched, fetch_folder
from boxable.openimages.fetch.ledger import Ledger
from boxable.openimages.fetch.planning import planned
from boxable.openimages.fetch.request import Request
from boxable.openimages.split import split
from tests.openimages.official import CAR, CAT, DOG, ROCKET, Bucket, image_id, photo, publish, serving, some_fail

COUNT = 60
NEVER = threading.Event()


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """The official places, as the settings have them; attempts follow each other quickly."""
    with serving({}) as server:
        server.files.update(publish(COUNT, f"{server.address}/originals"))
        monkeypatch.setenv("BOXABLE_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("BOXABLE_OPENIMAGES", f"{server.address}/tables")
        monkeypatch.setenv("BOXABLE_OPENIMAGES_IMAGES", f"{server.address}/images/")
        monkeypatch.setattr(back_off, "FIRST_DELAY_S", 0.002)
        yield server


def fetch(folder: Path, stop: threading.Event = NEVER, **wanted: object) -> Fetched:
    with planned(folder, Request("validation", **wanted)) as plan:  # type: ignore[arg-type]
        return fetch_folder(folder, plan, stop)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "images").iterdir()}


def published(bucket: Bucket, numbers: Iterator[int] | range) -> dict[str, bytes]:
    return {f"{image_id(n)}.jpg": bucket.files[f"images/validation/{image_id(n)}.jpg"] for n in numbers}


def asked_for_images(bucket: Bucket) -> dict[str, int]:
    return {path: count for path, count in list(bucket.asked.items()) if path.endswith(".jpg")}


def test_what_is_selected_comes_and_nothing_else(bucket: Bucket, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    done = fetch(folder, classes="Vehicle,Dog,-Rocket")
    numbers = [n for n in range(COUNT) if n % 3 == 0 or n % 5 == 0]
    assert (done.images, done.missing, done.failures) == (len(numbers), 0, [])
    assert files_of(folder) == published(bucket, iter(numbers))
    boxes = pq.read_table(folder / "annotations-bbox.parquet").to_pydict()
    assert set(boxes["LabelName"]) == {DOG, CAR}
    assert boxes["ImageID"] == sorted(boxes["ImageID"])
    assert len(boxes["ImageID"]) == 2 * 20 + 12
    labels = pq.read_table(folder / "annotations-human-imagelabels.parquet").to_pydict()
    assert set(labels["LabelName"]) == {DOG}
    assert {0.0, 1.0} == set(labels["Confidence"])
    with (folder / "classes.csv").open() as file:
        assert dict(csv.reader(file)) == {"LabelName": "DisplayName", DOG: "Dog", CAR: "Car"}
    assert {path.name for path in folder.iterdir()} == {
        "annotations-bbox.parquet", "annotations-human-imagelabels.parquet", "images.parquet", "classes.csv", "images",
        "ledger.sqlite", "boxable-data.json", ".fetching.lock",
    }  # fmt: skip


def test_every_image_keeps_its_author_licence_and_address_and_gets_its_size(bucket: Bucket, tmp_path: Path) -> None:
    fetch(tmp_path / "data", classes="Rocket")
    (row,) = pq.read_table(tmp_path / "data" / "images.parquet").to_pylist()
    number = COUNT - 1
    assert row["ImageID"] == image_id(number)
    assert (row["Author"], row["Title"]) == ('Ann, of the "Lake"', f"line one\nline {number}")
    assert row["License"] == "https://creativecommons.org/licenses/by/2.0/"
    assert row["OriginalLandingURL"] == f"https://photos/{number}"
    assert (row["Width"], row["Height"], row["Subset"], row["Rotation"]) == (64, 48, "validation", 0)


def test_the_size_is_that_of_the_photo_as_it_is_stored(bucket: Bucket, tmp_path: Path) -> None:
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6  # viewers turn it
    Image.new("RGB", (64, 48)).save(file, "JPEG", exif=exif)
    path = f"images/validation/{image_id(COUNT - 1)}.jpg"
    bucket.files[path] = file.getvalue()
    fetch(tmp_path / "data", classes="Rocket")
    (row,) = pq.read_table(tmp_path / "data" / "images.parquet").to_pylist()
    assert (row["Width"], row["Height"]) == (64, 48)


def test_the_folder_is_one_that_evaluate_reads(bucket: Bucket, tmp_path: Path) -> None:
    from boxable.formats.openimages_reading import read_folder

    fetch(tmp_path / "data", max_images=4)
    annotations = read_folder(tmp_path / "data")
    assert len(annotations.listed_images) == 4
    assert set(annotations.sizes.values()) == {(64, 48)}
    assert CAT in annotations.boxes.label.values


def test_a_second_run_fetches_nothing_and_a_wider_one_only_the_rest(bucket: Bucket, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    fetch(folder, classes="Dog")
    first = asked_for_images(bucket)
    assert fetch(folder, classes="Dog").images == 20
    assert asked_for_images(bucket) == first
    done = fetch(folder)
    assert done.images == COUNT
    assert files_of(folder) == published(bucket, range(COUNT))
    assert set(asked_for_images(bucket).values()) == {1}
    assert all(count == 1 for count in bucket.asked.values())  # the tables too


def test_a_folder_does_not_shrink_or_change(bucket: Bucket, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    fetch(folder)
    before = files_of(folder)
    with pytest.raises(ArgumentError, match="has 40 images that this selection leaves out"):
        fetch(folder, classes="Dog")
    with pytest.raises(ArgumentError, match="holds v4 validation bucket; v4 validation original needs a folder"):
        fetch(folder, source="original")
    assert files_of(folder) == before
    assert len(pq.read_table(folder / "images.parquet")) == COUNT


@pytest.mark.parametrize("there", ["README.md", "src/main.py", "classes.csv"])
def test_a_folder_of_something_else_is_not_fetched_into(there: str, bucket: Bucket, tmp_path: Path) -> None:
    path = tmp_path / "mine" / there
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    with pytest.raises(ArgumentError, match=rf"mine: has {Path(there).parts[0]}, but no boxable-data"):
        fetch(tmp_path / "mine")
    assert [item for item in (tmp_path / "mine").rglob("*") if item.is_file()] == [path]


@pytest.mark.parametrize("form", ["openimages", "parquet"])
def test_what_was_made_of_a_fetched_folder_is_not_fetched_into(form: str, bucket: Bucket, tmp_path: Path) -> None:
    fetch(tmp_path / "data", classes="Dog")
    convert(tmp_path / "data", tmp_path / "other", form)
    before = sorted((tmp_path / "other").rglob("*"))
    with pytest.raises(ArgumentError, match=r"holds something that was not fetched; .* needs a folder of its own"):
        fetch(tmp_path / "other", classes="Dog")
    assert sorted((tmp_path / "other").rglob("*")) == before
    assert len(Dataset(tmp_path / "other")) == 20


def test_photos_and_hidden_files_may_be_there_before(bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "data" / "images").mkdir(parents=True)
    (tmp_path / "data" / ".DS_Store").write_bytes(b"")
    name, content = next(iter(published(bucket, range(1)).items()))
    (tmp_path / "data" / "images" / name).write_bytes(content)
    assert fetch(tmp_path / "data").images == COUNT
    assert f"images/validation/{name}" not in bucket.asked


def test_classes_without_a_box_are_named(bucket: Bucket, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fetch(tmp_path / "dogs", classes="Dog")
    assert not caplog.text
    fetch(tmp_path / "data", classes="Dog,Tortoise,Ostrich")
    assert "no boxes in v4 validation of 2 of the 3 classes: Tortoise, Ostrich" in caplog.text


@pytest.mark.parametrize(("first", "then"), [("Cat,Dog", "Cat"), (None, "Cat"), ("Animal", "Cat,Dog")])
def test_a_folder_does_not_lose_the_boxes_of_a_class(
    first: str | None, then: str, bucket: Bucket, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    fetch(folder, classes=first, max_images=5)
    before = pq.read_table(folder / "annotations-bbox.parquet")
    with pytest.raises(ArgumentError, match=f"has the boxes of {first or 'all classes'}, and {then} leaves some"):
        fetch(folder, classes=then, max_images=COUNT)
    assert pq.read_table(folder / "annotations-bbox.parquet") == before
    assert fetch(folder, classes=f"{first},Car" if first else None, max_images=COUNT).images >= 5


def test_what_a_killed_run_left_of_its_tables_is_removed_and_nothing_else(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data"
    mine = {".annotations-bbox.parquet.mine.part", "notes.part", ".x.jpg.0123abcd.part", "images.parquet.0123abcd.part"}
    fetch(folder, max_images=1)
    for name in mine:
        (folder / name).write_bytes(b"mine")
    with planned(folder, Request("validation", max_images=1)) as plan, monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda *_: None)  # as a kill -9 between writing and naming, at each of the files
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        fetch_folder(folder, plan, NEVER)
    assert len({path.name for path in folder.glob(".*.part")} - mine) == 5
    (folder / ".annotations-human-imagelabels.parquet.0123abcd.rows.parquet").write_bytes(b"a part of it")
    fetch(folder, max_images=1)
    assert {path.name for path in folder.glob("*")} == mine | {
        "annotations-bbox.parquet", "annotations-human-imagelabels.parquet", "images.parquet", "classes.csv", "images",
        "ledger.sqlite", "boxable-data.json", ".fetching.lock",
    }  # fmt: skip


def test_faults_of_the_server_are_outlived(bucket: Bucket, tmp_path: Path) -> None:
    bucket.fault = lambda path, count: some_fail(0.25)(path, count) if path.endswith(".jpg") else None
    done = fetch(tmp_path / "data")
    assert (done.images, done.failures) == (COUNT, [])
    assert files_of(tmp_path / "data") == published(bucket, range(COUNT))
    assert max(asked_for_images(bucket).values()) > 1
    with Ledger(tmp_path / "data" / "ledger.sqlite") as ledger:
        assert ledger.counts()["done"] == (COUNT, sum(map(len, files_of(tmp_path / "data").values())))


def test_an_image_that_fails_in_other_ways_each_time_is_tried_six_times(bucket: Bucket, tmp_path: Path) -> None:
    path = f"images/validation/{image_id(0)}.jpg"
    faults = ["500", "other", "cut", "503", "other", "429"]
    bucket.fault = lambda asked, count: faults[count - 1] if asked == path else None
    done = fetch(tmp_path / "data", classes="Dog")
    assert dict(done.failures) == {image_id(0): "the server answered 429"}
    assert bucket.asked[path] == back_off.TRIES


def test_slow_bodies_are_waited_for_and_silent_ones_are_not(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "SILENCE_S", 0.5)
    silent, slow = (f"images/validation/{image_id(n)}.jpg" for n in (0, 3))
    bucket.fault = lambda path, count: {silent: "silent" if count == 1 else None, slow: "slow"}.get(path)
    assert fetch(tmp_path / "data", classes="Dog").images == 20
    assert (bucket.asked[silent], bucket.asked[slow]) == (2, 1)


def test_images_that_cannot_be_had_are_listed_and_tried_again_next_time(bucket: Bucket, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    gone, damaged, forged = (image_id(n) for n in range(3))
    address = "images/validation/{}.jpg".format
    whole = dict(bucket.files)
    del bucket.files[address(gone)]
    bucket.files[address(damaged)] = whole[address(damaged)][:-200]
    bucket.fault = lambda path, count: "other" if path == address(forged) else None
    done = fetch(folder)
    reasons = dict(done.failures)
    assert done.images == COUNT - 3
    assert reasons[gone] == "the server answered 404"
    assert "damaged or unsupported image" in reasons[damaged]
    assert re.fullmatch(r"expected md5 \w{32} \(the server\), got \w{32}", reasons[forged])
    assert bucket.asked[address(gone)] == 1
    assert bucket.asked[address(forged)] == 3  # the same wrong file again and again
    assert files_of(folder) == published(bucket, range(3, COUNT))
    bucket.files.update(whole)
    bucket.fault = lambda path, count: None
    assert fetch(folder) == Fetched(COUNT, sum(map(len, files_of(folder).values())), 0, [])
    assert files_of(folder) == published(bucket, range(COUNT))


def test_originals_are_checked_against_the_list(bucket: Bucket, tmp_path: Path) -> None:
    bucket.files["originals/3.jpg"] = photo(99)  # another image: as when an author replaces it
    same_length = bytearray(bucket.files["originals/6.jpg"])
    same_length[-1] = 0
    bucket.files["originals/6.jpg"] = bytes(same_length)
    done = fetch(tmp_path / "data", classes="Dog", source="original")
    reasons = dict(done.failures)
    assert set(reasons) == {image_id(3), image_id(6)}
    assert re.fullmatch(r"expected \d+ bytes, the server announced \d+", reasons[image_id(3)])
    assert re.search(r"expected md5 \w{32} \(the list of images\), got \w{32}", reasons[image_id(6)])
    assert files_of(tmp_path / "data")[f"{image_id(0)}.jpg"] == bucket.files["originals/0.jpg"]


def test_files_that_are_there_are_taken_if_they_are_whole(bucket: Bucket, tmp_path: Path) -> None:
    photos = tmp_path / "data" / "images"
    photos.mkdir(parents=True)
    by_hand = published(bucket, range(10))
    for name, data in by_hand.items():
        (photos / name).write_bytes(data)
    half = photos / f"{image_id(9)}.jpg"
    half.write_bytes(by_hand[half.name][:-100])
    (photos / f".{image_id(10)}.jpg.part").write_bytes(b"half")
    fetch(tmp_path / "data")
    assert files_of(tmp_path / "data") == published(bucket, range(COUNT))
    assert len(asked_for_images(bucket)) == COUNT - 9


def test_the_folder_is_believed_before_the_ledger(bucket: Bucket, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    fetch(folder)
    lost, cut, changed = (folder / "images" / f"{image_id(n)}.jpg" for n in range(3))
    lost.unlink()
    cut.write_bytes(b"")  # as a power cut leaves it
    changed.write_bytes(photo(77))
    ledger = folder / "ledger.sqlite"
    assert fetch(folder).images == COUNT
    assert files_of(folder) == published(bucket, range(COUNT))
    ledger.unlink()  # lost, the files are checked and noted again
    before = asked_for_images(bucket)
    assert fetch(folder).images == COUNT
    assert asked_for_images(bucket) == before


def test_ctrl_c_completes_what_is_under_way_and_the_next_run_the_rest(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "WORKERS", 4)
    folder, stop = tmp_path / "data", threading.Event()

    def fault(path: str, count: int) -> None:
        if len(asked_for_images(bucket)) >= 20:
            stop.set()

    bucket.fault = fault  # type: ignore[assignment]
    stopped = fetch(folder, stop)
    assert 16 <= stopped.images < 30
    assert stopped.images + stopped.missing == COUNT
    assert len(files_of(folder)) == stopped.images
    assert fetch(folder).images == COUNT
    assert set(asked_for_images(bucket).values()) == {1}


def test_requests_at_a_time_are_bounded(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "WORKERS", 5)
    bucket.delay_s = 0.01
    fetch(tmp_path / "data")
    assert 2 <= bucket.most_at_once <= 5


def test_a_server_that_is_gone_ends_it_and_keeps_what_came(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "WORKERS", 4)
    monkeypatch.setattr(images, "_UNREACHABLE", 10)
    folder = tmp_path / "data"
    bucket.fault = lambda path, count: "cut" if len(asked_for_images(bucket)) > 15 and path.endswith(".jpg") else None
    gone = fetch(folder)
    assert gone.given_up is not None
    assert re.match(r"none of the last 10 images could be fetched \(\w{16}: the answer broke off\); ", gone.given_up)
    assert len(gone.failures) >= 10
    assert gone.missing > 0
    assert 10 <= len(files_of(folder)) == gone.images < 20
    bucket.fault = lambda path, count: None
    assert fetch(folder).images == COUNT


def test_a_server_that_answers_is_not_gone(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_UNREACHABLE", 5)
    bad = {f"images/validation/{image_id(n)}.jpg" for n in range(0, COUNT, 3)}
    bucket.fault = lambda path, count: "503" if path in bad else None
    for _ in range(2):  # the second run asks for nothing but those
        done = fetch(tmp_path / "data")
        assert (done.images, done.missing, len(done.failures), done.given_up) == (40, 0, 20, None)


def test_a_server_that_answers_nothing_but_503_ends_it_and_the_failures_are_listed(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("WORKERS", 4), ("_UNREACHABLE", 10), ("_BUSY_S", 0.05)):
        monkeypatch.setattr(images, name, value)
    bucket.fault = lambda path, count: "503" if path.endswith(".jpg") else None
    with pytest.raises(FetchError, match=r"none of the last \d+ images could be fetched \(\w{16}: the server answered"):
        fetch_command.callback(tmp_path / "data", False, split="validation", source="bucket")  # type: ignore[misc]
    listed = capsys.readouterr().out.splitlines()
    assert 10 <= len(listed) < COUNT
    assert all(line.endswith("\tthe server answered 503") for line in listed)


def test_a_row_with_a_bad_address_fails_alone(bucket: Bucket, tmp_path: Path) -> None:
    table = "tables/2018_04/validation/validation-images-with-rotation.csv"
    for number, address in ((3, b"http://[bad/3.jpg"), (6, b"http://127.0.0.1:1/" + b"a" * 100_000)):
        published_at = f"{bucket.address}/originals/{number}.jpg".encode()
        assert published_at in bucket.files[table]
        bucket.files[table] = bucket.files[table].replace(published_at, address)
    done = fetch(tmp_path / "data", classes="Dog", source="original")
    assert (done.images, done.missing) == (18, 0)
    reasons = dict(done.failures)
    assert reasons[image_id(3)].startswith("no address: http://[bad/3.jpg")
    assert reasons[image_id(6)].startswith("an address of 100019 characters: ")


def test_an_original_is_not_measured_by_the_etag_of_its_server(bucket: Bucket, tmp_path: Path) -> None:
    bucket.etag = lambda body: hashlib.md5(b"of something else").hexdigest()
    assert fetch(tmp_path / "originals", source="original").images == COUNT
    done = fetch(tmp_path / "bucket", classes="Rocket")
    assert "(the server)" in done.failures[0][1]


def test_limits_take_the_first_images_by_id(bucket: Bucket, tmp_path: Path) -> None:
    ids = sorted(map(image_id, range(COUNT)))
    fetch(tmp_path / "five", max_images=5)
    assert sorted(files_of(tmp_path / "five")) == [f"{name}.jpg" for name in ids[:5]]
    with planned(tmp_path / "none", Request("validation", per_class=3)) as plan:
        dogs = sorted(image_id(n) for n in range(0, COUNT, 3))[:3]
        cars = sorted(image_id(n) for n in range(0, COUNT, 5))[:3]
        assert plan.ids == sorted({*ids[:3], *dogs, *cars, image_id(COUNT - 1)})
        assert {item.mid: item.images >= 3 for item in plan.counts} == {CAT: True, DOG: True, CAR: True, ROCKET: False}
    assert not (tmp_path / "none").exists()


def test_two_processes_do_not_fetch_into_one_folder(bucket: Bucket, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    fetch(folder, max_images=1)
    with destination.alone(folder), pytest.raises(BoxableError, match="another process fetches into it"):
        fetch(folder, max_images=2)
    assert fetch(folder, max_images=2).images == 2


def test_images_that_the_list_does_not_name_are_left_out_and_counted(
    bucket: Bucket, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = "tables/2018_04/validation/validation-annotations-bbox.csv"
    bucket.files[path] += b"ffffffffffffffff,xclick,/m/01yrx,1,0,1,0,1,0,0,0,0,0\n"
    assert fetch(tmp_path / "data").images == COUNT
    assert ": 1 of 61 images" in caplog.text


@pytest.mark.parametrize("classes", [None, "Cat"])
def test_an_image_that_the_list_names_twice_comes_once_with_its_first_author(
    classes: str | None, bucket: Bucket, tmp_path: Path
) -> None:
    path = "tables/2018_04/validation/validation-images-with-rotation.csv"
    header, rows = bucket.files[path].split(b"\n", 1)
    bucket.files[path] = header + b"\n" + rows + rows.replace(b"Ann, of", b"Bob, of")
    assert fetch(tmp_path / "data", classes=classes).images == COUNT
    table = pq.read_table(tmp_path / "data" / "images.parquet").to_pydict()
    assert table["ImageID"] == sorted(map(image_id, range(COUNT)))
    assert set(table["Author"]) == {'Ann, of the "Lake"'}


@pytest.mark.parametrize("name", ["../../outside", "/etc/passwd", ".hidden", "a/b"])
def test_an_id_that_is_no_file_name_is_refused(name: str, bucket: Bucket, tmp_path: Path) -> None:
    for path in list(bucket.files):
        if path.endswith(".csv"):
            bucket.files[path] = bucket.files[path].replace(image_id(0).encode(), name.encode())
    with pytest.raises(ArgumentError, match="expected image ids of letters and digits"):
        fetch(tmp_path / "data")
    assert not (tmp_path / "outside.jpg").exists()


def test_a_selection_without_images_says_so(bucket: Bucket, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="no image of v4 validation has a box of Zebra"):
        fetch(tmp_path / "data", classes="Zebra")


def test_a_wrong_class_is_told_before_anything_is_fetched(bucket: Bucket, tmp_path: Path) -> None:
    with pytest.raises(UnknownClassError, match="unknown class 'Doog': did you mean Dog"):
        fetch(tmp_path / "data", classes="Cat,Doog")
    assert not bucket.asked


def test_every_hash_in_the_ledger_is_of_its_file(bucket: Bucket, tmp_path: Path) -> None:
    import sqlite3

    fetch(tmp_path / "data")
    base = sqlite3.connect(tmp_path / "data" / "ledger.sqlite")
    rows = base.execute("SELECT id, state, tries, size, md5, width, height FROM images").fetchall()
    base.close()
    files = files_of(tmp_path / "data")
    assert len(rows) == COUNT
    for name, state, tries, size, md5, width, height in rows:
        data = files[f"{name}.jpg"]
        assert (state, tries, size, width, height) == ("done", 1, len(data), 64, 48)
        assert md5 == hashlib.md5(data).hexdigest()


def test_a_whole_split_has_images_without_boxes_too(bucket: Bucket, tmp_path: Path) -> None:
    table = "tables/2018_04/validation/validation-images-with-rotation.csv"
    bucket.files[table] += b"ffffffffffffffff,validation,,,,,,,,,,\n"
    bucket.files["images/validation/ffffffffffffffff.jpg"] = photo(77)
    assert fetch(tmp_path / "whole").images == COUNT + 1
    assert fetch(tmp_path / "cats", classes="Cat").images == COUNT
    split(tmp_path / "whole", tmp_path / "parts")
    with pytest.raises(ArgumentError, match="a part that `boxable data split` made"):
        fetch(tmp_path / "parts" / "train")


def test_the_number_of_images_that_are_not_listed_is_that_of_the_split(
    bucket: Bucket, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = "tables/2018_04/validation/validation-annotations-bbox.csv"
    bucket.files[path] += b"0000000000000000,xclick,/m/01yrx,1,0,1,0,1,0,0,0,0,0\n"
    assert fetch(tmp_path / "data", max_images=2).images == 2
    assert f": 1 of {COUNT + 1} images" in caplog.text


def test_a_table_without_boxes_says_which_it_is(bucket: Bucket, tmp_path: Path) -> None:
    path = "tables/2018_04/validation/validation-annotations-bbox.csv"
    bucket.files[path] = bucket.files[path].splitlines(keepends=True)[0]
    with pytest.raises(ArgumentError, match=r"annotations-bbox\.csv: no boxes in this table; remove it to fetch it"):
        fetch(tmp_path / "data")
