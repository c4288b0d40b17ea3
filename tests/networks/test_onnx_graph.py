"""The ONNX graph of a network."""

import numpy as np
import onnx
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from boxable.networks.architectures.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.networks.onnx_graph import build_onnx
from boxable.networks.ops import Predict
from boxable.runtimes.onnx_runtime import open_session
from tests.networks.conftest import METADATA, Built, random_weights, run_onnx

ANCHORS_PER_MAP = [(19 * 19, 3), (100, 6), (25, 6), (9, 6), (4, 6), (1, 6)]


def images(count: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (count, 300, 300, 3)).astype(np.float32)


def test_the_graph_is_valid_onnx(small: Built) -> None:
    onnx.checker.check_model(onnx.load_from_string(small.onnx), full_check=True)


def test_inputs_and_outputs_have_these_names_and_shapes(small: Built) -> None:
    graph = onnx.load_from_string(small.onnx).graph
    found = {
        value.name: [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.output)
    }
    assert found == {
        "images": ["batch", 300, 300, 3],
        "box_encodings": ["batch", 1917, 4],
        "class_logits": ["batch", 1917, 3],
    }


def test_batch_norm_is_folded_away(small: Built) -> None:
    kinds = {node.op_type for node in onnx.load_from_string(small.onnx).graph.node}
    assert "Conv" in kinds
    assert "BatchNormalization" not in kinds


def test_metadata_is_kept_as_it_is(small: Built) -> None:
    assert dict(open_session(small.onnx, "small", 1).get_modelmeta().custom_metadata_map) == METADATA


def test_the_same_weights_give_the_same_bytes(small: Built) -> None:
    assert build_onnx(small.graph, small.weights, METADATA) == small.onnx


def test_a_batch_gives_what_its_pictures_give_one_by_one(small: Built) -> None:
    batch = images(3)
    codes, logits = run_onnx(small.onnx, batch)
    for index in range(3):
        single_codes, single_logits = run_onnx(small.onnx, batch[index : index + 1])
        assert_allclose(single_codes[0], codes[index], rtol=0, atol=1e-4)
        assert_allclose(single_logits[0], logits[index], rtol=0, atol=1e-4)
    assert np.abs(codes[0] - codes[1]).max() > 0.01
    assert np.abs(logits[0] - logits[1]).max() > 0.01


@pytest.mark.parametrize("classes", [1, 7])
def test_any_number_of_classes_can_be_built(classes: int) -> None:
    network = ssd_mobilenet_v2(classes)
    (graph,) = network.graphs.values()
    codes, logits = run_onnx(build_onnx(graph, random_weights(network), {}), images(1))
    assert codes.shape == (1, 1917, 4)
    assert logits.shape == (1, 1917, classes + 1)
    assert np.isfinite(logits).all()


def test_head_channels_are_laid_out_anchor_by_anchor(small: Built) -> None:
    """SEMANTICS §5: channel = anchor * columns + column; with zero kernels the biases alone arrive."""
    weights = dict(small.weights)
    expected: dict[str, list[np.ndarray]] = {"box": [], "class": []}
    heads = [layer for layer in small.graph.layers if isinstance(layer, Predict)]
    for number, head in enumerate(heads):
        biases = (1000 * number + np.arange(head.anchors * head.values)).astype(np.float32)
        weights[f"{head.name}/biases"] = biases
        weights[head.kernel_name] = np.zeros(small.network.variables[head.kernel_name], np.float32)
        cells, per_cell = ANCHORS_PER_MAP[number // 2]
        expected["class" if number % 2 else "box"].append(np.tile(biases.reshape(per_cell, -1), (cells, 1)))
    codes, logits = run_onnx(build_onnx(small.graph, weights, {}), images(1))
    assert_array_equal(codes[0], np.concatenate(expected["box"]))
    assert_array_equal(logits[0], np.concatenate(expected["class"]))
