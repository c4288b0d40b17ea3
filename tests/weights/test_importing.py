"""Every form in which the real 23-class network was exported gives the same arrays and the recorded detections."""

import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import boxable
from boxable.errors import ArgumentError, WeightsError
from boxable.networks.architectures import ARCHITECTURES
from boxable.networks.architectures.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.networks.ops import Conv
from boxable.settings import home
from boxable.vocabulary import ClassList, open_images, open_images_subset
from boxable.weights.cards import find_card
from boxable.weights.compiled import compiled_from
from boxable.weights.importing import read_model
from boxable.weights.model import Model
from boxable.weights.select_classes import select_classes
from tests.parity.same_set import Found, excused_differences
from tests.weights.conftest import Real
from tests.weights.tensorflow_writer import (
    FLOAT,
    Bundle,
    constant,
    graph,
    of_strings,
    same_arrays,
    saved_model,
    tarball,
    tensor,
    zeros,
)
from tests.weights.tflite_writer import write_tflite

CLASSES = find_card("ssd23").classes
HUB = ("hub_variables", "hub_constants")


def as_tflite(real: Real, folder: Path, *, half: bool) -> Path:
    """With the convolutions of the real network, as its own file has them."""
    network = ssd_mobilenet_v2(23)
    biases = {layer.name: f"{layer.name}/{'BatchNorm/beta' if isinstance(layer, Conv) else 'biases'}"
              for layer in network.layers}  # fmt: skip
    parts = {layer.name: (real.weights[layer.kernel_name], real.weights[biases[layer.name]])
             for layer in network.layers}  # fmt: skip
    path = folder / "detect.tflite"
    path.write_bytes(write_tflite(network, parts, half=half))
    return path


def in_archive(folder: Path, target: Path, under: str = "") -> Path:
    return tarball(target, {under + str(file.relative_to(folder)): file.read_bytes()
                            for file in folder.rglob("*") if file.is_file()})  # fmt: skip


Form = Callable[[Real, Path, Path], Path]
FORMS: dict[str, Form] = {
    "checkpoint prefix": lambda real, _, __: real.checkpoint,
    "checkpoint .index": lambda real, _, __: real.checkpoint.with_name("model.ckpt.index"),
    "checkpoint .data": lambda real, _, __: real.checkpoint.with_name("model.ckpt.data-00000-of-00001"),
    "checkpoint .meta": lambda real, _, __: real.checkpoint.with_name("model.ckpt.meta"),
    "checkpoint folder": lambda real, _, __: real.checkpoint.parent,
    "checkpoint .tar.gz": lambda real, _, new: in_archive(real.checkpoint.parent, new / "c.tar.gz", "a/b/"),
    "checkpoint in shards": lambda real, _, new: Bundle(real.weights, 7).write(new / "model.ckpt-123"),
    "checkpoint by Snappy": lambda real, _, new: Bundle(real.weights).write(new / "model", compression=1),
    "frozen graph": lambda real, _, __: real.frozen,
    "frozen graph in a folder": lambda real, _, new: Path(shutil.copy(real.frozen, new / "graph.pb")).parent,
    "TF-Hub folder, variables": lambda real, _, __: real.hub_variables,
    "TF-Hub folder, constants": lambda real, _, __: real.hub_constants,
    "TF-Hub file, variables": lambda real, _, __: real.hub_variables / "saved_model.pb",
    "TF-Hub file, constants": lambda real, _, __: real.hub_constants / "saved_model.pb",
    "TF-Hub archive, variables": lambda _, source, __: source / "hub_variables.tar.gz",
    "TF-Hub archive, constants": lambda _, source, __: source / "hub_constants.tar.gz",
    "TFLite, half": lambda real, _, new: as_tflite(real, new, half=True),
    "TFLite, float": lambda real, _, new: as_tflite(real, new, half=False),
}


