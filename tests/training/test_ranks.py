"""What several processes of a run share."""

import os
import time
from datetime import timedelta

import pytest
import torch
from torch import distributed, nn

from boxable.errors import ArgumentError
from boxable.training.ranks import open_ranks
from boxable.training.state import State
from boxable.training.torchrun import LostRankError, is_first_here
from tests.training.runs import in_ranks


def _shared() -> list[object]:
    with open_ranks() as ranks:
        own = float(ranks.rank + 1)
        return [
            (ranks.rank, ranks.count, ranks.is_first, ranks.is_distributed),
            ranks.sum(torch.tensor([own, 10])).tolist(), ranks.maximum(torch.tensor([own, -own])).tolist(),
            [ranks.any(flag) for flag in (False, ranks.is_first, not ranks.is_first, True)],
            ranks.share({"state": State(step=7)} if ranks.is_first else None), ranks.share(ranks.rank),
        ]  # fmt: skip


def test_values_are_shared() -> None:
    common = [[3, 20], [2, -1], [False, True, True, True], {"state": State(step=7)}, 0]
    assert in_ranks(2, _shared) == [[(0, 2, True, True), *common], [(1, 2, False, True), *common]]


def test_alone_values_stay_as_they_are() -> None:
    with open_ranks() as ranks:
        assert (ranks.rank, ranks.count, ranks.is_first, ranks.is_distributed) == (0, 1, True, False)
        assert ranks.sum(torch.tensor(5)) == ranks.maximum(torch.tensor(5)) == ranks.share(5) == 5
        assert [ranks.any(flag) for flag in (False, True)] == [False, True]
        assert not distributed.is_initialized()


def _gradients() -> list[object]:
    with open_ranks() as ranks:
        kernel, bias, unused = (nn.Parameter(torch.zeros(size)) for size in ((2, 3, 1, 2), (4,), (1,)))
        kernel.grad = torch.arange(12.0).reshape(2, 3, 1, 2).to(memory_format=torch.channels_last) + ranks.rank
        bias.grad = torch.full((4,), 10.0**-ranks.rank)
        ranks.sum_gradients([kernel, unused, bias])
        return [kernel.grad.tolist(), bias.grad.tolist(), unused.grad]


def test_gradients_are_summed() -> None:
    expected = (torch.arange(12.0).reshape(2, 3, 1, 2) * 3 + 3).tolist()
    assert in_ranks(3, _gradients) == [[expected, [pytest.approx(1.11)] * 4, None]] * 3


def _lose_one() -> str:
    try:
        with open_ranks() as ranks:
            ranks.sum(torch.tensor(0))
            if not ranks.is_first:
                return "left"  # without a word to the others, as if it had raised an error
            ranks.share(0)
            ranks.sum(torch.tensor(0))
    except LostRankError as error:
        return str(error)
    return "not lost"


def test_a_process_that_ends_is_told_to_the_others() -> None:
    # The second process ends with its pool, once the first one has nothing left to do.
    assert in_ranks(2, _lose_one) == [
        "another process of this run has ended; see its message or that of torchrun",
        "left",
    ]


def _join(attempt: int) -> int:
    with open_ranks() as ranks:
        found = ranks.sum(torch.tensor(1))
        if not attempt:
            os._exit(1)  # torchrun kills all when one has ended
        return int(found)


def test_restarted_processes_do_not_find_the_former_ones_in_the_store_of_torchrun() -> None:
    store = distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False, timeout=timedelta(seconds=20))
    kept = {
        "TORCHELASTIC_USE_AGENT_STORE": "True", "MASTER_PORT": str(store.port), "MASTER_ADDR": "127.0.0.1",
        "TORCHELASTIC_AGENT_ADDR": "127.0.0.1", "TORCHELASTIC_AGENT_PORT": str(store.port),
    }  # fmt: skip
    with pytest.raises(Exception, match="terminated abruptly"):
        in_ranks(2, _join, 0, TORCHELASTIC_RESTART_COUNT="0", **kept)
    started = time.monotonic()
    assert in_ranks(2, _join, 1, TORCHELASTIC_RESTART_COUNT="1", **kept) == [2, 2]
    assert time.monotonic() - started < 30


def test_each_process_of_a_machine_refuses_more_of_them_than_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for rank in range(3):
        for name, value in (("RANK", rank), ("LOCAL_RANK", rank), ("WORLD_SIZE", 3), ("LOCAL_WORLD_SIZE", 3)):
            monkeypatch.setenv(name, str(value))
        with (
            pytest.raises(
                ArgumentError, match="expected at most 2 processes, one a GPU, got 3; lower --nproc-per-node"
            ),
            open_ranks(),
        ):
            pass


def test_the_first_process_of_a_machine_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    assert is_first_here()
    for rank in range(2):
        monkeypatch.setenv("LOCAL_RANK", str(rank))
        assert is_first_here() == (rank == 0)
