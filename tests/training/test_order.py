"""The order of samples across epochs, ranks and resumed runs, and repeat factor sampling."""

import pickle
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from boxable.datasets.sampler import epoch_order
from boxable.errors import ArgumentError
from boxable.openimages import Dataset
from boxable.training.images import TrainingImages, training_images
from boxable.training.order import SampleKey, SampleOrder, repeat_factors
from tests.openimages.folders import CAT, DOG, PERSON, box_row, write_folder


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOXABLE_HOME", str(tmp_path / "home"))


def test_samples_follow_the_order_of_each_epoch_across_epochs() -> None:
    order = SampleOrder(5, 7)
    expected = [(epoch, place) for epoch in range(3) for place in epoch_order(5, 7, epoch)]
    assert [key[:2] for key in order.keys(0, 15)] == expected
    assert [key[:2] for key in order.keys(4, 3)] == expected[4:7]
    assert {key.copy for key in order.keys(0, 15)} == {0}
    assert len(order) == 5


def test_the_order_depends_on_the_seed_and_nothing_else() -> None:
    order = SampleOrder(5, 7)
    order.keys(100, 3)
    assert order.keys(0, 20) == SampleOrder(5, 7).keys(0, 20) == pickle.loads(pickle.dumps(order)).keys(0, 20)
    assert order.keys(0, 20) != SampleOrder(5, 8).keys(0, 20)


def test_a_batch_may_have_an_image_of_two_epochs() -> None:
    keys = SampleOrder(1, 0).keys(2, 3)
    assert keys == [SampleKey(2, 0), SampleKey(3, 0), SampleKey(4, 0)]


def test_without_images_there_is_no_order() -> None:
    with pytest.raises(ArgumentError, match="at least one training image"):
        SampleOrder(0, 0)


def test_following_goes_around_the_epoch() -> None:
    order = SampleOrder(5, 7)
    first, second, *others = (key.position for key in order.keys(10, 5))
    assert [*order.following(SampleKey(2, second))] == [*others, first]


class TestRepeats:
    FACTORS = np.array([1.0, 1.0, 2.3, 1.0, 3.45])

    def test_epochs_are_of_one_length_and_images_as_often_as_their_factor_on_average(self) -> None:
        order = SampleOrder(5, 1, self.FACTORS)
        assert len(order) == 9
        epochs = [Counter(key.position for key in order.keys(epoch * 9, 9)) for epoch in range(600)]
        mean = np.array([np.mean([epoch[number] for epoch in epochs]) for number in range(5)])
        np.testing.assert_allclose(mean, self.FACTORS * 9 / self.FACTORS.sum(), atol=0.06)
        assert {epoch[4] for epoch in epochs} == {3, 4}
        assert min(epoch[0] for epoch in epochs) == 1

    def test_copies_are_different_samples(self) -> None:
        keys = SampleOrder(5, 1, self.FACTORS).keys(0, 900)
        assert len(set(keys)) == 900
        assert {key.copy for key in keys if key.position == 4} == {0, 1, 2, 3}

    def test_copies_are_shuffled(self) -> None:
        order = SampleOrder(5, 1, self.FACTORS)
        same = [a.position == b.position for a, b in zip(order.keys(0, 900), order.keys(1, 900), strict=True)]
        assert np.mean(same) < 0.3

    def test_factors_of_one_repeat_nothing(self) -> None:
        keys = SampleOrder(1000, 1, np.ones(1000)).keys(3000, 1000)
        assert sorted(key.position for key in keys) == [*range(1000)]

    def test_following_starts_after_this_copy(self) -> None:
        order = SampleOrder(5, 1, self.FACTORS)
        keys = order.keys(0, 9)
        for place, key in enumerate(keys):
            assert [*order.following(key)] == [other.position for other in keys[place + 1 :] + keys[:place]]


def images_of(folder: Path, ids: Iterable[str]) -> TrainingImages:
    dataset = Dataset(folder)
    every = [dataset.image_id(number) for number in range(len(dataset))]
    return training_images(dataset, np.array([every.index(image) for image in ids], np.int32))[0]


def test_factors_are_those_of_the_rarest_class_of_an_image(tmp_path: Path) -> None:
    ids = [f"i{number:04}" for number in range(4000)]
    cats = [
        box_row("i0007", CAT),
        box_row("i0007", CAT),
        box_row("elsewhere", CAT),
        box_row("i0008", CAT, (1, 1, 1, 1)),
    ]
    persons = [box_row(f"i{number:04}", PERSON) for number in range(7, 10)]
    folder = write_folder(tmp_path / "set", [*(box_row(image, DOG) for image in ids), *cats, *persons])
    factors = repeat_factors(images_of(folder, ids))
    assert factors[7] == pytest.approx(2)  # cats are in 1 of 4000 images
    assert factors[8] == factors[9] == pytest.approx(np.sqrt(4 / 3))  # persons in 3
    assert np.delete(factors, [7, 8, 9]).tolist() == [1.0] * 3997
    assert repeat_factors(images_of(folder, ["i0008", "i0007"])).tolist() == [1.0, 1.0]


def test_images_without_boxes_are_not_repeated(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "set", [], images=["a,8,8,", "b,8,8,"])
    assert repeat_factors(images_of(folder, "ab")).tolist() == [1.0, 1.0]
