"""The layer table is the original's."""

from math import prod
from pathlib import Path

import pytest

from boxable.networks.architectures.ssd_mobilenet_v2 import ROOT, ssd_mobilenet_v2
from boxable.networks.ops import Add, Conv, Layer, Predict
from tests.networks.architectures.original_layers import ORIGINAL

NETWORK = ssd_mobilenet_v2(601)
(GRAPH,) = NETWORK.graphs.values()
PREDICTIONS = [layer for layer in GRAPH.layers if isinstance(layer, Predict)]


def as_row(layer: Layer) -> str:
    """A layer in the words of the original's table."""
    name = layer.name.removeprefix(f"{ROOT}/")
    size, _, inputs = GRAPH.input_shapes(layer)[0]
    if isinstance(layer, Predict):
        return f"{name} conv 1 1 0,0 {size}x{inputs} {size}x{layer.anchors * layer.values} bias"
    assert isinstance(layer, Conv)
    top, left, bottom, right = layer.window.pads(GRAPH.input_shapes(layer)[0]) or ()
    assert (top, bottom) == (left, right)
    size_out, _, outputs = GRAPH.shapes[layer.name]
    after = {"relu6": "ReLU6", None: "none"}[layer.activation]
    return (
        f"{name} {'dw' if layer.depthwise else 'conv'} {layer.window.kernel[0]} {layer.window.stride} {top},{bottom} "
        f"{size}x{inputs} {size_out}x{outputs} {after}"
    )


def test_the_72_layers_are_those_of_the_original_row_by_row() -> None:
    assert [as_row(layer) for layer in NETWORK.layers] == ORIGINAL.split("\n")[1:-1]


def test_there_are_324_variables_and_14460382_numbers() -> None:
    assert len(NETWORK.variables) == 324
    assert sum(prod(shape) for shape in NETWORK.variables.values()) == 14_460_382


def test_a_picture_takes_1533833840_multiply_adds() -> None:
    assert NETWORK.macs == 1_533_833_840


def test_variables_have_the_names_and_shapes_of_the_original(reference: Path) -> None:
    rows = (reference.parent / "facts" / "ssd601_variables.tsv").read_text().splitlines()[1:]
    expected = {name: tuple(map(int, shape.split(","))) for name, shape, _ in (row.split("\t") for row in rows)}
    assert NETWORK.variables == expected


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        (f"{ROOT}/Conv/weights", (3, 3, 3, 32)),
        (f"{ROOT}/expanded_conv/depthwise/depthwise_weights", (3, 3, 32, 1)),
        (f"{ROOT}/expanded_conv_16/project/BatchNorm/moving_variance", (320,)),
        (f"{ROOT}/layer_19_2_Conv2d_2_3x3_s2_512/weights", (3, 3, 256, 512)),
        ("BoxPredictor_0/ClassPredictor/weights", (1, 1, 576, 1806)),
        ("BoxPredictor_5/BoxEncodingPredictor/biases", (24,)),
    ],
)
def test_a_variable_has_this_shape(name: str, shape: tuple[int, ...]) -> None:
    assert NETWORK.variables[name] == shape


def test_layers_with_batch_norm_have_no_bias_and_heads_have_nothing_else() -> None:
    for layer in GRAPH.layers:
        names = layer.variables(GRAPH.input_shapes(layer))
        kinds = {name.removeprefix(f"{layer.name}/") for name in names} - {"weights", "depthwise_weights"}
        if layer.name.startswith("BoxPredictor"):
            assert kinds == {"biases"}
        else:
            assert kinds == {f"BatchNorm/{vector}" for vector in ("gamma", "beta", "moving_mean", "moving_variance")}


def test_shortcuts_lead_from_block_to_block_in_exactly_ten_of_them() -> None:
    found = {op.name: op.sources for op in GRAPH.ops if isinstance(op, Add)}
    blocks = (2, 4, 5, 7, 8, 9, 11, 12, 14, 15)
    before = {block: "add" if block - 1 in blocks else "project" for block in blocks}
    assert found == {
        f"{ROOT}/expanded_conv_{block}/add": (
            f"{ROOT}/expanded_conv_{block}/project", f"{ROOT}/expanded_conv_{block - 1}/{before[block]}",
        )
        for block in blocks
    }  # fmt: skip


# SEMANTICS §3.2.
FEATURE_MAPS = [
    ("expanded_conv_13/expand", 19, 576, 3),
    ("Conv_1", 10, 1280, 6),
    ("layer_19_2_Conv2d_2_3x3_s2_512", 5, 512, 6),
    ("layer_19_2_Conv2d_3_3x3_s2_256", 3, 256, 6),
    ("layer_19_2_Conv2d_4_3x3_s2_256", 2, 256, 6),
    ("layer_19_2_Conv2d_5_3x3_s2_128", 1, 128, 6),
]


def test_objects_are_predicted_on_the_six_maps_of_the_original() -> None:
    found = [
        (layer.source.removeprefix(f"{ROOT}/"), *GRAPH.shapes[layer.source][1:], layer.anchors)
        for layer in PREDICTIONS[::2]
    ]
    assert found == FEATURE_MAPS


@pytest.mark.parametrize("classes", [1, 2, 23, 90])
def test_another_number_of_classes_changes_the_class_layers_alone(classes: int) -> None:
    network = ssd_mobilenet_v2(classes)
    assert network.num_classes == classes
    for ours, theirs in zip(network.layers, NETWORK.layers, strict=True):
        if ours.name in NETWORK.class_layers:
            assert isinstance(ours, Predict)
            assert ours.values == classes + 1
        else:
            assert ours == theirs


def test_the_23_class_network_has_5008348_numbers() -> None:
    assert sum(prod(shape) for shape in ssd_mobilenet_v2(23).variables.values()) == 5_008_348


def test_scopes_are_the_predictions_then_the_eight_extra_layers_too_then_all() -> None:
    names = [layer.name for layer in NETWORK.layers]
    assert NETWORK.scopes["head"] == tuple(name for name in names if name.startswith("BoxPredictor_"))
    assert NETWORK.scopes["neck"] == tuple(name for name in names if "/layer_19_" in name) + NETWORK.scopes["head"]
    assert NETWORK.scopes["all"] == tuple(names)
    assert [len(layers) for layers in NETWORK.scopes.values()] == [12, 20, 72]


def test_kernels_of_the_52_layers_of_the_backbone_start_wider_than_the_others() -> None:
    stddevs = [NETWORK.initial_stddevs[layer.name] for layer in NETWORK.layers]
    assert stddevs == [0.09] * 52 + [0.03] * 20
