"""Weights out of a TFLite file."""

import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from boxable.errors import WeightsError
from boxable.networks.architectures.ssd_mobilenet_v2 import ROOT
from boxable.weights.model import Model
from boxable.weights.tflite_file import read_tflite
from tests.weights.conftest import NETWORK, Small
from tests.weights.tflite_writer import write_tflite


@pytest.mark.parametrize("half", [True, False], ids=["float16", "float32"])
def test_every_variable_is_read_and_batch_norm_becomes_one_that_changes_nothing(small: Small, half: bool) -> None:
    data = small.tflite if half else write_tflite(NETWORK, small.convolutions, half=False)
    found = read_tflite(data, "small")
    assert {name: values.shape for name, values in found.items()} == NETWORK.variables
    for name, values in small.weights.items():
        assert found[name].dtype == np.float32
        assert_array_equal(found[name], values, err_msg=name)


def test_the_23_class_network_is_the_recorded_checkpoint(reference: Path, ssd23_weights: Path) -> None:
    weights = Model.from_bytes(ssd23_weights.read_bytes(), "ssd23").weights
    assert len(weights) == 324
    with tarfile.open(reference / "real23" / "checkpoint_tf1.tar.xz") as archive:
        content = archive.extractfile("checkpoint_tf1/model.ckpt.data-00000-of-00001")
        assert content is not None
        # All variables in bytewise order of their names, then the step as one int64.
        values = np.frombuffer(content.read()[:-8], "<f4")
    start = 0
    for name in sorted(weights):
        own = weights[name]
        assert_array_equal(own.ravel(), values[start : start + own.size], err_msg=name)
        start += own.size
    assert start == len(values)


@pytest.mark.parametrize("size", [0, 1, 4, 7, 8, 100, 10_000, 1_000_000, -100_000, -1000])
def test_a_truncated_file_is_an_error(small: Small, size: int) -> None:
    with pytest.raises(WeightsError, match=r"^cut\.tflite: not a readable TFLite file"):
        read_tflite(small.tflite[:size], "cut.tflite")


@settings(derandomize=True, deadline=None)
@given(st.binary(max_size=300))
def test_garbage_is_an_error(data: bytes) -> None:
    with pytest.raises(WeightsError, match=r"^junk: "):
        read_tflite(data, "junk")


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(8, 20_000), st.integers(0, 255)), min_size=1, max_size=3))
def test_a_garbled_file_is_an_error_or_has_every_variable(small: Small, changes: list[tuple[int, int]]) -> None:
    data = bytearray(small.tflite)  # its tables come first, the numbers behind them
    for place, value in changes:
        data[place] = value
    try:
        found = read_tflite(bytes(data), "garbled")
    except WeightsError as error:
        assert str(error).startswith("garbled: ")  # noqa: PT017
    else:
        assert set(found) == set(NETWORK.variables)


@pytest.mark.parametrize(
    ("missing", "count"),
    [
        ({f"{ROOT}/Conv"}, 71),
        ({"BoxPredictor_5/ClassPredictor"}, 71),
        ({layer.name for layer in NETWORK.layers if layer.name.startswith("Box")}, 60),
        ({layer.name for layer in NETWORK.layers} - {"BoxPredictor_0/ClassPredictor"}, 1),
    ],
)
def test_another_network_is_an_error_that_counts_its_layers(small: Small, missing: set[str], count: int) -> None:
    left = {name: values for name, values in small.convolutions.items() if name not in missing}
    expected = f"^other: expected the convolutions of ssd_mobilenet_v2 or [a-z0-9_]+, got {count} that do not fit"
    with pytest.raises(WeightsError, match=expected):
        read_tflite(write_tflite(NETWORK, left), "other")
