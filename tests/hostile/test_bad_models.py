"""Models that are unknown, files that are none, and caches that have rotted."""

import json
import logging
import os
import random
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from safetensors.numpy import save

import boxable
from boxable.errors import UnknownModelError, WeightsError
from boxable.networks.network import GRAPH_VERSION
from boxable.weights import tflite_file
from boxable.weights.cards import find_card
from boxable.weights.model import METADATA_KEY, Model
from boxable.weights.pull import pull
from boxable.weights.store import is_whole
from tests.hostile.makers import PHOTO, flipped, half

Command = Callable[..., subprocess.CompletedProcess[bytes]]

NO_CLASSES = "no list of classes inside; expected a file that Boxable wrote"
NO_GRAPH = "not a readable ONNX file ("
NO_TENSORS = "not a readable .safetensors file ("


def foreign_onnx(**metadata: str) -> bytes:
    """A sound graph of somebody else."""
    inputs, outputs = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y"))
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "foreign", [inputs], [outputs])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata)
    return bytes(onnx.ModelProto.SerializeToString(model))


def foreign_tensors(**metadata: str) -> bytes:
    return save({"weight": np.zeros((2, 2), np.float32)}, metadata=metadata)


def description(**changes: object) -> dict[str, str]:
    """As in our files, of a network with one class."""
    content = {"handle": "mine", "network": "ssd_mobilenet_v2", "classes": [[1, "/m/01yrx", "Cat"]]}
    return {METADATA_KEY: json.dumps(content | changes)}


def noise() -> bytes:
    return random.Random(3).randbytes(5000)


