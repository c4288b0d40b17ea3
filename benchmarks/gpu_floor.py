"""How fast a network can be on a device: what it moves and multiplies, over the rates that are measured there."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import torch
from layers import Row, rows, weights_of

from boxable.networks.network import Network

ROUNDS = 10


@dataclass(frozen=True)
class Rates:
    """Bytes a second within the device and from the host to it, floating-point operations a second in a matmul."""

    memory: float
    upload: float
    flops: float


@dataclass(frozen=True)
class Floor:
    """Milliseconds for a batch, were it bound by memory only, by arithmetic only, each layer by the worse of both, or
    by the upload of its images.

    Each layer reads its maps and kernel from memory and writes its map there; what is fused or stays in a cache may
    be quicker.
    """

    memory: float
    arithmetic: float
    layers: float
    upload: float


def floor(network: Network, batch: int, item_size: int, rates: Rates) -> Floor:
    """Compute the floor of a network whose numbers have `item_size` bytes."""
    memory = [_numbers(layer, batch) * item_size / rates.memory * 1000 for layer in rows(network)]
    arithmetic = [2 * layer.macs * batch / rates.flops * 1000 for layer in rows(network)]
    upload = batch * prod(network.preprocess.size) * 3 / rates.upload * 1000
    return Floor(sum(memory), sum(arithmetic), sum(map(max, memory, arithmetic)), upload)


def _numbers(layer: Row, batch: int) -> int:
    """Count the numbers that a layer reads and writes."""
    return batch * (layer.read + layer.result) + weights_of(layer) + layer.outputs


def measured(device: torch.device, dtype: torch.dtype) -> Rates:
    """Measure the rates of a device: of large copies, and of the product of large square matrices."""
    on_gpu = device.type == "cuda"
    length, side = (2**28, 8192) if on_gpu else (2**25, 1024)
    first, second = (torch.ones(length, dtype=torch.uint8, device=device) for _ in range(2))
    host = torch.ones(length, dtype=torch.uint8, pin_memory=on_gpu)
    matrix = torch.ones((side, side), dtype=dtype, device=device)
    return Rates(
        memory=2 * length / _seconds(lambda: first.copy_(second), device),
        upload=length / _seconds(lambda: first.copy_(host), device),
        flops=2 * side**3 / _seconds(lambda: matrix @ matrix, device),
    )


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - start)
    return statistics.median(times[2:])
