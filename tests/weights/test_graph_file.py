"""Frozen graphs and SavedModels: constants, label strings, and what is refused."""

import struct
from pathlib import Path

import numpy as np
import pytest

from boxable.errors import WeightsError
from boxable.weights.foreign import read_foreign
from boxable.weights.graph_file import read_frozen_graph, read_saved_model
from tests.weights.tensorflow_writer import (
    DOUBLE,
    FLOAT,
    HALF,
    constant,
    graph,
    message,
    of_array,
    of_strings,
    saved_model,
    tensor,
)
from tests.weights.test_tensor_bundle import peak

NAME = "FeatureExtractor/MobilenetV2/Conv/weights"
BIASES = "BoxPredictor_0/ClassPredictor/biases"
VALUES = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def packed(kind: str, *values: float) -> bytes:
    return struct.pack(f"<{len(values)}{kind}", *values)


def read(value: bytes, name: str = NAME) -> np.ndarray:
    (found,) = read_frozen_graph(constant(name, value), "g.pb").weights.values()
    return found


def refused(value: bytes) -> str:
    with pytest.raises(WeightsError) as error:
        read_frozen_graph(constant(NAME, value), "g.pb")
    assert str(error.value).startswith(f"g.pb: {NAME}: ")
    return str(error.value)


def test_raw_bytes_and_lists_give_the_same_array() -> None:
    for value in (of_array(VALUES), tensor(VALUES.shape, floats=VALUES.tobytes())):
        found = read(value)
        assert (found.dtype, found.shape) == (np.float32, VALUES.shape)
        np.testing.assert_array_equal(found, VALUES)


def test_a_list_shorter_than_the_shape_repeats_its_last_value() -> None:
    np.testing.assert_array_equal(read(tensor([2, 3], floats=packed("f", 1, 2))), [[1, 2, 2], [2, 2, 2]])
    np.testing.assert_array_equal(read(tensor([4], floats=packed("f", 7))), [7, 7, 7, 7])


def test_lists_that_are_not_packed_are_read() -> None:
    items = b"".join(bytes([5 << 3 | 5]) + packed("f", value) for value in (1.5, 2.5))
    np.testing.assert_array_equal(read(tensor([3]) + items), [1.5, 2.5, 2.5])


def test_half_floats_come_as_float32() -> None:
    halves = np.array([1.5, -2, 65504], np.float16)
    bits = message(*((13, int(value)) for value in halves.view(np.uint16)))
    for value in (tensor([3], HALF, raw=halves.tobytes()), tensor([3], HALF) + bits):
        found = read(value)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, halves)
    np.testing.assert_array_equal(read(tensor([2], HALF) + message((13, 0x3C00))), [1, 1])


def test_bits_that_no_half_float_has_raise_nothing_else() -> None:
    for bits in (2**16, 2**31 - 1, -1):
        assert read(tensor([1], HALF) + message((13, bits))).shape == (1,)


@pytest.mark.parametrize(
    "shape", [[50_000, 50_000], [2**62, 2**62], [2**40] * 8, [-1], [-2, -2], [0], [1] * 9, [1] * 10_000, [0, 2**62]]
)
@pytest.mark.parametrize("dtype", [FLOAT, HALF])
def test_a_shape_that_no_detector_has_is_refused_in_little_memory(shape: list[int], dtype: int) -> None:
    data = tensor(shape, dtype, floats=packed("f", 1)) + message((13, 1))
    refused(data)
    assert peak(lambda: refused(data)) < 2**25


def test_many_large_tensors_are_refused_as_one_is() -> None:
    gigabytes = b"".join(constant(f"{NAME[:-8]}_{number}/weights", tensor([2**24], floats=packed("f", 1)))
                         for number in range(40))  # fmt: skip
    with pytest.raises(WeightsError, match="is empty or too large"):
        read_frozen_graph(gigabytes, "g.pb")


@pytest.mark.parametrize(
    "value",
    [
        tensor([3], raw=bytes(11)),
        tensor([3], raw=bytes(16)),
        tensor([3], HALF, raw=bytes(12)),
        tensor([], raw=bytes(8)),
        tensor([3]),
        tensor([2], floats=packed("f", 1, 2, 3)),
        tensor([3], HALF, floats=packed("f", 1)),
    ],
)
def test_content_of_another_length_is_refused(value: bytes) -> None:
    assert " for a tensor of shape " in refused(value)


