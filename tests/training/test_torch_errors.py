"""Errors of torch are told in one line."""

import os
import signal
from pathlib import Path

import pytest
import torch
from torch import distributed

from boxable.errors import BoxableError
from boxable.training.loader import batches
from boxable.training.order import SampleOrder
from boxable.training.torch_errors import clear_errors
from boxable.training.torchrun import LostRankError
from tests.training.made import PLAIN, samples_of, write_images
from tests.training.runs import in_ranks


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (RuntimeError("[/a/third_party/gloo/b.cc:5] Connection closed"), LostRankError, "another process of this run"),
        (distributed.DistBackendError("NCCL"), LostRankError, "another process of this run has ended"),
        (distributed.DistNetworkError("x"), LostRankError, "another process of this run has ended"),
        (torch.OutOfMemoryError("CUDA out of memory."), BoxableError, "not enough memory for a step; lower --batch-"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), BoxableError, "not enough memory for a step"),
        (RuntimeError("DataLoader worker (pid 5) is killed\nby"), BoxableError, r"a process that reads.*killed\\nby\)"),
    ],
)
def test_they_become_ours(error: Exception, kind: type[BoxableError], message: str) -> None:
    with pytest.raises(BoxableError, match=message) as raised, clear_errors():
        raise error
    assert type(raised.value) is kind
    assert raised.value.__cause__ is error
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), ValueError("gloo"), BoxableError("gloo")])
def test_others_stay(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, clear_errors():
        raise error
    assert raised.value is error


def _lose_a_worker(folder: Path) -> str:
    samples, order = samples_of(folder, PLAIN), SampleOrder(3, 0)
    try:
        with clear_errors():
            for step, _ in enumerate(batches(samples, (order.keys(0, 2) for _ in range(100)), 1)):
                if step == 1:
                    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
                    os.kill(int(children[-1]), signal.SIGKILL)
    except BoxableError as error:
        return str(error)
    return "not lost"


def test_a_killed_worker_is_told(tmp_path: Path) -> None:
    (told,) = in_ranks(1, _lose_a_worker, write_images(tmp_path / "set", 3), BOXABLE_HOME=str(tmp_path / "home"))
    assert told.startswith("a process that reads images has ended, perhaps for want of memory; try fewer --workers (")
