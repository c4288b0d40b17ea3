"""Telemetry is off while a library is imported, and the process is as before afterwards."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Libraries of the test's own take the place of the real ones, and print what decides whether those send.
PROGRAM = """
import importlib.abc, importlib.machinery, os, sys

class Library(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path, target=None):
        if name in ('onnxruntime', 'openvino', 'openvino_telemetry', 'ultralytics', 'mlflow'):
            return importlib.machinery.ModuleSpec(name, self)
    def exec_module(self, module):
        if module.__name__ == 'onnxruntime':
            print(os.environ.get('ORT_DISABLE_TELEMETRY'))
        if module.__name__ == 'openvino':
            try:
                import openvino_telemetry
                print('sends')
            except ImportError:
                print('silent')
        if module.__name__ == 'ultralytics':
            print(os.environ.get('YOLO_OFFLINE'), os.environ.get('YOLO_CONFIG_DIR'))
        if module.__name__ == 'mlflow':
            print('mlflow', os.environ.get('MLFLOW_DISABLE_TELEMETRY'))

sys.meta_path.insert(0, Library())
from boxable.runtimes.telemetry import (
    import_mlflow, import_onnxruntime, import_openvino, import_ultralytics
)
before = dict(os.environ)
names = [load().__name__ for load in (import_onnxruntime, import_openvino, import_ultralytics, import_mlflow)]
print(*names)
assert dict(os.environ) == before
import openvino_telemetry
"""


@pytest.mark.parametrize("own", [None, "0", "yes"])
def test_telemetry_is_off_during_the_import_and_the_process_as_before(own: str | None) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment["BOXABLE_HOME"] = "cache"
    environment |= {"ORT_DISABLE_TELEMETRY": own} if own else {}
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        "1",
        "silent",
        "true",
        str(Path("cache", "benchmarks")),
        "mlflow",
        "true",
        "onnxruntime",
        "openvino",
        "ultralytics",
        "mlflow",
    ]
