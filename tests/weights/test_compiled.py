"""From a model's name to its graphs, and the cache of graphs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from boxable.errors import UnknownModelError, WeightsError
from boxable.runtimes.onnx_runtime import open_session
from boxable.weights.cards import find_card
from boxable.weights.compiled import compiled_from
from boxable.weights.model import Description, Model
from boxable.weights.pull import open_model
from tests.weights.conftest import CLASSES, NETWORK, Small, pretend_installed


@pytest.fixture
def saved(tmp_path: Path, small: Small) -> Path:
    path = tmp_path / "mine.safetensors"
    small.model.save(path)
    return path


def graph_of(name: str) -> bytes:
    return open_model(name).onnx("detector", "fp32")


def the_graph(home: Path) -> Path:
    (path,) = (home / "graphs").rglob("*.onnx")
    return path


def test_a_graph_is_compiled_once(empty_home: Path, saved: Path) -> None:
    first = graph_of(str(saved))
    before = the_graph(empty_home).stat()
    assert graph_of(str(saved)) == first
    after = the_graph(empty_home).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert first == compiled_from(Model.from_bytes(saved.read_bytes(), "mine")).onnx("detector", "fp32")


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
    metadata = dict(open_session(graph_of(str(saved)), "mine", 1).get_modelmeta().custom_metadata_map)
    found = Description.from_metadata(metadata, "mine")
    assert (found.handle, found.network.name, found.classes) == ("tests/two/1", NETWORK.name, CLASSES)


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


def test_fingerprints_tell_what_is_computed(empty_home: Path, saved: Path, small: Small) -> None:
    whole = open_model(str(saved))
    assert whole.fingerprint("fp32") == open_model(str(saved)).fingerprint("fp32")
    first = CLASSES[0].mid
    part = open_model(str(saved), [first])
    assert part.fingerprint("fp32") != whole.fingerprint("fp32")
    assert open_model(str(saved), [item.mid for item in CLASSES]).fingerprint("fp32") == whole.fingerprint("fp32")
    in_memory = compiled_from(small.model)
    assert in_memory.fingerprint("fp32") == compiled_from(small.model).fingerprint("fp32")
    renamed = Model(NETWORK, small.weights, CLASSES, "another/handle")
    assert compiled_from(renamed).fingerprint("fp32") == in_memory.fingerprint("fp32") == whole.fingerprint("fp32")
    weaker = Model(NETWORK, small.weights, CLASSES, "tests/two/1", score_threshold=0.1)
    name, values = next(iter(small.weights.items()))
    changed = Model(NETWORK, {**small.weights, name: values + 1}, CLASSES, "tests/two/1")
    assert len({compiled_from(item).fingerprint("fp32") for item in (small.model, weaker, changed)}) == 3


def test_a_model_in_memory_leaves_no_graph(empty_home: Path, small: Small) -> None:
    compiled_from(small.model).onnx("detector", "fp32")
    assert not (empty_home / "graphs").exists()


def test_selected_classes_have_graphs_of_their_own(empty_home: Path, saved: Path) -> None:
    first, second = ([item.mid] for item in CLASSES)
    graphs = {open_model(str(saved), classes).onnx("detector", "fp32") for classes in (None, first, second, first)}
    assert len(graphs) == 3
    assert len(list((empty_home / "graphs").rglob("*.onnx"))) == 3
