"""Machine of a benchmark: processor, cores, versions."""

import os
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from boxable.settings import available_cores, processor, processor_kind

# Packages that decide the speed of a detector, and the peers.
PACKAGES = (
    "boxable", "numpy", "pillow", "simplejpeg", "onnxruntime", "openvino", "ai-edge-litert", "torch", "tensorflow",
    "ultralytics",
)  # fmt: skip


def machine() -> dict[str, str | int | float]:
    """Describe the processor, its kind (`runtimes.measured`), its cores, and their load in the last minute."""
    about: dict[str, str | int | float] = {
        "processor": processor(),
        "kind": processor_kind(),
        "cores": available_cores(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }
    if hasattr(os, "getloadavg"):
        about["load"] = round(os.getloadavg()[0], 1)
    return about


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Return the versions of the installed packages."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
