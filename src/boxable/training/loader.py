"""Batches of training samples, made in worker processes."""

import ctypes
import logging
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from boxable.errors import ImageError
from boxable.findings import counted
from boxable.training.held_interrupts import held_interrupts
from boxable.training.order import SampleKey
from boxable.training.samples import Sample, Samples
from boxable.training.targets import BatchTargets, collate_targets

logger = logging.getLogger("boxable")

# Unreadable images that are named in the log; further ones are only counted.
_NAMED = 20
# prctl(2): the signal that this process gets when its parent ends.
_PR_SET_PDEATHSIG = 1


class ImageBatch(NamedTuple):
    """The inputs of a network float32 `[B, h, w, 3]`, their targets, and why images were replaced by others."""

    images: Tensor
    targets: BatchTargets
    unreadable: tuple[str, ...]


def batches(samples: Samples, keys: Iterable[Sequence[SampleKey]], workers: int) -> Iterator[ImageBatch]:
    """Make a batch of each list of keys, in order, in this number of processes ahead of time, or in this one for 0.

    The content does not depend on the number of workers. Each unreadable image is logged once, and many are counted at
    the end. Raises ImageError where there is no replacement for one.
    """
    loader = DataLoader(
        _Caught(samples), batch_sampler=keys, num_workers=workers, collate_fn=_collate, worker_init_fn=_start_worker,
        generator=torch.Generator(),  # the seed of workers, which nobody uses, is not drawn from the global one
    )  # fmt: skip
    unreadable: set[str] = set()
    found = _without_interrupts(loader)
    try:
        for batch in found:
            if isinstance(batch, ImageError):
                raise batch
            _log(batch.unreadable, unreadable)
            yield batch
    finally:
        with held_interrupts():  # they would be lost while it ends its workers
            del found
        if len(unreadable) > _NAMED:
            logger.warning("%s in all, with others in their place", counted(len(unreadable), "unreadable image|s"))


class _Caught:
    """Samples, or the ImageError that making one raised: raised in a worker it would become a traceback."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples

    def __getitem__(self, key: SampleKey) -> Sample | ImageError:
        try:
            return self._samples[key]
        except ImageError as error:
            return ImageError(str(error))


def _collate(found: Sequence[Sample | ImageError]) -> ImageBatch | ImageError:
    samples = []
    for sample in found:
        if isinstance(sample, ImageError):
            return sample
        samples.append(sample)
    return ImageBatch(
        torch.from_numpy(np.stack([sample.image for sample in samples])),
        collate_targets([sample.targets for sample in samples]),
        tuple(sample.unreadable for sample in samples if sample.unreadable is not None),
    )


def _without_interrupts(loader: DataLoader) -> Iterator[Any]:
    """Start the workers with Ctrl-C blocked, which they inherit: it is left to the main process, which ends them."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    try:
        return iter(loader)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _start_worker(number: int) -> None:
    """End with the main process if it is killed, and in silence at SIGTERM.

    Otherwise a forked worker would hold the lock of the run for seconds, which it has inherited. SIGTERM is sent to all
    processes of a job: a worker that it killed would be an error in the main process, in the middle of a step.
    """
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _log(messages: Iterable[str], known: set[str]) -> None:
    """Log the messages that are not `known`, unless there are many, and add them there."""
    for message in messages:
        if message not in known:
            known.add(message)
            if len(known) <= _NAMED:
                logger.warning("%s; another image is used in its place", message)
            if len(known) == _NAMED:
                logger.warning("further unreadable images are only counted")
