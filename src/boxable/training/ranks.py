"""The processes of a distributed run, as torchrun starts them."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn

from boxable.errors import ArgumentError
from boxable.training.torch_errors import clear_errors

T = TypeVar("T")

# How long processes wait for the first one, which validates alone.
_TIMEOUT = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Ranks:
    """The rank of this process, how many there are, and the device that this one computes on."""

    rank: int
    count: int
    device: torch.device

    @property
    def on_this_machine(self) -> int:
        """How many processes of the run there are on this machine."""
        return int(os.environ.get("LOCAL_WORLD_SIZE", "1")) if self.is_distributed else 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and prints."""
        return self.rank == 0

    @property
    def is_distributed(self) -> bool:
        """Whether there are other processes."""
        return self.count > 1

    def sum(self, value: Tensor) -> Tensor:
        """Sum a tensor over all processes, in place."""
        if self.is_distributed:
            distributed.all_reduce(value)
        return value

    def maximum(self, value: Tensor) -> Tensor:
        """Return the maximum of a tensor over all processes, in place."""
        if self.is_distributed:
            distributed.all_reduce(value, distributed.ReduceOp.MAX)
        return value

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Sum the gradients of parameters over all processes, in place.

        They are summed as one vector: the order of additions is the same in each step and in a run that is resumed.
        That of DistributedDataParallel changes after the first step.
        """
        if not self.is_distributed:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        vector = self.sum(torch.cat([gradient.reshape(-1) for gradient in gradients]))
        parts = vector.split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view(gradient.shape))

    def any(self, flag: bool) -> bool:
        """Tell whether a flag is set in any process."""
        return bool(self.maximum(torch.tensor(float(flag), device=self.device)))

    def share(self, value: T) -> T:
        """Return what the first process passes, by a pickle; it alone reads and writes the folder of the run."""
        if not self.is_distributed:
            return value
        shared = [value]
        distributed.broadcast_object_list(shared, device=self.device)
        return shared[0]


@contextmanager
def open_ranks() -> Iterator[Ranks]:
    """Join the group of processes that torchrun started; without torchrun this process is the only one.

    NCCL connects GPUs, gloo CPUs. Raises ArgumentError for more processes on a machine than it has GPUs, and in the
    block what `clear_errors` does.
    """
    count, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    here, local = int(os.environ.get("LOCAL_WORLD_SIZE", "1")), int(os.environ.get("LOCAL_RANK", "0"))
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if gpus and here > gpus:
        raise ArgumentError(f"expected at most {gpus} processes, one a GPU, got {here}; lower --nproc-per-node")
    device = torch.device("cuda", local) if gpus else torch.device("cpu")
    if gpus:
        torch.cuda.set_device(device)
    with clear_errors():
        if count == 1:
            yield Ranks(0, 1, device)
            return
        # torchrun keeps its store when it restarts processes; the addresses of the former ones would be found there.
        attempt = f"{os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}-of-{count}"
        store, _, _ = next(distributed.rendezvous("env://", timeout=_TIMEOUT))
        distributed.init_process_group(
            "nccl" if gpus else "gloo", store=distributed.PrefixStore(attempt, store), rank=rank, world_size=count,
            timeout=_TIMEOUT, device_id=device if gpus else None,
        )  # fmt: skip
        yield Ranks(rank, count, device)
        # Not after an error: NCCL would wait for the processes that go on.
        distributed.destroy_process_group()
