"""Images and targets in shards."""

import json
import logging
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from boxable.datasets.shard import Shard
from boxable.errors import ArgumentError, ImageError
from boxable.openimages import Dataset
from tests.openimages.folders import CAT, DOG, PERSON, box_row, copy_image_file, photo, write_folder


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


@pytest.fixture
def many(tmp_path: Path) -> Dataset:
    made = write_folder(tmp_path / "many", [box_row(f"i{number:02}") for number in range(23)])
    for number in range(23):
        copy_image_file(made, f"i{number:02}")
    return Dataset(made)


def ids_of(shards: list[Shard[Any]]) -> list[list[str]]:
    return [[targets.image_id for _, targets in shard] for shard in shards]


@pytest.mark.parametrize("seed", [None, 0, 7])
def test_they_have_every_image_once(many: Dataset, seed: int | None) -> None:
    ids = ids_of(many.shards(4, seed=seed))
    assert sorted(map(len, ids)) == [5, 6, 6, 6]
    assert sorted(chain(*ids)) == [f"i{number:02}" for number in range(23)]


def test_a_seed_gives_the_same_order_again_and_an_epoch_another(many: Dataset) -> None:
    orders = [
        tuple(many.shards(2, seed=seed, epoch=epoch)[0].numbers.tolist())
        for seed, epoch in ((1, 0), (1, 0), (1, 1), (2, 0))
    ]
    assert orders[0] == orders[1]
    assert len(set(orders)) == 3


def test_the_order_is_the_recorded_one(many: Dataset) -> None:
    orders = [shard.numbers.tolist() for shard in many.shards(4, seed=7, epoch=3)]
    assert orders == [[21, 22, 10, 4, 15, 1], [19, 2, 8, 0, 14, 9], [7, 5, 12, 18, 20, 6], [17, 13, 3, 11, 16]]


def test_one_order_is_held_for_all_of_them(many: Dataset) -> None:
    first, *others = (shard.numbers for shard in many.shards(20, seed=1, epoch=2))
    assert all(numbers.base is first.base for numbers in others)


def test_a_shard_resumes_where_it_was(many: Dataset) -> None:
    whole = ids_of(many.shards(3, seed=5, epoch=2))[1]
    shard = many.shards(3, seed=5, epoch=2)[1]
    first = [next(shard)[1].image_id for _ in range(3)]
    state = json.loads(json.dumps(shard.state))
    assert state == {"seed": 5, "epoch": 2, "consumed": 9}
    assert first + ids_of(Dataset(many.path).shards(3, **state))[1] == whole


def test_three_shards_resume_where_two_were(many: Dataset) -> None:
    shards = many.shards(2, seed=5)
    first = [next(shard)[1].image_id for shard in shards for _ in range(4)]
    rest = ids_of(many.shards(3, **shards[0].state))
    assert [len(ids) for ids in rest] == [5, 5, 5]
    assert sorted(chain(first, *rest)) == [f"i{number:02}" for number in range(23)]


def test_drop_last_makes_lengths_equal(many: Dataset) -> None:
    assert [len(ids) for ids in ids_of(many.shards(4, seed=1, drop_last=True))] == [5, 5, 5, 5]


@pytest.mark.parametrize("change", [{"consumed": 24}, {"consumed": -1}, {"seed": "x"}, {"epoch": -1}])
def test_a_state_that_does_not_fit_is_refused(many: Dataset, change: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        many.shards(3, **{**many.shards(3)[0].state, **change})


def test_no_shards_are_refused(many: Dataset) -> None:
    with pytest.raises(ArgumentError, match="expected at least one shard, got 0"):
        many.shards(0)


def test_iterating_gives_all_of_them(many: Dataset) -> None:
    assert [targets.image_id for _, targets in many] == [f"i{number:02}" for number in range(23)]


def test_an_unreadable_image_raises_when_asked_for_and_is_logged_and_skipped_in_iteration(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copy_image_file(folder, "d", photo()[:200])
    dataset = Dataset(folder)
    with pytest.raises(ImageError, match=r"c\.jpg: no such image"):
        dataset["c"]
    images = iter(dataset)
    with caplog.at_level(logging.WARNING, "boxable"):
        assert [targets.image_id for _, targets in images] == ["a", "b"]
    warned = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert [message.split("/")[-1].split(":")[0] for message in warned] == ["c.jpg", "d.jpg"]


def test_unreadable_images_are_replaced_so_that_shards_keep_their_lengths(
    many: Dataset, caplog: pytest.LogCaptureFixture
) -> None:
    for number in (0, 1, 2, 21):  # in order: the first three of the ranks, and one at the end
        (many.path / "images" / f"i{number:02}.jpg").unlink()
    shards = many.shards(2)
    with caplog.at_level(logging.WARNING, "boxable"):
        ids = ids_of(shards)
    assert [len(names) for names in ids] == [12, 11] == [len(shard) for shard in shards]
    assert ids[0][:3] == ["i03", "i03", "i04"]
    assert ids[1][:2] == ["i03", "i03"]
    assert ids[1][-1] == "i22"
    assert [shard.failed for shard in shards] == [2, 2]
    assert len(caplog.records) == 4


def test_a_set_without_images_is_an_error(tmp_path: Path) -> None:
    made = write_folder(tmp_path / "set", [box_row(f"i{number:03}") for number in range(200)])
    with pytest.raises(ImageError, match=r"i000\.jpg: no such image; the next 100 images are unreadable too"):
        next(Dataset(made).shards(2)[0])


def test_of_many_unreadable_images_the_first_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = write_folder(tmp_path / "set", [box_row(f"i{number:03}") for number in range(200)])
    images = iter(Dataset(made))
    assert list(images) == []
    warned = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warned) == 21
    assert warned[-1] == "further unreadable images are not logged"