FILES = {
    "noise.onnx": (noise, NO_GRAPH),
    "empty.onnx": (bytes, ""),
    "text.onnx": (lambda: b"weights, honestly\n", NO_GRAPH),
    "half-foreign.onnx": (lambda: half(foreign_onnx()), ""),
    "foreign.onnx": (foreign_onnx, NO_CLASSES),
    "metadata-is-text.onnx": (lambda: foreign_onnx(boxable="Cat, Dog"), NO_CLASSES),
    "metadata-is-list.onnx": (lambda: foreign_onnx(boxable="[]"), NO_CLASSES),
    "other-network.onnx": (lambda: foreign_onnx(**description(network="yolo")), NO_CLASSES),
    "noise.safetensors": (noise, NO_TENSORS),
    "empty.safetensors": (bytes, NO_TENSORS),
    "huge-header.safetensors": (lambda: struct.pack("<Q", 2**62) + b"{}", NO_TENSORS),
    "half.safetensors": (lambda: half(foreign_tensors()), NO_TENSORS),
    "foreign.safetensors": (foreign_tensors, NO_CLASSES),
    "metadata-is-text.safetensors": (lambda: foreign_tensors(boxable="Cat, Dog"), NO_CLASSES),
    "metadata-is-null.safetensors": (lambda: foreign_tensors(boxable="null"), NO_CLASSES),
    "bad-classes.safetensors": (lambda: foreign_tensors(**description(classes=[["one"]])), NO_CLASSES),
    "classes-without-weights.safetensors": (lambda: foreign_tensors(**description()), "weights do not fit"),
}
NO_MODELS = {
    "unknown": ("ssd42", "unknown model 'ssd42': did you mean ssd23?"),
    "other words": ("best one", "unknown model 'best one': known are "),
    "null byte": ("ssd23\0", "unknown model "),
    "nothing": ("", "known are ssd601, frcnn601, ssd23"),
    "url": ("https://tfhub.dev/google/faster_rcnn/openimages_v4/inception_resnet_v2/2", "unknown model "),
    "picture": (str(PHOTO), "expected a model's name or a file that Boxable wrote"),
    "folder": (str(PHOTO.parent), "expected a model's name or a file that Boxable wrote"),
    "device": (os.devnull, "expected a model's name or a file that Boxable wrote"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_model_of_ours_is_named(name: str, tmp_path: Path, empty_home: Path) -> None:
    make, says = FILES[name]
    path = tmp_path / name
    path.write_bytes(make())
    with pytest.raises(WeightsError) as caught:
        boxable.load(path)
    message = str(caught.value)
    assert message.startswith((f"{path}: ", "mine: "))
    assert says in message
    assert message.isprintable()


@pytest.mark.parametrize(("name", "says"), NO_MODELS.values(), ids=NO_MODELS)
def test_a_name_that_is_no_model_is_refused(name: str, says: str) -> None:
    with pytest.raises(UnknownModelError) as caught:
        boxable.load(name)
    assert says in str(caught.value)
    assert str(caught.value).isprintable()


def test_missing_model_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "folder.onnx").mkdir()
    (tmp_path / "run" / "last").mkdir(parents=True)
    (tmp_path / "run" / "last" / "model.safetensors").write_bytes(noise())
    for name, kind, says in (
        ("gone.onnx", WeightsError, "no such file"),
        ("gone.safetensors", WeightsError, "no such file"),
        ("folder.onnx", UnknownModelError, "expected a model's name or a file that Boxable wrote"),
        ("run", UnknownModelError, ".*or a folder with model.safetensors or best/model.safetensors in it"),
        ("run/last", WeightsError, "not a readable .safetensors file"),
    ):
        with pytest.raises(kind, match=rf"{name}(/model.safetensors)?: {says}"):
            boxable.load(tmp_path / name)


def test_the_command_says_one_line_of_each_model_that_is_none(command: Command, tmp_path: Path) -> None:
    (tmp_path / "noise.onnx").write_bytes(noise())
    (tmp_path / "foreign.onnx").write_bytes(foreign_onnx())
    for model, code, says in (
        ("ssd42", 2, "boxable: unknown model 'ssd42': did you mean ssd23?"),
        ("gone.onnx", 1, "boxable: gone.onnx: no such file"),
        ("noise.onnx", 1, f"boxable: noise.onnx: {NO_GRAPH}"),
        ("foreign.onnx", 1, f"boxable: foreign.onnx: {NO_CLASSES}"),
    ):
        done = command("detect", PHOTO, "--model", model, "--out", "found", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (code, b"")
        assert done.stderr.decode().startswith(says)
        assert done.stderr.count(b"\n") == 1
        assert not (tmp_path / "found").exists()


@pytest.fixture
def cache(ssd23_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the cache with the 23-class network in it, and no network."""
    home = tmp_path / "home"
    shutil.copytree(ssd23_weights.parent, home / "models" / ssd23_weights.parent.name)
    boxable.load("ssd23")  # so that there is a graph to copy
    (graphs,) = ssd23_weights.parents[2].glob(f"graphs/{ssd23_weights.stem[:20]}-detector-{GRAPH_VERSION}")
    shutil.copytree(graphs, home / "graphs" / graphs.name)
    monkeypatch.setenv("BOXABLE_HOME", str(home))
    monkeypatch.setenv("BOXABLE_OFFLINE", "1")
    yield home
    shutil.rmtree(home)  # 40 MB


def graph_in(cache: Path) -> Path:
    (path,) = cache.glob("graphs/*/*.onnx")
    return path


def weights_in(cache: Path) -> Path:
    (path,) = cache.glob("models/*/*.safetensors")
    return path


DAMAGE = {
    "flipped": lambda data: flipped(data, len(data) // 3),
    "flipped at the end": lambda data: flipped(data, len(data) - 1),
    "truncated": lambda data: data[:-1],
    "halved": half,
    "emptied": lambda data: b"",
    "lengthened": lambda data: data + b"\0",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_graph_is_built_again(
    damage: Callable[[bytes], bytes], cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = graph_in(cache)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert boxable.load("ssd23")(PHOTO)[0].name == "Cat"
    assert graph_in(cache).read_bytes() == whole
    assert caplog.messages == ["a cached graph is damaged; building it again"]


def test_a_lost_graph_is_built_again_without_a_word(cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    shutil.rmtree(cache / "graphs")
    assert boxable.load("ssd23")(PHOTO)[0].name == "Cat"
    assert graph_in(cache).exists()
    assert caplog.messages == []


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_weights_are_named_and_pull_installs_them_again(
    damage: Callable[[bytes], bytes],
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = weights_in(cache)
    whole = path.read_bytes()
    model = Model.from_bytes(whole, "whole")
    path.write_bytes(damage(whole))
    shutil.rmtree(cache / "graphs")
    with pytest.raises(WeightsError, match="is damaged; run `boxable models pull` for that model to install it again"):
        boxable.load("ssd23")
    assert not list(cache.rglob("*.onnx"))

    monkeypatch.setattr("boxable.weights.pull.fetch_tflite", lambda card, local: b"the published file")
    monkeypatch.setattr(tflite_file, "read_tflite", lambda data, name: model.weights)
    with caplog.at_level(logging.INFO):
        healed = pull(find_card("ssd23"))
    assert caplog.messages[0] == "ssd23: the installed weights are damaged; installing them again"
    assert is_whole(healed)
    assert list(healed.parent.iterdir()) == [healed]
    assert boxable.load("ssd23")(PHOTO)[0].name == "Cat"


def test_the_command_heals_a_damaged_graph_and_names_damaged_weights(cache: Path, command: Command) -> None:
    path = graph_in(cache)
    path.write_bytes(half(path.read_bytes()))
    done = command("detect", PHOTO, "--model", "ssd23")
    assert (done.returncode, done.stdout.count(b'"Cat"')) == (0, 1)
    assert done.stderr == b"boxable: a cached graph is damaged; building it again\n"

    shutil.rmtree(cache / "graphs")
    weights = weights_in(cache)
    weights.write_bytes(flipped(weights.read_bytes(), 10_000_000))
    done = command("detect", PHOTO, "--model", "ssd23")
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (1, b"", 1)
    assert done.stderr.decode().startswith(f"boxable: {weights} is damaged; run `boxable models pull`")
    assert not list(cache.rglob("*.part"))


def test_offline_a_model_that_is_not_installed_is_one_line(empty_home: Path, command: Command) -> None:
    done = command("detect", PHOTO, "--model", "ssd23")
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (1, b"", 1 + done.stderr.count(b"fetching"))
    assert b"ssd23 is not installed and BOXABLE_OFFLINE forbids downloading it" in done.stderr
    assert not list(empty_home.rglob("*.safetensors"))


def test_a_cache_that_is_a_file_is_one_line(tmp_path: Path, command: Command) -> None:
    home = tmp_path / "home"
    home.write_text("not a folder")
    for verb in (("detect", PHOTO, "--model", "ssd23"), ("models", "pull", "ssd23")):
        done = command(*verb, env={"BOXABLE_HOME": str(home), "BOXABLE_OFFLINE": "1"})
        assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (1, b"", 1)
        assert done.stderr.decode().startswith(f"boxable: cannot write {home}")
    assert home.read_text() == "not a folder"
