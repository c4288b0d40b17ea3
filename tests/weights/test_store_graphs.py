"""From a model's name to its graph."""

from collections.abc import Callable
from pathlib import Path

import pytest

from boxable.errors import UnknownModelError, WeightsError
from boxable.runtimes.onnx_runtime import OnnxRuntime
from boxable.weights.cards import find_card
from boxable.weights.model import Description, Model
from boxable.weights.pull import graph_of
from boxable.weights.store import compile_model
from tests.weights.conftest import CLASSES, NETWORK, Small, pretend_installed


@pytest.fixture
def saved(tmp_path: Path, small: Small) -> Path:
    path = tmp_path / "mine.safetensors"
    small.model.save(path)
    return path


def the_graph(home: Path) -> Path:
    (path,) = (home / "graphs").rglob("*.onnx")
    return path


def test_a_graph_is_compiled_once(empty_home: Path, saved: Path) -> None:
    first = graph_of(str(saved))
    before = the_graph(empty_home).stat()
    assert graph_of(str(saved)) == first
    after = the_graph(empty_home).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert first == compile_model(Model.from_bytes(saved.read_bytes(), "mine"))


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data[:5000] + b"!" + data[5001:], lambda data: b""],
    ids=["shorter", "changed", "empty"],
)  # fmt: skip
def test_a_damaged_graph_is_compiled_again(
    empty_home: Path, saved: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[bytes], bytes]
) -> None:
    first = graph_of(str(saved))
    path = the_graph(empty_home)
    path.write_bytes(damage(first))
    assert graph_of(str(saved)) == first
    assert the_graph(empty_home).read_bytes() == first
    assert caplog.messages == ["a cached graph is damaged; building it again"]


def test_other_weights_of_the_same_name_are_compiled_anew(empty_home: Path, saved: Path, small: Small) -> None:
    first = graph_of(str(saved))
    Model(NETWORK, small.weights, CLASSES, "another/handle").save(saved)
    assert graph_of(str(saved)) != first


def test_a_graph_carries_the_description_of_its_model(empty_home: Path, saved: Path) -> None:
    metadata = OnnxRuntime(graph_of(str(saved)), "mine", 1).metadata
    assert Description.from_metadata(metadata, "mine") == Description("tests/two/1", NETWORK, CLASSES)


def test_an_onnx_file_is_used_as_it_is(empty_home: Path, saved: Path, tmp_path: Path) -> None:
    graph = graph_of(str(saved))
    path = tmp_path / "mine.onnx"
    path.write_bytes(graph)
    assert graph_of(str(path)) == graph


def test_damaged_weights_are_not_compiled(empty_home: Path, small: Small) -> None:
    path = pretend_installed(empty_home, find_card("ssd23"), small.model.to_bytes())
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(WeightsError, match="is damaged; run `boxable models pull`"):
        graph_of("ssd23")


def test_a_network_that_is_not_installed_is_an_error_without_a_network(empty_home: Path) -> None:
    with pytest.raises(WeightsError, match="ssd23 is not installed and BOXABLE_OFFLINE forbids downloading it"):
        graph_of("ssd23")


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("ssd42", UnknownModelError, "unknown model 'ssd42'"),
        ("", UnknownModelError, "file that Boxable wrote"),
        ("missing.onnx", WeightsError, r"missing\.onnx: no such file"),
        ("missing.safetensors", WeightsError, r"missing\.safetensors: no such file"),
        (str(Path(__file__).parent), UnknownModelError, "expected a model's name or a file that Boxable wrote"),
        (__file__, UnknownModelError, "expected a model's name or a file that Boxable wrote"),
    ],
)
def test_a_name_that_is_no_model_is_an_error(empty_home: Path, name: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        graph_of(name)
