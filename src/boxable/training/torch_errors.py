"""Errors of torch that a user can do something about."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import distributed

from boxable.errors import BoxableError
from boxable.printing import one_line
from boxable.training.torchrun import LostRankError


@contextmanager
def clear_errors() -> Iterator[None]:
    """Convert what torch raises for a lost process, a lost worker and too little memory into BoxableErrors.

    Most of it is a plain RuntimeError, which only its text tells from others.
    """
    try:
        yield
    except RuntimeError as error:
        text = str(error)
        if isinstance(error, distributed.DistError) or "/gloo/" in text:  # the path of its source file
            raise LostRankError("another process of this run has ended; see its message or that of torchrun") from error
        if "DataLoader worker (pid" in text:
            raise BoxableError(
                f"a process that reads images has ended, perhaps for want of memory; try fewer --workers "
                f"({one_line(text)})"
            ) from error
        if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in text:
            raise BoxableError(
                "not enough memory for a step; lower --batch-size, or divide it by --accumulate"
            ) from error
        raise
