"""The ONNX graph of a network."""

import numpy as np
import onnx
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from boxable.networks.layers import BATCH_NORM_EPSILON, Layer
from boxable.networks.onnx_graph import build_onnx, fold
from boxable.networks.ssd_mobilenet_v2 import ROOT, ssd_mobilenet_v2
from boxable.runtimes.onnx_runtime import OnnxRuntime
from tests.networks.conftest import METADATA, Built, random_weights

ANCHORS_PER_MAP = [(19 * 19, 3), (100, 6), (25, 6), (9, 6), (4, 6), (1, 6)]


def images(count: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (count, 300, 300, 3)).astype(np.float32)


def test_the_graph_is_valid_onnx(small: Built) -> None:
    onnx.checker.check_model(onnx.load_from_string(small.graph), full_check=True)


def test_inputs_and_outputs_have_these_names_and_shapes(small: Built) -> None:
    graph = onnx.load_from_string(small.graph).graph
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
    kinds = {node.op_type for node in onnx.load_from_string(small.graph).graph.node}
    assert "Conv" in kinds
    assert "BatchNormalization" not in kinds


def test_metadata_is_kept_as_it_is(small: Built) -> None:
    assert OnnxRuntime(small.graph, "small", 1).metadata == METADATA


def test_the_same_weights_give_the_same_bytes(small: Built) -> None:
    assert build_onnx(small.network, small.weights, METADATA) == small.graph


def test_a_batch_gives_what_its_pictures_give_one_by_one(small: Built) -> None:
    runtime = OnnxRuntime(small.graph, "small", 1)
    batch = images(3)
    codes, logits = runtime.run(batch)
    for index in range(3):
        single_codes, single_logits = runtime.run(batch[index : index + 1])
        assert_allclose(single_codes[0], codes[index], rtol=0, atol=1e-4)
        assert_allclose(single_logits[0], logits[index], rtol=0, atol=1e-4)
    assert np.abs(codes[0] - codes[1]).max() > 0.01
    assert np.abs(logits[0] - logits[1]).max() > 0.01


@pytest.mark.parametrize("classes", [1, 7])
def test_any_number_of_classes_can_be_built(classes: int) -> None:
    network = ssd_mobilenet_v2(classes)
    runtime = OnnxRuntime(build_onnx(network, random_weights(network), {}), "built", 1)
    codes, logits = runtime.run(images(1))
    assert codes.shape == (1, 1917, 4)
    assert logits.shape == (1, 1917, classes + 1)
    assert np.isfinite(logits).all()


def test_head_channels_are_laid_out_anchor_by_anchor(small: Built) -> None:
    """SEMANTICS §5: channel = anchor * columns + column; with zero kernels the biases alone arrive."""
    weights = dict(small.weights)
    expected: dict[str, list[np.ndarray]] = {"box_head": [], "class_head": []}
    for number, item in enumerate(small.network.feature_maps):
        for kind, parts in expected.items():
            head: Layer = getattr(item, kind)
            biases = (1000 * number + np.arange(head.outputs)).astype(np.float32)
            weights[f"{head.name}/biases"] = biases
            weights[head.kernel_name] = np.zeros(head.kernel_shape, np.float32)
            cells, per_cell = ANCHORS_PER_MAP[number]
            parts.append(np.tile(biases.reshape(per_cell, -1), (cells, 1)))
    codes, logits = OnnxRuntime(build_onnx(small.network, weights, {}), "biases", 1).run(images(1))
    assert_array_equal(codes[0], np.concatenate(expected["box_head"]))
    assert_array_equal(logits[0], np.concatenate(expected["class_head"]))


@pytest.mark.parametrize(
    "name",
    ["Conv", "expanded_conv/depthwise", "expanded_conv_3/project", "Conv_1", "layer_19_2_Conv2d_3_3x3_s2_256"],
)
def test_folding_multiplies_batch_norm_into_kernel_and_bias(small: Built, name: str) -> None:
    layer = next(layer for layer in small.network.layers if layer.name == f"{ROOT}/{name}")
    kernel, bias = fold(layer, small.weights)
    patch = np.random.default_rng(2).uniform(-1, 1, (layer.kernel, layer.kernel, layer.inputs))
    gamma, beta, mean, variance = (
        small.weights[f"{layer.name}/BatchNorm/{vector}"].astype(np.float64)
        for vector in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    plain = _convolve(layer, patch, small.weights[layer.kernel_name])
    expected = gamma * (plain - mean) / np.sqrt(variance + 0.001) + beta
    assert kernel.dtype == bias.dtype == np.float32
    assert_allclose(_convolve(layer, patch, kernel) + bias, expected, rtol=0, atol=1e-5)


def _convolve(layer: Layer, patch: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """One output pixel `[outputs]` in float64."""
    if layer.depthwise:
        return np.einsum("hwc,hwc->c", patch, kernel[..., 0].astype(np.float64))
    return np.einsum("hwi,hwio->o", patch, kernel.astype(np.float64))


def test_a_batch_norm_that_changes_nothing_leaves_the_kernel_bit_for_bit(small: Built) -> None:
    """As weights come from a file in which it is folded already: gamma 1, mean 0, variance 1 - epsilon."""
    for layer in small.network.backbone:
        beta = small.weights[f"{layer.name}/BatchNorm/beta"]
        kernel = small.weights[layer.kernel_name]
        weights = {
            layer.kernel_name: kernel,
            f"{layer.name}/BatchNorm/gamma": np.ones_like(beta),
            f"{layer.name}/BatchNorm/beta": beta,
            f"{layer.name}/BatchNorm/moving_mean": np.zeros_like(beta),
            f"{layer.name}/BatchNorm/moving_variance": np.full_like(
                beta, np.float32(1) - np.float32(BATCH_NORM_EPSILON)
            ),
        }
        folded, bias = fold(layer, weights)
        assert_array_equal(folded, kernel)
        assert_array_equal(bias, beta)


def test_a_head_has_nothing_to_fold(small: Built) -> None:
    head = small.network.feature_maps[0].class_head
    kernel, bias = fold(head, small.weights)
    assert_array_equal(kernel, small.weights[head.kernel_name])
    assert_array_equal(bias, small.weights[f"{head.name}/biases"])
