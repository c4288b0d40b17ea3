"""Import libraries without their telemetry, which sends, and writes an id below the home folder.

Telemetry that another part of the process has switched on before, by importing them itself, stays on.
"""

import os
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from threading import Lock
from typing import Any

from boxable.settings import home

_importing = Lock()


def import_onnxruntime() -> Any:
    """Import ONNX Runtime, which from 1.29 on asks this variable once. Raises ImportError if it is not installed."""
    with _importing, _set(os.environ, "ORT_DISABLE_TELEMETRY", "1"):
        import onnxruntime

    return onnxruntime


def import_openvino() -> Any:
    """Import OpenVINO. Raises ImportError if it is not installed, or OSError if a library that it needs is not.

    It sends by a package of its own, and goes on without if that cannot be imported. Its other switch is a file in the
    home folder.
    """
    with _importing, _set(sys.modules, "openvino_telemetry", None):
        import openvino

    return openvino


def import_ultralytics() -> Any:
    """Import Ultralytics, which looks for a network only once. Raises ImportError if it is not installed.

    With a network it reports, and installs packages. Its settings go to the folder of `BOXABLE_HOME`, not the user's.
    """
    settings = str(home() / "benchmarks")
    with _importing, _set(os.environ, "YOLO_OFFLINE", "true"), _set(os.environ, "YOLO_CONFIG_DIR", settings):
        import ultralytics

    return ultralytics


def import_mlflow() -> Any:
    """Import MLflow, which decides at its import whether it reports. Raises ImportError if it is not installed."""
    with _importing, _set(os.environ, "MLFLOW_DISABLE_TELEMETRY", "true"):
        import mlflow

    return mlflow


@contextmanager
def _set(items: MutableMapping[str, Any], key: str, value: Any) -> Iterator[None]:
    """Set an item for a while."""
    missing = object()
    before = items.get(key, missing)
    items[key] = value
    try:
        yield
    finally:
        if before is missing:
            del items[key]
        else:
            items[key] = before
