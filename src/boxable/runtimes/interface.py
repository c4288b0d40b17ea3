"""The interface of runtimes: named inputs of a graph to its named outputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from boxable.arrays import Floats
from boxable.networks.network import Graph

Arrays = Mapping[str, Floats]


class Runtime(Protocol):
    """The graphs of a model, ready to run; `run` may be called from many threads at once."""

    def run(self, graph: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Run a graph for inputs float32 `[B, *shape]` by name; returns outputs float32 `[B, *shape]` by name.

        Any B; the batch that the runtime was opened for is the fastest. Outputs may be tensors on a device. They are
        valid until the next call from the same thread: some runtimes lend their own memory.
        """
        ...


@dataclass(frozen=True, slots=True)
class Concurrency:
    """How a runtime will be called: by `callers` threads at once, each with batches of `batch` images.

    `threads` is the number for all of them together.
    """

    threads: int
    callers: int = 1
    batch: int = 1

    @property
    def threads_each(self) -> int:
        """The threads that work on one caller's batch."""
        return max(1, self.threads // self.callers)

    def batch_of(self, graph: Graph) -> int:
        """Return the batch to compile a graph for."""
        return graph.rows or self.batch


def run_in_batches(inputs: Arrays, batch: int, run: Callable[[Arrays], Arrays]) -> Arrays:
    """Run inputs `[N, ...]` through `run`, which takes exactly `batch` at a time: the last ones are padded with zeros.

    `run` may lend its results until it is called again; those of at most one batch are returned as they are.
    """
    count = len(next(iter(inputs.values())))
    if count <= batch:
        return _run_padded(inputs, count, batch, run)
    parts = []
    for start in range(0, count, batch):
        part = {name: values[start : start + batch] for name, values in inputs.items()}
        outputs = _run_padded(part, min(batch, count - start), batch, run)
        parts.append({name: values.copy() for name, values in outputs.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _run_padded(inputs: Arrays, count: int, batch: int, run: Callable[[Arrays], Arrays]) -> Arrays:
    if count == batch:
        return run(inputs)
    padded = {
        name: np.concatenate([values, np.zeros((batch - count, *values.shape[1:]), np.float32)])
        for name, values in inputs.items()
    }
    return {name: values[:count] for name, values in run(padded).items()}