@pytest.fixture(scope="module")
def recorded(reference: Path) -> Found:
    with np.load(reference / "real23" / "detections.npz") as file:
        labels = np.array([item.label_id for item in CLASSES])[file["chelsea/classes"]]
        return Found(labels, file["chelsea/scores"], file["chelsea/boxes"])


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_very_same_arrays(
    real: Real, reference: Path, tmp_path: Path, form: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = FORMS[form](real, reference / "real23", tmp_path)
    with caplog.at_level(logging.INFO, "boxable"):
        model = read_model(path, "mine")
    same_arrays(model.weights, real.weights)
    assert model.classes == CLASSES
    assert model.handle == "mine"
    assert model.score_threshold == pytest.approx(1e-8)
    assert path.name in model.origin
    says_classes = [text for text in caplog.messages if "taking those of ssd23" in text]
    assert len(says_classes) == (0 if "TF-Hub" in form else 1)


def as_file(content: bytes, path: Path) -> Path:
    path.write_bytes(content)
    return path


# What the tests can write by themselves.
WRITTEN: dict[str, Callable[[Model, Path], Path]] = {
    "checkpoint": lambda model, new: Bundle(model.weights, 2).write(new / "model.ckpt-7"),
    "frozen graph": lambda model, new: as_file(graph(model.weights), new / "frozen.pb"),
    "SavedModel": lambda model, new: as_file(saved_model(graph(model.weights)), new / "saved_model.pb").parent,
    "TF-Hub archive": lambda model, new: tarball(
        new / "module.tar.gz", {"saved_model.pb": saved_model(graph(model.weights, prefix="module/"))}
    ),
    "ONNX": lambda model, new: as_file(compiled_from(model).onnx("detector", "fp32"), new / "model.onnx"),
    "safetensors": lambda model, new: as_file(model.to_bytes(), new / "model.safetensors"),
}


@pytest.mark.parametrize("form", WRITTEN)
def test_every_form_that_can_be_written_here_gives_the_very_same_arrays(
    ssd23_weights: Path, tmp_path: Path, form: str
) -> None:
    model = Model.from_bytes(ssd23_weights.read_bytes(), "ssd23")
    found = read_model(WRITTEN[form](model, tmp_path), "mine")
    same_arrays(found.weights, model.weights)
    assert found.classes == CLASSES


def test_the_real_tflite_file_gives_the_very_same_arrays(real: Real) -> None:
    path = home() / "benchmarks" / "ssd23.tflite"
    if not path.exists():
        pytest.skip("make bench has not been run, which leaves this file")
    same_arrays(read_model(path, "mine").weights, real.weights)


@pytest.mark.parametrize("form", ["checkpoint prefix", "frozen graph", *(f"TF-Hub folder, {kind[4:]}" for kind in HUB)])
def test_every_form_gives_the_recorded_detections(
    real: Real, reference: Path, tmp_path: Path, form: str, recorded: Found
) -> None:
    model = read_model(FORMS[form](real, reference / "real23", tmp_path), "mine")
    found = boxable.load(model)(reference / "photos" / "chelsea.png", min_score=0)
    assert len(found) == 100
    print(excused_differences(Found(found.label_ids, found.scores, found.boxes), recorded))


def test_the_labels_inside_a_module_are_those_of_the_recording(real: Real, reference: Path) -> None:
    rows = json.loads((reference / "real23" / "labels23.json").read_text())
    found = read_model(real.hub_constants, "mine").classes
    assert [(item.mid, item.name) for item in found] == [(row["mid"], row["display_name"]) for row in rows]


# --- small ones, of zeros ---


def checkpoint(folder: Path, num_classes: int) -> Path:
    return Bundle(zeros(num_classes)).write(folder / "model.ckpt")


@pytest.mark.parametrize(
    ("num_classes", "title", "classes"),
    [
        (601, "Open Images V4", open_images()),
        (545, "Open Images V2", open_images_subset("open_images_v2")),
        (500, "the Open Images Challenge 2018", open_images_subset("challenge_2018")),
        (23, "ssd23", CLASSES),
    ],
)
def test_the_classes_of_a_known_release_are_taken_and_said_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, num_classes: int, title: str, classes: ClassList
) -> None:
    path = tmp_path / "model.pb"
    path.write_bytes(graph(zeros(num_classes)))
    with caplog.at_level(logging.INFO, "boxable"):
        assert read_model(path, "mine").classes == classes
    expected = f"the file does not name its {num_classes} classes; taking those of {title}"
    assert caplog.messages == [expected]


