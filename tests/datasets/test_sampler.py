"""The sampling order and its partition among ranks."""

import json
from itertools import chain, islice
from typing import Any

import numpy as np
import pytest

from boxable.datasets.sampler import Sampler, epoch_order
from boxable.errors import ArgumentError

COUNT = 23
# Recorded; a change of these numbers breaks the resuming of every training.
SEED_7_EPOCH_3 = [21, 19, 7, 17, 22, 2, 5, 13, 10, 8, 12, 3, 4, 0, 18, 11, 15, 14, 20, 16, 1, 9, 6]
SEED_7_EPOCH_4 = [11, 5, 14, 21, 9, 4, 20, 17, 3, 13, 19, 22, 7, 6, 8, 2, 10, 1, 15, 0, 12, 18, 16]


def samplers(world_size: int, consumed: int = 0, *, drop_last: bool = False) -> list[Sampler]:
    options: Any = {"seed": 7, "epoch": 3, "consumed": consumed, "drop_last": drop_last}
    return [Sampler(COUNT, rank, world_size, **options) for rank in range(world_size)]


def test_the_order_of_a_seed_and_an_epoch_is_the_recorded_one() -> None:
    assert epoch_order(COUNT, 7, 3).tolist() == SEED_7_EPOCH_3
    assert epoch_order(COUNT, 7, 4).tolist() == SEED_7_EPOCH_4
    assert epoch_order(COUNT, 7, 3).dtype == np.int32


def test_without_a_seed_samples_stay_in_order() -> None:
    assert epoch_order(4, None, 9).tolist() == [0, 1, 2, 3]


def test_ranks_take_turns() -> None:
    first, second = samplers(2)
    assert list(first) == SEED_7_EPOCH_3[::2]
    assert list(second) == SEED_7_EPOCH_3[1::2]


@pytest.mark.parametrize("consumed", [0, 1, 5, 22, 23])
@pytest.mark.parametrize("world_size", [1, 2, 3, 30])
def test_ranks_partition_the_rest_of_the_epoch(world_size: int, consumed: int) -> None:
    ranks = samplers(world_size, consumed)
    lengths = [len(rank) for rank in ranks]
    assert max(lengths) - min(lengths) <= 1
    taken = [list(rank) for rank in ranks]
    assert [len(numbers) for numbers in taken] == lengths
    assert sorted(chain(*taken)) == sorted(SEED_7_EPOCH_3[consumed:])


@pytest.mark.parametrize("steps", range(12))
@pytest.mark.parametrize(("before", "after"), [(2, 3), (3, 2), (1, 3), (3, 1)])
def test_resuming_on_another_world_size_repeats_and_skips_nothing(before: int, after: int, steps: int) -> None:
    ranks = samplers(before)
    taken = [number for rank in ranks for number in islice(rank, steps)]
    state = json.loads(json.dumps(ranks[0].state))
    assert state == {"seed": 7, "epoch": 3, "consumed": min(steps * before, COUNT)}
    taken += chain(*samplers(after, state["consumed"]))
    assert sorted(taken) == sorted(SEED_7_EPOCH_3)


def test_ranks_in_step_have_the_same_state() -> None:
    ranks = samplers(3, 1)
    for step in range(8):
        assert [rank.state["consumed"] for rank in ranks] == [min(1 + 3 * step, COUNT)] * 3
        for rank in ranks:
            next(rank, None)


@pytest.mark.parametrize("world_size", [1, 2, 3, 5])
@pytest.mark.parametrize("consumed", [0, 3, 22])
def test_drop_last_makes_ranks_equal_in_length(world_size: int, consumed: int) -> None:
    ranks = samplers(world_size, consumed, drop_last=True)
    taken = [list(rank) for rank in ranks]
    assert {len(numbers) for numbers in taken} == {(COUNT - consumed) // world_size}
    whole = (COUNT - consumed) // world_size * world_size
    assert sorted(chain(*taken)) == sorted(SEED_7_EPOCH_3[consumed : consumed + whole])
    assert {rank.state["consumed"] for rank in ranks} == {consumed + whole}


def test_the_samples_that_follow_go_around_the_whole_order() -> None:
    rank = samplers(2)[1]
    next(rank), next(rank)  # places 1 and 3
    assert list(rank.following()) == [*SEED_7_EPOCH_3[4:], *SEED_7_EPOCH_3[:3]]


@pytest.mark.parametrize("consumed", [-1, 24, 1.0, "3", True])
def test_a_number_of_samples_that_cannot_be_is_refused(consumed: int) -> None:
    with pytest.raises(ArgumentError, match="consumed: expected an integer from 0 to 23"):
        samplers(2, consumed)


@pytest.mark.parametrize("rank", [-1, 2])
def test_a_rank_that_cannot_be_is_refused(rank: int) -> None:
    with pytest.raises(ArgumentError, match=f"expected a rank from 0 to 1, got {rank}"):
        Sampler(3, rank, 2)


@pytest.mark.parametrize(("seed", "epoch"), [(-1, 0), (0, -1), ("x", 0), (0, None), (1.5, 0)])
def test_a_seed_or_epoch_that_cannot_be_is_refused(seed: int, epoch: int) -> None:
    with pytest.raises(ArgumentError, match="integers from 0"):
        epoch_order(3, seed, epoch)
