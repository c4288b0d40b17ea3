"""What a process of torchrun knows of the others, without torch."""

import os

from boxable.errors import BoxableError


class LostRankError(BoxableError):
    """Another process of the run has ended; it, or torchrun, says why."""


def is_first_here() -> bool:
    """Tell whether this process is the only one, or the first of those that torchrun started on this machine."""
    return os.environ.get("LOCAL_RANK", "0") == "0"
