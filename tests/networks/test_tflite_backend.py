"""The TFLite file of a network."""

import numpy as np
import pytest
import tflite
from numpy.testing import assert_array_equal

from boxable.networks.tflite_graph import build_tflite
from boxable.networks.walk import fold
from boxable.weights.tflite_file import read_tflite
from tests.networks.conftest import Built


@pytest.fixture(scope="module")
def file(small: Built) -> bytes:
    return build_tflite(small.graph, small.weights, batch=3)


def test_inputs_and_outputs_have_these_names_and_shapes(file: bytes) -> None:
    graph = tflite.Model.GetRootAsModel(file, 0).Subgraphs(0)
    indices = [graph.Inputs(0), *(graph.Outputs(number) for number in range(graph.OutputsLength()))]
    tensors = [graph.Tensors(index) for index in indices]
    assert {tensor.Name().decode(): tensor.ShapeAsNumpy().tolist() for tensor in tensors} == {
        "images": [3, 300, 300, 3],
        "box_encodings": [3, 1917, 4],
        "class_logits": [3, 1917, 3],
    }


def test_every_layer_is_found_again_with_its_folded_weights(small: Built, file: bytes) -> None:
    found = read_tflite(file, "built")
    assert found.keys() == small.weights.keys()
    for layer in small.network.layers:
        for values, expected in zip(fold(layer, found), fold(layer, small.weights), strict=True):
            assert_array_equal(values, expected, err_msg=layer.name)


def test_constants_lie_where_kernels_read_them_quickly(file: bytes) -> None:
    model = tflite.Model.GetRootAsModel(file, 0)
    whole = np.frombuffer(file, np.uint8)
    constants = [model.Buffers(number).DataAsNumpy() for number in range(1, model.BuffersLength())]
    assert {(values.ctypes.data - whole.ctypes.data) % 16 for values in constants} == {0}


def test_the_same_weights_give_the_same_bytes(small: Built, file: bytes) -> None:
    assert build_tflite(small.graph, small.weights, batch=3) == file
