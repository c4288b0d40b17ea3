"""ONNX Runtime: errors name the model."""

import pytest

from boxable.errors import ArgumentError, WeightsError
from boxable.runtimes.onnx_runtime import has_provider, open_session


def test_a_graph_that_cannot_be_read_is_an_error_with_the_name_of_the_model() -> None:
    with pytest.raises(WeightsError, match=r"^mine: ONNX Runtime cannot read this graph"):
        open_session(b"no graph", "mine", 1)


def test_a_provider_that_is_not_installed_is_an_error() -> None:
    assert has_provider("CPUExecutionProvider")
    with pytest.raises(ArgumentError, match="expected an ONNX Runtime with NoneExecutionProvider"):
        open_session(b"", "mine", 1, "NoneExecutionProvider")
