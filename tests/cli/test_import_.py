"""`boxable import`, and what the other verbs say of what it took in."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boxable.networks.architectures.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.vocabulary import ClassList, open_images
from boxable.weights.cards import DEFAULT_HANDLE
from boxable.weights.model import Model
from boxable.weights.store import installed, installed_handles
from tests.cli.conftest import Invoke
from tests.conftest import EXAMPLES, Command

NETWORK = ssd_mobilenet_v2(2)
CLASSES = ClassList.from_names(["Cat", "robot"])


def saved(path: Path, classes: ClassList = CLASSES, **weights: Any) -> Path:
    """A network of ours that finds nothing."""
    network = ssd_mobilenet_v2(len(classes))
    arrays = {name: np.zeros(shape, np.float32) for name, shape in network.variables.items()}
    Model(network, arrays | weights, classes, "elsewhere").save(path)
    return path


@pytest.fixture(autouse=True)
def home(empty_home: Path) -> Iterator[Path]:
    yield empty_home
    assert not list(empty_home.rglob("*.part"))


def test_a_file_is_imported_under_its_own_name_and_works(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("import", saved(tmp_path / "My robots.safetensors"))
    assert (result.stdout, result.code) == ("", 0)
    numbers = f"{sum(int(np.prod(shape)) for shape in NETWORK.variables.values()):,}"
    assert result.stderr.splitlines() == [
        f"imported my-robots: 2 classes, {numbers} parameters, from safetensors file My robots.safetensors",
        "use it as: boxable detect IMAGE --model my-robots",
    ]
    assert invoke("models", "list").lines[-1].split() == ["my-robots", "2", "classes", "imported", "my-robots"]
    found = invoke("detect", EXAMPLES / "chelsea.png", "--model", "my-robots", "--min-score", "0")
    assert found.code == 0


def test_classes_knows_it_by_name_and_by_file(invoke: Invoke, tmp_path: Path) -> None:
    file = saved(tmp_path / "mine.safetensors")
    invoke("import", file)
    for model in ("mine", file):
        assert [line.split("\t")[2] for line in invoke("classes", "--model", model).lines] == ["Cat", "robot"]
        result = invoke("classes", "Zebra", "--model", model)
        assert (result.code, result.stderr.strip()) == (
            2, f"boxable: {model} has no class 'Zebra'; ssd601 has it: boxable models pull ssd601"
        )  # fmt: skip
    assert "did you mean mine?" in invoke("classes", "--model", "mime").stderr
    assert invoke("classes", "--model", tmp_path / "none.onnx").code == 1


def test_info_and_verify_know_it(invoke: Invoke, tmp_path: Path) -> None:
    invoke("import", saved(tmp_path / "mine.safetensors"))
    info = invoke("models", "info", "mine")
    assert info.code == 0
    path = installed("mine")
    assert path is not None
    for line in (
        "handle         mine",
        "made from      safetensors file mine.safetensors",
        f"sha256         {path.stem}",
        f"installed      {path}",
        "classes        2: Cat, robot",
    ):
        assert line in info.lines
    assert any(line.startswith("parameters ") for line in info.lines)
    assert any(line.startswith("multiply-adds ") for line in info.lines)
    verified = invoke("models", "verify", "mine")
    assert (verified.stderr, verified.code) == ("", 0)
    assert [line.split()[:2] for line in verified.lines] == [
        ["ok", "hash"], ["ok", "shapes"], ["ok", "runs"], ["--", "recorded"],
    ]  # fmt: skip


def test_an_import_of_the_same_name_replaces_the_first(invoke: Invoke, tmp_path: Path, home: Path) -> None:
    invoke("import", saved(tmp_path / "a.safetensors"), "--name", "mine/2")
    classes = ClassList.from_names(["Dog", "robot"])
    result = invoke("import", saved(tmp_path / "b.safetensors", classes), "--name", "mine/2")
    assert result.stderr.startswith("replaced mine/2: 2 classes")
    assert installed_handles() == ["mine/2"]
    assert len(list(home.rglob("*.safetensors"))) == 1
    assert "classes        2: Dog, robot" in invoke("models", "info", "mine/2").lines


def test_labels_are_those_of_the_file_that_is_named(invoke: Invoke, tmp_path: Path) -> None:
    model, labels = saved(tmp_path / "mine.safetensors"), tmp_path / "labels.pbtxt"
    labels.write_text("item { id: 2 name: 'UFO' } item { id: 1 name: '/m/01g317' display_name: 'Mensch' }")
    assert invoke("import", model, "--labels", labels).code == 0
    assert "classes        2: Person, UFO" in invoke("models", "info", "mine").lines
    labels.write_text("one\ntwo\nthree\n")
    result = invoke("import", model, "--labels", labels)
    assert (result.stdout, result.code) == ("", 2)
    assert result.stderr == f"boxable: {labels}: 3 classes for a network of 2; expected one for each\n"


@pytest.mark.parametrize(
    "name", ["a b", "../evil", "a--b", "-a", "/a", "a/", "a//b", "a/../b", ".", "..", "a" * 101, "k\u00e4fer", "a\nb"]
)
def test_a_name_that_cannot_be_a_handle_is_refused(invoke: Invoke, tmp_path: Path, home: Path, name: str) -> None:
    result = invoke("import", saved(tmp_path / "mine.safetensors"), f"--name={name}")
    assert (result.stdout, result.code) == ("", 2)
    assert "cannot be the name of a model" in result.stderr
    assert result.stderr.count("\n") == 1
    assert list(home.rglob("*.safetensors")) == []


# The other names are those of the card, whose tests have them all.
@pytest.mark.parametrize(
    "name",
    [
        "ssd601",
        f"https://tfhub.dev/{DEFAULT_HANDLE}",
        "https://www.kaggle.com/models/google/mobilenet-v2/frameworks/TensorFlow1/variations/"
        "openimages-v4-ssd-mobilenet-v2/versions/1",
    ],
)
def test_under_the_official_handle_it_becomes_the_default_model(
    command: Command, invoke: Invoke, tmp_path: Path, name: str
) -> None:
    result = invoke("import", saved(tmp_path / "mine.safetensors", open_images()), "--name", name)
    assert result.code == 0
    assert result.stderr.splitlines()[-1] == "it is the default model now"
    assert installed_handles() == [DEFAULT_HANDLE]
    assert [line.split()[0] for line in invoke("models", "list").lines if " not installed " not in line] == ["ssd601"]


def test_the_default_model_detects_and_nothing_is_said_of_another(command: Command, tmp_path: Path,
                                                                  reference: Path) -> None:  # fmt: skip
    spec = importlib.util.spec_from_file_location("formula", reference / "formula.py")
    assert spec is not None
    assert spec.loader is not None
    formula = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(formula)
    path = saved(tmp_path / "mine.safetensors", open_images(), **formula.all_variables(601))
    assert command("import", path, "--name", "ssd601").returncode == 0
    result = command("detect", EXAMPLES / "chelsea.png", "--min-score", "0.01")
    assert result.returncode == 0
    assert b"ssd23" not in result.stderr + result.stdout


def test_other_names_do_not_become_the_default(command: Command, tmp_path: Path) -> None:
    path = saved(tmp_path / "mine.safetensors", open_images())
    result = command("import", path)
    assert b"it is the default model now" not in result.stderr
    assert b"use it as: boxable detect IMAGE --model mine" in result.stderr
    # The default is still the 23-class one, which is not there and cannot be fetched.
    result = command("detect", EXAMPLES / "chelsea.png")
    assert result.returncode == 1
    assert b"ssd23" in result.stderr


def test_a_file_named_as_a_published_network_needs_a_name(invoke: Invoke, tmp_path: Path) -> None:
    path = saved(tmp_path / "ssd601.safetensors", open_images())
    result = invoke("import", path)
    assert result.code == 2
    assert result.stderr == (
        f"boxable: {path}: ssd601 is the name of a published network; choose another with --name\n"
    )
    assert invoke("import", path, "--name", "mine").code == 0
    assert installed_handles() == ["mine"]


def test_other_classes_cannot_have_a_published_name(invoke: Invoke, tmp_path: Path, home: Path) -> None:
    mine = saved(tmp_path / "mine.safetensors")
    turned = saved(tmp_path / "turned.safetensors", ClassList([*open_images()][::-1]))
    for path, count, name in ((mine, 2, "ssd601"), (mine, 2, "ssd23"), (turned, 601, DEFAULT_HANDLE)):
        result = invoke("import", path, "--name", name)
        assert (result.stdout, result.code) == ("", 2)
        assert f"its {count} classes are not the " in result.stderr
        assert "import it under another --name" in result.stderr
    assert list(home.rglob("*.safetensors")) == []


def test_a_folder_gives_its_name(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "robots").mkdir()
    saved(tmp_path / "robots" / "model.safetensors")
    monkeypatch.chdir(tmp_path / "robots")
    for path in (tmp_path / "robots", f"{tmp_path}/robots/", "."):
        assert " robots: 2 classes" in invoke("import", path).stderr


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("gone.pb", None, "no such file or folder"),
        ("model.h5", b"x", "expected a checkpoint, .pb"),
        ("model.pb", b"junk", "damaged, or not a TensorFlow file of this kind"),
        ("model.tflite", b"junk", "not a readable TFLite file"),
        ("model.onnx", b"junk", "not a readable ONNX file"),
        ("model.safetensors", b"junk", "not a readable .safetensors file"),
        ("model.ckpt.index", b"junk", "truncated, or not the index of a TensorFlow V2 checkpoint"),
        ("model.tar.gz", b"junk", "cannot unpack it"),
    ],
)
def test_what_cannot_be_read_is_one_line_and_exit_code_1(
    invoke: Invoke, tmp_path: Path, home: Path, name: str, content: bytes | None, text: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    result = invoke("import", tmp_path / name)
    assert (result.stdout, result.code) == ("", 1)
    assert result.stderr.startswith(f"boxable: {tmp_path / name}: ")
    assert text in result.stderr
    assert result.stderr.count("\n") == 1
    assert list(home.rglob("*.safetensors")) == []


def test_wrong_usage_is_exit_code_2(invoke: Invoke, tmp_path: Path) -> None:
    for arguments in ((), ("a", "b"), ("a", "--nonsense")):
        assert invoke("import", *arguments).code == 2
    result = invoke("import", saved(tmp_path / "mine.safetensors"), "--labels", tmp_path / "gone.txt")
    assert result.code == 2
    assert result.stderr == f"boxable: {tmp_path / 'gone.txt'}: cannot read it (No such file or directory)\n"
