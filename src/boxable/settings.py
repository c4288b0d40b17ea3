"""Settings: the environment variables, which are read nowhere else, and the processor.

BOXABLE_HOME               folder for weights, compiled graphs and tables; default: the platform's cache folder
BOXABLE_OFFLINE            1: never touch the network
BOXABLE_OPENIMAGES         address below which the annotation tables of Open Images are; default: Google's
BOXABLE_OPENIMAGES_IMAGES  address below which its images are, as <split>/<ImageID>.jpg; default: the public S3 bucket
"""

import os
import platform
from contextlib import suppress
from pathlib import Path
from typing import Literal

from boxable.errors import BoxableError

OFFICIAL_TABLES = "https://storage.googleapis.com/openimages"
OFFICIAL_IMAGES = "https://open-images-dataset.s3.amazonaws.com"
# By what computes products of 8 bits; "other" is what was not measured, or whose features are unknown.
ProcessorKind = Literal["AMX", "VNNI", "AVX2", "other"]


def home() -> Path:
    """Return the folder for weights, compiled graphs and annotation tables; it need not exist yet."""
    chosen = os.environ.get("BOXABLE_HOME")
    if chosen:
        try:
            return Path(chosen).expanduser()
        except RuntimeError as error:
            raise BoxableError(f"BOXABLE_HOME is {chosen!r}: {error}") from None
    import platformdirs

    with suppress(RuntimeError):  # of newer platformdirs; older ones return "~"
        found = Path(platformdirs.user_cache_dir("boxable", appauthor=False))
        if found.is_absolute():
            return found
    raise BoxableError("this user has no home folder; set BOXABLE_HOME to a folder for models and caches")


def home_hint(path: Path) -> str:
    """Return what to do where a file below `home` cannot be written; empty for other files."""
    with suppress(BoxableError):
        if path.absolute().is_relative_to(home().absolute()):
            return "; set BOXABLE_HOME to a folder that can be written"
    return ""


def offline() -> bool:
    """Tell whether the network is forbidden."""
    return os.environ.get("BOXABLE_OFFLINE", "").strip().casefold() not in ("", "0", "false", "no")


def open_images_tables() -> str:
    """Return the base address of the annotation tables of Open Images, without a slash at its end."""
    return _address("BOXABLE_OPENIMAGES", OFFICIAL_TABLES)


def open_images_images() -> str:
    """Return the base address of the images of Open Images, without a slash at its end."""
    return _address("BOXABLE_OPENIMAGES_IMAGES", OFFICIAL_IMAGES)


def _address(variable: str, official: str) -> str:
    address = os.environ.get(variable, "").strip() or official
    if not address.startswith(("http://", "https://")):
        raise BoxableError(f"{variable}: expected an address that begins with http:// or https://, got {address!r}")
    return address.rstrip("/")


def require_network(what: str) -> None:
    """Raise BoxableError, naming what needs the network, if it is forbidden."""
    if offline():
        raise BoxableError(f"{what} needs the network, and BOXABLE_OFFLINE forbids it; unset it, or use a local file")


def available_cores() -> int:
    """Count the cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """Return the name of the processor, as the system tells it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def processor_features() -> frozenset[str]:
    """Return the instruction sets of the processor (`avx512_vnni`, `amx_int8`, `asimddp`, ...), as Linux names them.

    Empty on other systems.
    """
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith(("flags", "Features")):
                return frozenset(line.partition(":")[2].split())
    return frozenset()


def processor_kind() -> ProcessorKind:
    """Tell which kind of processor this is."""
    features = processor_features()
    if "amx_int8" in features:
        return "AMX"
    if features & {"avx512_vnni", "avx_vnni"}:
        return "VNNI"
    return "AVX2" if "avx2" in features else "other"
