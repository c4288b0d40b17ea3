"""What the surroundings say: environment variables, which are read nowhere else, and the processor.

BOXABLE_HOME       folder for weights and compiled graphs; default: the platform's cache folder
BOXABLE_OFFLINE    1: never touch the network
"""

import os
import platform
from contextlib import suppress
from pathlib import Path

from boxable.errors import BoxableError


def home() -> Path:
    """The folder that holds weights and compiled graphs; it need not exist yet."""
    chosen = os.environ.get("BOXABLE_HOME")
    if chosen:
        try:
            return Path(chosen).expanduser()
        except RuntimeError as error:
            raise BoxableError(f"BOXABLE_HOME is {chosen!r}: {error}") from None
    import platformdirs

    return Path(platformdirs.user_cache_dir("boxable", appauthor=False))


def offline() -> bool:
    """Whether the network is off limits."""
    return os.environ.get("BOXABLE_OFFLINE", "").strip().casefold() not in ("", "0", "false", "no")


def require_network(what: str) -> None:
    """Raise BoxableError if the network is off limits, naming what wanted it."""
    if offline():
        raise BoxableError(f"{what} needs the network, and BOXABLE_OFFLINE forbids it; unset it, or use a local file")


def available_cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """The processor's name, as far as the system tells it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
