"""`boxable data fetch` as it is called."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke
from tests.openimages.official import Bucket, image_id, publish, serving

FETCH = ("data", "fetch", "--split", "validation")


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with serving({}) as server:
        server.files.update(publish(30, f"{server.address}/originals"))
        monkeypatch.setenv("BOXABLE_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("BOXABLE_OPENIMAGES", f"{server.address}/tables")
        monkeypatch.setenv("BOXABLE_OPENIMAGES_IMAGES", f"{server.address}/images")
        yield server


def test_a_dry_run_tells_classes_images_and_gigabytes_and_fetches_none(
    bucket: Bucket, invoke: Invoke, tmp_path: Path
) -> None:
    done = invoke(*FETCH, "--classes", "Vehicle,Dog,-Rocket", "--dry-run", tmp_path / "data")
    assert done.code == 0
    assert [line.split() for line in done.lines[:3]] == [
        ["class", "images", "boxes"],
        ["Dog", "10", "20"],
        ["Car", "6", "6"],
    ]
    assert done.lines[3] == (
        "14 images, 0 of them here; about 4.3 MB to fetch, estimated from the mean size of an image"
    )
    assert not (tmp_path / "data").exists()
    assert not any(path.endswith(".jpg") for path in bucket.asked)


def test_a_dry_run_knows_what_is_there_and_the_size_of_originals(
    bucket: Bucket, invoke: Invoke, tmp_path: Path
) -> None:
    dogs = (*FETCH, "--classes", "Dog", "--source", "original", tmp_path / "data")
    size = sum(len(bucket.files[f"originals/{number}.jpg"]) for number in range(0, 30, 3))
    assert invoke(*dogs, "--dry-run").lines[-1] == f"10 images, 0 of them here; {size / 1e6:.1f} MB to fetch"
    assert invoke(*dogs, "--max-images", 4).code == 0
    assert invoke(*dogs, "--dry-run").lines[-1].startswith("10 images, 4 of them here; 0.0 MB")


def test_failures_are_listed_on_stdout_and_end_with_1(bucket: Bucket, invoke: Invoke, tmp_path: Path) -> None:
    del bucket.files[f"images/validation/{image_id(3)}.jpg"]
    done = invoke(*FETCH, tmp_path / "data")
    assert (done.code, done.stdout) == (1, f"{image_id(3)}\tthe server answered 404\n")
    assert len(list((tmp_path / "data" / "images").iterdir())) == 29


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--split", "all"), "'all' is not one of 'train', 'validation', 'test'"),
        (("--release", "v3"), "'v3' is not one of 'v4'"),
        (("--max-images", "0"), "0 is not in the range x>=1"),
        (("--classes", "Catt"), "unknown class 'Catt': did you mean Cat"),
        (("--classes", "Cat,-Animal"), "leaves no class"),
    ],
)
def test_wrong_usage_ends_with_2(
    arguments: tuple[str, ...], said: str, bucket: Bucket, invoke: Invoke, tmp_path: Path
) -> None:
    done = invoke(*FETCH, *arguments, tmp_path / "data")
    assert (done.code, done.stdout) == (2, "")
    assert said in done.stderr
    assert not bucket.asked
