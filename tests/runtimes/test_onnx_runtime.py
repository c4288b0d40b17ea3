"""ONNX Runtime: errors name the model."""

import pytest

from boxable.errors import ArgumentError, WeightsError
from boxable.runtimes import Concurrency, onnx_runtime
from boxable.runtimes.onnx_runtime import has_provider, open_session
from boxable.vocabulary import ClassList
from boxable.weights.compiled import compiled_from
from boxable.weights.model import Model
from tests.networks.conftest import random_weights
from tests.networks.made_up import two_stages


def test_a_graph_that_cannot_be_read_is_an_error_with_the_name_of_the_model() -> None:
    with pytest.raises(WeightsError, match=r"^mine: ONNX Runtime cannot read this graph"):
        open_session(b"no graph", "mine", 1)


@pytest.mark.parametrize(("kind", "exact"), [("AMX", False), ("VNNI", False), ("AVX2", True), ("other", True)])
def test_kernels_that_may_overflow_in_int8_are_replaced(
    monkeypatch: pytest.MonkeyPatch, kind: str, exact: bool
) -> None:
    monkeypatch.setattr(onnx_runtime, "processor_kind", lambda: kind)
    options = onnx_runtime.session_options(1)
    if exact:
        assert options.get_session_config_entry("session.x64quantprecision") == "1"
    else:
        with pytest.raises(RuntimeError, match="does not have configuration"):
            options.get_session_config_entry("session.x64quantprecision")


def test_a_provider_that_is_not_installed_is_an_error() -> None:
    assert has_provider("CPUExecutionProvider")
    with pytest.raises(ArgumentError, match="expected an ONNX Runtime with NoneExecutionProvider"):
        open_session(b"", "mine", 1, "NoneExecutionProvider")


def test_memory_is_not_planned_for_each_size_of_images(monkeypatch: pytest.MonkeyPatch) -> None:
    planned: list[bool] = []

    def session(graph: bytes, *rest: object, one_size: bool, **options: object) -> None:
        planned.append(one_size)

    monkeypatch.setattr(onnx_runtime, "open_session", session)
    network = two_stages(2)
    model = Model(network, random_weights(network), ClassList.from_names(["Cat", "Dog"]), "made/two-stages")
    onnx_runtime.OnnxRuntime(compiled_from(model), "fp32", Concurrency(1))
    assert planned == [False, True]
