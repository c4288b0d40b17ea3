"""A Model checks itself, and survives being saved."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from safetensors.numpy import save

from boxable.errors import BoxableError, WeightsError
from boxable.networks.architectures.ssd_mobilenet_v2 import ROOT, ssd_mobilenet_v2
from boxable.vocabulary import ClassList
from boxable.weights.model import METADATA_KEY, Description, Model
from tests.weights.conftest import CLASSES, NETWORK, Small

CONV = f"{ROOT}/Conv/weights"
GAMMA = f"{ROOT}/Conv/BatchNorm/gamma"


def test_weights_that_fit_are_taken(small: Small) -> None:
    assert small.model.network == NETWORK


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({GAMMA: None}, f"missing {GAMMA}"),
        ({"global_step": np.zeros(1, np.float32)}, "unknown global_step"),
        ({CONV: np.zeros((3, 3, 2), np.float32)}, f"{CONV} is float32 [3, 3, 2], expected float32 [3, 3, 3, 32]"),
        ({GAMMA: np.zeros(32, np.float64)}, f"{GAMMA} is float64 [32], expected float32 [32]"),
        ({GAMMA: np.zeros(32, np.float16)}, f"{GAMMA} is float16 [32], expected float32 [32]"),
        ({GAMMA: None, "gamma": np.zeros(32, np.float32)}, f"missing {GAMMA}; unknown gamma"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_listed_by_name(small: Small, change: dict[str, np.ndarray | None], problem: str) -> None:
    weights = {name: values for name, values in (small.weights | change).items() if values is not None}
    with pytest.raises(WeightsError) as error:
        Model(NETWORK, weights, CLASSES, "mine")
    assert str(error.value) == f"mine: weights do not fit ssd_mobilenet_v2: {problem}"


def test_a_long_list_of_problems_is_cut_short(small: Small) -> None:
    weights = {name: values for name, values in small.weights.items() if "BatchNorm" not in name}
    with pytest.raises(WeightsError, match=r"missing .*; missing .* and 235 more$"):
        Model(NETWORK, weights, CLASSES, "mine")


@pytest.mark.parametrize("names", [[], ["Cat"], ["Cat", "Dog", "Car"]])
def test_the_number_of_classes_must_be_the_networks(small: Small, names: list[str]) -> None:
    with pytest.raises(WeightsError, match=f"mine: {len(names)} class names? for a network of 2 classes"):
        Model(NETWORK, small.weights, ClassList.from_names(names), "mine")


def test_weights_for_another_number_of_classes_do_not_fit(small: Small) -> None:
    with pytest.raises(WeightsError, match=r"BoxPredictor_0/ClassPredictor/weights is float32 \[1, 1, 576, 9\]"):
        Model(ssd_mobilenet_v2(1), small.weights, ClassList.from_names(["Cat"]), "mine")


def test_saving_and_reading_gives_the_same_model_and_the_same_bytes(small: Small, tmp_path: Path) -> None:
    classes = ClassList.from_names(["Ångström", 'a "quoted"\tname'])
    model = Model(NETWORK, small.weights, classes, "mine/ü/1")
    path = tmp_path / "folder" / "mine.safetensors"
    model.save(path)
    data = path.read_bytes()
    again = Model.from_bytes(data, "mine")
    assert (again.network, again.classes, again.handle) == (NETWORK, classes, "mine/ü/1")
    assert again.weights.keys() == small.weights.keys()
    for name, values in small.weights.items():
        assert_array_equal(again.weights[name], values)
    assert again.to_bytes() == data
    assert [item.name for item in path.parent.iterdir()] == ["mine.safetensors"]


def test_who_may_read_other_new_files_may_read_this_one(small: Small, tmp_path: Path) -> None:
    Model(NETWORK, small.weights, CLASSES, "mine").save(tmp_path / "mine.safetensors")
    (tmp_path / "other").touch()
    assert (tmp_path / "mine.safetensors").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_arrays_in_another_memory_order_are_saved_right(small: Small) -> None:
    weights = small.weights | {CONV: np.asfortranarray(small.weights[CONV])}
    again = Model.from_bytes(Model(NETWORK, weights, CLASSES, "mine").to_bytes(), "mine")
    assert_array_equal(again.weights[CONV], small.weights[CONV])


def test_a_file_cannot_replace_a_folder(small: Small, tmp_path: Path) -> None:
    with pytest.raises(BoxableError, match="cannot write"):
        small.model.save(tmp_path)
    assert list(tmp_path.parent.glob(".*.part")) == []


@pytest.mark.parametrize("size", [0, 7, 8, 100, 50_000, -1])
def test_a_truncated_file_is_an_error_that_names_it(small: Small, size: int) -> None:
    data = small.model.to_bytes()
    with pytest.raises(WeightsError, match=r"^cut\.safetensors: not a readable \.safetensors file"):
        Model.from_bytes(data[:size], "cut.safetensors")


@pytest.mark.parametrize("data", [b"junk" * 100, b"{}", b"\xff" * 64, (5).to_bytes(8, "little") + b"[1,2]"])
def test_garbage_is_an_error_that_names_the_file(data: bytes) -> None:
    with pytest.raises(WeightsError, match=r"^junk: not a readable"):
        Model.from_bytes(data, "junk")


ROW = [1, "/m/a", "A"]


@pytest.mark.parametrize(
    "content",
    [
        None,
        "no JSON",
        "[]",
        "null",
        "{}",
        json.dumps({"handle": "x", "network": "resnet", "classes": [ROW]}),
        json.dumps({"handle": "x", "network": "ssd_mobilenet_v2", "classes": [ROW, ROW]}),
        json.dumps({"handle": "x", "network": "ssd_mobilenet_v2", "classes": [["one", "/m/a", "A"]]}),
        json.dumps({"handle": "x", "network": "ssd_mobilenet_v2", "classes": [[1, "/m/a"]]}),
        json.dumps({"network": "ssd_mobilenet_v2", "classes": [ROW]}),
    ],
)
def test_a_safetensors_file_of_other_origin_is_an_error(content: str | None) -> None:
    metadata = None if content is None else {METADATA_KEY: content}
    data = save({"x": np.zeros(1, np.float32)}, metadata=metadata)
    with pytest.raises(WeightsError, match="other: no list of classes inside; expected a file that Boxable wrote"):
        Model.from_bytes(data, "other")


@pytest.mark.parametrize("kind", ["BF16", "F8_E4M3"])
def test_numbers_of_a_type_that_numpy_lacks_are_an_error(kind: str) -> None:
    header = json.dumps({"x": {"dtype": kind, "shape": [0], "data_offsets": [0, 0]}}).encode()
    with pytest.raises(WeightsError, match=r"^bf16: "):
        Model.from_bytes(len(header).to_bytes(8, "little") + header, "bf16")


def test_the_description_travels_as_metadata() -> None:
    description = Description("mine", NETWORK, CLASSES)
    assert Description.from_metadata(description.to_metadata(), "file") == description