@pytest.mark.parametrize("prefix", ["", "module/", "import/", "hub_input/", "save/", "import/hub_input/module_1/"])
def test_weights_are_known_behind_any_prefix(prefix: str) -> None:
    found = read_frozen_graph(graph({NAME: VALUES, BIASES: VALUES}, prefix=prefix), "g.pb").weights
    assert set(found) == {prefix + NAME, prefix + BIASES}


def test_what_is_no_weight_of_a_detector_is_left_out() -> None:
    others = [
        constant(f"{NAME}/Initializer/value", of_array(VALUES)),
        constant("Preprocessor/mul/x", of_array(VALUES)),
        constant("MobilenetV2/Conv/weights", of_array(VALUES)),
        constant(f"{NAME[:-8]}/add/weights_sum", of_array(VALUES)),
        constant(BIASES, of_array(VALUES), op="Identity"),
        constant(BIASES, tensor([2], DOUBLE, raw=bytes(16))),
    ]
    assert set(read_frozen_graph(graph({NAME: VALUES}, *others), "g.pb").weights) == {NAME}


def test_lists_of_strings_come_in_the_order_of_their_nodes() -> None:
    nodes = [
        constant("hub_input/index_to_string/Const", of_strings("/m/01yrx", "/m/0bt9lr")),
        constant("hub_input/one", of_strings("alone")),
        constant("hub_input/index_to_string_1/Const", of_strings("Cat", "Dog", "K\u00e4fer")),
    ]
    found = read_saved_model(saved_model(graph({}, *nodes)), "saved_model.pb")
    assert found.strings == (("/m/01yrx", "/m/0bt9lr"), ("Cat", "Dog", "K\u00e4fer"))
    odd = constant("x", message((1, 7), (8, b"\xff\xfe"), (8, b"a")))
    assert read_frozen_graph(odd, "g.pb").strings == (("\ufffd\ufffd", "a"),)


@pytest.mark.parametrize(
    "name",
    [
        "Postprocessor/BatchMultiClassNonMaxSuppression/map/while/MultiClassNonMaxSuppression/score_threshold",
        "Postprocessor/BatchMultiClassNonMaxSuppression/map/while/FilterGreaterThan/Greater/y",
    ],
)
def test_the_score_threshold_is_read(name: str) -> None:
    found = read_frozen_graph(constant(name, tensor([], floats=packed("f", 0.25))), "g.pb")
    assert found.score_threshold == 0.25
    assert read_frozen_graph(graph({NAME: VALUES}), "g.pb").score_threshold is None


def test_of_two_stages_the_threshold_of_the_second_counts() -> None:
    names = "SecondStagePostprocessor/BatchMultiClassNonMaxSuppression/score_threshold", "Proposals/score_threshold"
    for order in (names, names[::-1]):
        thresholds = [constant(name, of_array(np.float32(len(name) / 100))) for name in order]
        found = read_frozen_graph(graph({NAME: VALUES}, *thresholds), "g.pb").score_threshold
        assert found == pytest.approx(len(names[0]) / 100)


def test_the_first_meta_graph_counts_whatever_its_tags() -> None:
    data = saved_model(graph({NAME: VALUES}), graph({BIASES: VALUES}))
    assert set(read_saved_model(data, "saved_model.pb").weights) == {NAME}


def test_a_saved_model_without_a_graph_is_refused() -> None:
    for data in (b"", message((1, 1))):
        with pytest.raises(WeightsError, match=r"^saved_model\.pb: contains no graph"):
            read_saved_model(data, "saved_model.pb")


def test_garbage_is_refused_and_the_file_named() -> None:
    for data in (b"garbage", b"\xff" * 50, graph({NAME: VALUES})[:-3]):
        for reader in (read_frozen_graph, read_saved_model):
            with pytest.raises(WeightsError, match=r"^x\.pb: damaged, or not a TensorFlow file"):
                reader(data, "x.pb")


def test_an_empty_graph_holds_nothing() -> None:
    found = read_frozen_graph(b"", "g.pb")
    assert (found.weights, found.strings, found.score_threshold) == ({}, (), None)


def test_a_module_is_read_with_and_without_its_module_file(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(saved_model(graph({NAME: VALUES}, prefix="hub_input/")))
    for path in (tmp_path, tmp_path / "saved_model.pb"):
        found = read_foreign(path)
        assert found.kind == "SavedModel"
        np.testing.assert_array_equal(found.variables[f"hub_input/{NAME}"], VALUES)
    (tmp_path / "tfhub_module.pb").write_bytes(b"\x08\x03")
    assert read_foreign(tmp_path).kind == "TF-Hub module"
