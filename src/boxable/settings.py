"""The environment variables that Boxable reads; nothing else in the package looks at the environment.

BOXABLE_HOME       folder for weights and compiled graphs; default: the platform's cache folder
BOXABLE_OFFLINE    1: never touch the network
"""

import os
from pathlib import Path

from boxable.errors import BoxableError


def home() -> Path:
    """The folder that holds weights and compiled graphs; it need not exist yet."""
    chosen = os.environ.get("BOXABLE_HOME")
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("boxable", appauthor=False))


def offline() -> bool:
    """Whether the network is off limits."""
    return os.environ.get("BOXABLE_OFFLINE", "").strip().casefold() not in ("", "0", "false", "no")


def require_network(what: str) -> None:
    """Raise BoxableError if the network is off limits, naming what wanted it."""
    if offline():
        raise BoxableError(f"{what} needs the network, and BOXABLE_OFFLINE forbids it; unset it, or use a local file")
