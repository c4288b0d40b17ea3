"""ONNX Runtime: telemetry is off while it is imported, and errors name the model."""

import os
import subprocess
import sys

import pytest

from boxable.errors import ArgumentError, WeightsError
from boxable.runtimes.onnx_runtime import has_provider, open_session

PROGRAM = """
import importlib.abc, os, sys

class Spy(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == 'onnxruntime':
            print(os.environ.get('ORT_DISABLE_TELEMETRY'))

sys.meta_path.insert(0, Spy())
from boxable.runtimes.onnx_runtime import has_provider
has_provider('CPUExecutionProvider')
print(os.environ.get('ORT_DISABLE_TELEMETRY'))
"""


@pytest.mark.parametrize("own", [None, "0", "yes"])
def test_telemetry_is_off_during_the_import_and_the_environment_is_restored(own: str | None) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"ORT_DISABLE_TELEMETRY": own} if own else {}
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == ["1", str(own)]


def test_a_graph_that_cannot_be_read_is_an_error_with_the_name_of_the_model() -> None:
    with pytest.raises(WeightsError, match=r"^mine: ONNX Runtime cannot read this graph"):
        open_session(b"no graph", "mine", 1)


def test_a_provider_that_is_not_installed_is_an_error() -> None:
    assert has_provider("CPUExecutionProvider")
    with pytest.raises(ArgumentError, match="expected an ONNX Runtime with NoneExecutionProvider"):
        open_session(b"", "mine", 1, "NoneExecutionProvider")
