"""What a figure was measured on: processor, cores, versions."""

import os
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from boxable.settings import available_cores, processor

# What the speed of a detector hangs on, and the peers; those that are not installed are left out of the answer.
PACKAGES = (
    "boxable", "numpy", "pillow", "simplejpeg", "onnxruntime", "openvino", "ai-edge-litert", "torch", "tensorflow",
    "ultralytics",
)  # fmt: skip


def machine() -> dict[str, str | int | float]:
    """Describe the processor, its cores, and their load in the last minute."""
    about: dict[str, str | int | float] = {
        "processor": processor(),
        "cores": available_cores(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }
    if hasattr(os, "getloadavg"):
        about["load"] = round(os.getloadavg()[0], 1)
    return about


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Of those packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
