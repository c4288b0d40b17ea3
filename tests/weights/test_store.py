"""The models on this machine: installing and choosing."""

import logging
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from boxable.errors import UnknownModelError, WeightsError
from boxable.weights.cards import find_card
from boxable.weights.model import Model
from boxable.weights.pull import _say_once, classes_of_model, default_card, open_model, pull, read_weights
from boxable.weights.store import installed
from tests.file_server import FileServer, Resource
from tests.weights.conftest import HEAD, TAIL, Small, card_for, pretend_installed, sha256


@pytest.fixture
def published(tmp_path: Path, small: Small) -> Path:
    """The published file of the small network, on the user's disk."""
    path = tmp_path / "packed.data"
    path.write_bytes(HEAD + small.tflite + TAIL)
    return path


def files_below(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def content_of(path: Path) -> bytes:
    """The installed file, without what it says of its origin."""
    return replace(Model.from_bytes(path.read_bytes(), "installed"), origin="").to_bytes()


def test_pulling_from_a_file_installs_the_model_under_its_hash(empty_home: Path, published: Path, small: Small) -> None:
    card = card_for(small.tflite)
    assert installed(card.handle) is None
    path = pull(card, published)
    assert installed(card.handle) == path
    assert path.is_relative_to(empty_home)
    data = path.read_bytes()
    assert path.name == f"{sha256(data)}.safetensors"
    assert content_of(path) == small.model.to_bytes()
    assert files_below(empty_home / "models") == [path.name]


def test_pulling_over_the_network_gives_the_same_file(
    home: Path, server: FileServer, published: Path, small: Small
) -> None:
    path = pull(card_for(small.tflite, server.put("packed.data", Resource(published.read_bytes()))))
    assert content_of(path) == small.model.to_bytes()
    assert [name for name in files_below(home) if not name.endswith(".lock")] == [path.name]


def test_pulling_again_does_nothing(
    empty_home: Path, published: Path, small: Small, caplog: pytest.LogCaptureFixture
) -> None:
    card = card_for(small.tflite)
    path = pull(card, published)
    before = path.stat()
    published.unlink()
    caplog.set_level(logging.INFO)
    caplog.clear()
    assert pull(card) == path
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert caplog.messages == []


def test_damaged_weights_are_installed_again(
    empty_home: Path, published: Path, small: Small, caplog: pytest.LogCaptureFixture
) -> None:
    card = card_for(small.tflite)
    path = pull(card, published)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"\x00")
    caplog.clear()
    caplog.set_level(logging.WARNING, "boxable")
    assert pull(card, published) == path
    assert path.read_bytes() == whole
    assert [record.getMessage() for record in caplog.records] == [
        "two: the installed weights are damaged; installing them again"
    ]


def test_nothing_is_installed_from_a_wrong_file(empty_home: Path, published: Path, small: Small) -> None:
    published.write_bytes(b"wrong" * 1000)
    with pytest.raises(WeightsError, match="this file is not the published"):
        pull(card_for(small.tflite), published)
    assert installed(card_for(small.tflite).handle) is None
    assert files_below(empty_home / "models") == []


PULL = """
import pickle, sys
from boxable.weights.pull import pull
print(pull(pickle.load(sys.stdin.buffer)))
"""


def test_two_processes_that_pull_at_once_both_succeed_with_one_download(
    home: Path, server: FileServer, published: Path, small: Small
) -> None:
    card = card_for(small.tflite, server.put("packed.data", Resource(published.read_bytes())))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PULL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(pickle.dumps(card))
        process.stdin.close()
        process.stdin = None
    outcomes = [(*process.communicate(timeout=60), process.returncode) for process in processes]
    (path,) = (home / "models").rglob("*.safetensors")
    for out, err, code in outcomes:
        assert (out.decode().strip(), code) == (str(path), 0), err.decode()
    assert content_of(path) == small.model.to_bytes()
    assert len(server.requests) == 1
    assert [name for name in files_below(home) if name.endswith(".part")] == []


@pytest.mark.parametrize("name", ["ssd601", "https://tfhub.dev/google/openimages_v4/ssd/mobilenet_v2/1"])
def test_the_601_class_network_without_weights_is_an_error_and_never_another_model(
    empty_home: Path, small: Small, published: Path, name: str
) -> None:
    pretend_installed(empty_home, find_card("ssd23"), small.model.to_bytes())
    for attempt in (
        lambda: open_model(name).onnx("detector", "fp32"),
        lambda: pull(find_card(name)),
        lambda: pull(find_card(name), published),
    ):
        with pytest.raises(WeightsError) as error:
            attempt()
        message = str(error.value)
        assert "ssd601" in message
        assert "BOXABLE_OFFLINE" in message or "packed.data" in message
        assert installed(find_card("ssd601").handle) is None


def test_the_default_is_the_601_class_network_where_it_is_installed(
    empty_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pretend_installed(empty_home, find_card("ssd601"), b"any")
    assert default_card() is find_card("ssd601")
    assert caplog.records == []


def test_the_default_falls_back_to_the_23_class_network_and_says_so_in_one_line(
    empty_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _say_once.cache_clear()
    caplog.set_level(logging.DEBUG)
    assert default_card() is find_card("ssd23")
    assert default_card() is find_card("ssd23")  # the second time it needs no saying
    (record,) = caplog.records
    assert record.name == "boxable"
    assert record.getMessage() == (
        "using ssd23 (23 classes, a weak detector); for the 601-class network run: boxable models pull ssd601"
    )


def test_a_checkpoint_and_a_training_run_are_opened_as_the_model_in_them(
    empty_home: Path, tmp_path: Path, small: Small
) -> None:
    run = tmp_path / "run"
    small.model.save(run / "best" / "model.safetensors")
    replace(small.model, handle="tests/last").save(run / "last" / "model.safetensors")
    file = run / "best" / "model.safetensors"
    for path in (file, run / "best", run):
        compiled = open_model(str(path))
        assert (compiled.name, compiled.description.handle) == (str(file), "tests/two/1")
        assert compiled.reopen().model().handle == "tests/two/1"
        assert read_weights(str(path))[1] == read_weights(str(file))[1]
        assert read_weights(str(path))[0].to_bytes() == small.model.to_bytes()
        assert classes_of_model(str(path)) == small.model.classes
    assert open_model(str(run / "last")).description.handle == "tests/last"
    (run / "model.safetensors").write_bytes((run / "last" / "model.safetensors").read_bytes())
    assert open_model(str(run)).description.handle == "tests/last"


def test_a_folder_without_a_model_is_no_model(empty_home: Path, tmp_path: Path) -> None:
    (tmp_path / "run" / "best").mkdir(parents=True)
    (tmp_path / "graph.onnx").write_bytes(b"")
    for read in (open_model, read_weights, classes_of_model):
        with pytest.raises(
            UnknownModelError, match=r"run: .*a folder with model.safetensors or best/model.safetensors"
        ):
            read(str(tmp_path / "run"))
    with pytest.raises(WeightsError, match=r"expected a model's name or the .safetensors file with its weights"):
        read_weights(str(tmp_path / "graph.onnx"))
    with pytest.raises(UnknownModelError, match="unknown model 'nowhere'"):
        read_weights("nowhere")