def test_an_unknown_number_of_classes_asks_for_labels(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no names for its 2 classes.*--labels FILE"):
        read_model(checkpoint(tmp_path, 2), "mine")


def test_a_column_that_the_labels_leave_out_is_never_found(tmp_path: Path) -> None:
    path, labels = checkpoint(tmp_path, 3), tmp_path / "gaps.pbtxt"
    labels.write_text("item { id: 1 name: 'cat' } item { id: 3 name: 'dog' }")
    found = read_model(path, "mine", labels)
    assert found.classes == ClassList.from_names(["Cat", "Dog"])
    labels.write_text("cat\nhorse\ndog\n")
    whole = select_classes(read_model(path, "mine", labels), "Cat,Dog")
    assert found.network == whole.network
    assert all(np.array_equal(values, whole.weights[name]) for name, values in found.weights.items())
    labels.write_text("item { id: 1 name: 'cat' } item { id: 4 name: 'dog' }")
    with pytest.raises(ArgumentError, match="2 classes, the last with the id 4, for a network of 3"):
        read_model(path, "mine", labels)


def test_classes_that_compete_need_a_label_for_each_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        ARCHITECTURES, "ssd_mobilenet_v2", lambda count: replace(ssd_mobilenet_v2(count), classes_compete=True)
    )
    path, labels = checkpoint(tmp_path, 3), tmp_path / "gaps.pbtxt"
    labels.write_text('item { id: 1 display_name: "cat" }\nitem { id: 3 display_name: "dog" }')
    with pytest.raises(ArgumentError, match=r"gaps.pbtxt: labels for 2 of the 3 columns of ssd_mobilenet_v2"):
        read_model(path, "my/net", labels)


def test_labels_that_are_given_go_before_all_others(tmp_path: Path) -> None:
    path = tmp_path / "model" / "model.ckpt"
    checkpoint(path.parent, 2)
    (path.parent / "labels.txt").write_text("Dog\nHorse\n")
    labels = tmp_path / "mine.txt"
    labels.write_text("Cat\nrobot\n")
    assert read_model(path, "mine", labels).classes == ClassList.from_names(["Cat", "robot"])
    assert read_model(path.parent, "mine").classes == ClassList.from_names(["Dog", "Horse"])
    with pytest.raises(WeightsError, match="no names for its 2 classes"):
        read_model(path, "mine")  # beside a single file anything may lie
    labels.write_text("Cat\nrobot\nDog\n")
    with pytest.raises(ArgumentError, match=r"mine\.txt: 3 classes for a network of 2"):
        read_model(path, "mine", labels)
    with pytest.raises(ArgumentError, match=r"missing\.txt: cannot read it"):
        read_model(path, "mine", tmp_path / "missing.txt")


def test_a_label_map_in_a_pipeline_config_counts_only_if_its_size_fits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = checkpoint(tmp_path, 2)
    config, labels = tmp_path / "pipeline.config", tmp_path / "map.pbtxt"
    config.write_text('train_input_reader { label_map_path: "PATH_TO_BE_CONFIGURED/map.pbtxt" }')
    two = "item { id: 1 name: 'Dog' } item { id: 2 name: 'Cat' }"
    for text in (two + " item { id: 3 name: 'x' }", "item { id: 7 name: 'Dog' }", "", "item { id: 1 name: 'Dog' }"):
        labels.write_text(text)
        for place in (path, tmp_path):
            with pytest.raises(WeightsError, match="no names for its 2 classes"):
                read_model(place, "mine")
    labels.write_text(two)
    for place in (path, tmp_path):
        caplog.clear()
        with caplog.at_level(logging.INFO, "boxable"):
            assert [item.name for item in read_model(place, "mine").classes] == ["Dog", "Cat"]
        assert caplog.messages == ["taking the 2 classes in map.pbtxt"]
    config.write_text("nothing of it")
    with pytest.raises(WeightsError, match="no names for its 2 classes"):
        read_model(path, "mine")


def test_labels_in_the_assets_of_a_module_are_taken(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "labels.txt").write_text("Dog\nrobot\n")
    (tmp_path / "saved_model.pb").write_bytes(saved_model(graph(zeros(2), prefix="module/")))
    assert [item.name for item in read_model(tmp_path, "mine").classes] == ["Dog", "robot"]


@pytest.mark.parametrize("background", [(), ("???",)])
def test_the_strings_in_a_graph_are_taken(tmp_path: Path, background: tuple[str, ...]) -> None:
    """601 or 602 of them, in an order of their own."""
    turned = [*open_images()][::-1]
    nodes = [constant("hub_input/a/Const", of_strings(*background, *(item.mid for item in turned))),
             constant("hub_input/b/Const", of_strings(*background, *(item.name for item in turned)))]  # fmt: skip
    (tmp_path / "saved_model.pb").write_bytes(saved_model(graph(zeros(601), *nodes, prefix="hub_input/")))
    assert read_model(tmp_path, "mine").classes == ClassList(turned)


