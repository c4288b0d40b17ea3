"""The order of samples across epochs, ranks and resumed runs, and repeat factor sampling."""

import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from boxable.datasets.sampler import epoch_order
from boxable.errors import ArgumentError
from boxable.openimages import Dataset
from boxable.training.order import SampleKey, SampleOrder, repeat_factors
from tests.openimages.folders import CAT, DOG, PERSON, box_row, write_folder

NUMBERS = np.array([3, 5, 8, 13, 21])


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOXABLE_HOME", str(tmp_path / "home"))


def test_samples_follow_the_order_of_each_epoch_across_epochs() -> None:
    order = SampleOrder(NUMBERS, 7)
    expected = [(epoch, NUMBERS[place]) for epoch in range(3) for place in epoch_order(5, 7, epoch)]
    assert [key[:2] for key in order.keys(0, 15)] == expected
    assert [key[:2] for key in order.keys(4, 3)] == expected[4:7]
    assert {key.copy for key in order.keys(0, 15)} == {0}
    assert len(order) == 5


def test_the_order_depends_on_the_seed_and_nothing_else() -> None:
    order = SampleOrder(NUMBERS, 7)
    order.keys(100, 3)
    assert order.keys(0, 20) == SampleOrder(NUMBERS, 7).keys(0, 20) == pickle.loads(pickle.dumps(order)).keys(0, 20)
    assert order.keys(0, 20) != SampleOrder(NUMBERS, 8).keys(0, 20)


def test_a_batch_may_have_an_image_of_two_epochs() -> None:
    keys = SampleOrder(np.array([4]), 0).keys(2, 3)
    assert keys == [SampleKey(2, 4), SampleKey(3, 4), SampleKey(4, 4)]


def test_without_images_there_is_no_order() -> None:
    with pytest.raises(ArgumentError, match="at least one training image"):
        SampleOrder(NUMBERS[:0], 0)


def test_following_goes_around_the_epoch() -> None:
    order = SampleOrder(NUMBERS, 7)
    first, second, *others = (key.number for key in order.keys(10, 5))
    assert [*order.following(SampleKey(2, second))] == [*others, first]


class TestRepeats:
    FACTORS = np.array([1.0, 1.0, 2.3, 1.0, 3.45])

    def test_epochs_are_of_one_length_and_images_as_often_as_their_factor_on_average(self) -> None:
        order = SampleOrder(NUMBERS, 1, self.FACTORS)
        assert len(order) == 9
        epochs = [Counter(key.number for key in order.keys(epoch * 9, 9)) for epoch in range(600)]
        mean = np.array([np.mean([epoch[number] for epoch in epochs]) for number in NUMBERS])
        np.testing.assert_allclose(mean, self.FACTORS * 9 / self.FACTORS.sum(), atol=0.06)
        assert {epoch[21] for epoch in epochs} == {3, 4}
        assert min(epoch[3] for epoch in epochs) == 1

    def test_copies_are_different_samples(self) -> None:
        keys = SampleOrder(NUMBERS, 1, self.FACTORS).keys(0, 900)
        assert len(set(keys)) == 900
        assert {key.copy for key in keys if key.number == 21} == {0, 1, 2, 3}

    def test_copies_are_shuffled(self) -> None:
        order = SampleOrder(NUMBERS, 1, self.FACTORS)
        same = [a.number == b.number for a, b in zip(order.keys(0, 900), order.keys(1, 900), strict=True)]
        assert np.mean(same) < 0.3

    def test_factors_of_one_repeat_nothing(self) -> None:
        keys = SampleOrder(np.arange(1000), 1, np.ones(1000)).keys(3000, 1000)
        assert sorted(key.number for key in keys) == [*range(1000)]

    def test_following_starts_after_this_copy(self) -> None:
        order = SampleOrder(NUMBERS, 1, self.FACTORS)
        keys = order.keys(0, 9)
        for place, key in enumerate(keys):
            assert [*order.following(key)] == [other.number for other in keys[place + 1 :] + keys[:place]]


def test_factors_are_those_of_the_rarest_class_of_an_image(tmp_path: Path) -> None:
    many = [box_row(f"i{number:04}", DOG) for number in range(4000)]
    rows = [*many, box_row("i0007", CAT), box_row("i0007", CAT), box_row("i0009", PERSON), box_row("other", CAT)]
    dataset = Dataset(write_folder(tmp_path / "set", rows, images=["nothing,8,8,"]))
    columns = {446: 0, 122: 2}  # dogs and cats; persons do not count
    numbers = np.arange(4000)
    factors = repeat_factors(dataset, numbers, columns)
    assert factors[7] == pytest.approx(2)  # sqrt(0.001 / (1 / 4000))
    assert np.delete(factors, 7).tolist() == [1.0] * 3999
    ids = [dataset.image_id(number) for number in range(len(dataset))]
    few = np.array([ids.index("nothing"), ids.index("i0007")])
    assert repeat_factors(dataset, few, columns).tolist() == [1.0, 1.0]


def test_without_boxes_nothing_is_repeated(tmp_path: Path) -> None:
    dataset = Dataset(write_folder(tmp_path / "set", [], images=["a,8,8,", "b,8,8,"]))
    assert repeat_factors(dataset, np.arange(2), {}).tolist() == [1.0, 1.0]