def test_a_score_threshold_is_read_and_a_high_one_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    node = constant("Postprocessor/x/FilterGreaterThan/Greater/y", tensor([], FLOAT, floats=np.float32(0.3).tobytes()))
    (tmp_path / "graph.pb").write_bytes(graph(zeros(23), node))
    with caplog.at_level(logging.INFO, "boxable"):
        assert read_model(tmp_path / "graph.pb", "mine").score_threshold == pytest.approx(0.3)
    assert "graph.pb: its own score threshold is 0.3; scores at or below it are never detections" in caplog.messages


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.5, 1.5])
def test_a_score_threshold_that_is_none_is_refused(tmp_path: Path, value: float) -> None:
    node = constant("Postprocessor/x/score_threshold", tensor([], FLOAT, floats=np.float32(value).tobytes()))
    (tmp_path / "graph.pb").write_bytes(graph(zeros(23), node))
    with pytest.raises(WeightsError, match="score threshold"):
        read_model(tmp_path / "graph.pb", "mine")


@pytest.mark.parametrize(
    ("text", "expected"), [("0.25", 0.25), ("1e-08", 1e-8), (".5", 0.5), ("0.5.5", 0.5), ("e", 1e-8)]
)
def test_the_score_threshold_in_a_pipeline_config_is_read(tmp_path: Path, text: str, expected: float) -> None:
    (tmp_path / "pipeline.config").write_text(
        f"post_processing {{ batch_non_max_suppression {{\n score_threshold: {text}\n iou_threshold: 0.6 }} }}"
    )
    assert read_model(checkpoint(tmp_path, 23), "mine").score_threshold == pytest.approx(expected)


def test_of_several_checkpoints_the_one_in_the_state_file_is_taken(tmp_path: Path) -> None:
    for step in (1, 2):
        weights = {name: values + np.float32(step) for name, values in zeros(23).items()}
        Bundle(weights).write(tmp_path / f"model.ckpt-{step}")
    with pytest.raises(WeightsError, match=r"2 networks in it \(model\.ckpt-1\.index, model\.ckpt-2\.index\)"):
        read_model(tmp_path, "mine")
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "/gone/model.ckpt-2"\nall_model_checkpoint_paths: "x"')
    found = read_model(tmp_path, "mine").weights["BoxPredictor_0/ClassPredictor/biases"]
    assert set(found) == {2}


def test_several_networks_in_a_folder_are_refused(tmp_path: Path) -> None:
    for name in ("a.tflite", "b.onnx", "c.pb"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(WeightsError, match=r"3 networks in it .*; name the one to import"):
        read_model(tmp_path, "mine")


@pytest.mark.parametrize("name", ["notes.txt", "model.h5", "model", "checkpoint"])
def test_another_kind_of_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(WeightsError, match=r"expected a checkpoint, .*got another kind of file"):
        read_model(tmp_path / name, "mine")
    with pytest.raises(WeightsError, match=r"no checkpoint, SavedModel, .* file in it"):
        read_model(tmp_path, "mine")


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"gone\.pb: no such file or folder"):
        read_model(tmp_path / "gone.pb", "mine")
    with pytest.raises(WeightsError, match=r"gone\.index: no such file"):
        read_model(tmp_path / "gone.index", "mine")


@pytest.mark.parametrize("name", ["a.pb", "saved_model.pb", "a.tflite", "a.onnx", "a.safetensors", "a.index", "a.tgz"])
@pytest.mark.parametrize("content", [b"", b"garbage" * 30])
def test_garbage_and_empty_files_are_refused_and_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError) as error:
        read_model(tmp_path / name, "mine")
    assert str(error.value).startswith(str(tmp_path / name))


def test_a_variable_that_is_missing_in_a_file_is_named(tmp_path: Path) -> None:
    weights = zeros(23)
    del weights["FeatureExtractor/MobilenetV2/Conv/weights"]
    with pytest.raises(WeightsError, match="missing FeatureExtractor/MobilenetV2/Conv/weights"):
        read_model(Bundle(weights).write(tmp_path / "model.ckpt"), "mine")


def test_files_that_are_only_pointers_are_refused(tmp_path: Path) -> None:
    """What git leaves where git-lfs is not installed."""
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:150f\nsize 66606111\n"
    (tmp_path / "frozen_inference_graph.pb").write_bytes(pointer)
    with pytest.raises(WeightsError, match=r"frozen_inference_graph\.pb: "):
        read_model(tmp_path / "frozen_inference_graph.pb", "mine")
