"""The layer table is the original's."""

from math import prod
from pathlib import Path

import pytest

from boxable.networks.layers import Layer
from boxable.networks.ssd_mobilenet_v2 import ROOT, ssd_mobilenet_v2
from tests.networks.original_layers import ORIGINAL

NETWORK = ssd_mobilenet_v2(601)
BY_NAME = {layer.name: layer for layer in NETWORK.layers}


def as_row(layer: Layer) -> str:
    """A layer in the words of the original's table."""
    name = layer.name.removeprefix(f"{ROOT}/")
    after = "bias" if not layer.batch_norm else "ReLU6" if layer.relu6 else "none"
    before, behind = layer.padding
    return (
        f"{name} {'dw' if layer.depthwise else 'conv'} {layer.kernel} {layer.stride} {before},{behind} "
        f"{layer.size_in}x{layer.inputs} {layer.size_out}x{layer.outputs} {after}"
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
    for layer in NETWORK.layers:
        kinds = {name.removeprefix(f"{layer.name}/") for name in layer.variables} - {"weights", "depthwise_weights"}
        if layer.name.startswith("BoxPredictor"):
            assert kinds == {"biases"}
        else:
            assert kinds == {f"BatchNorm/{vector}" for vector in ("gamma", "beta", "moving_mean", "moving_variance")}


def test_shortcuts_lead_from_block_to_block_in_exactly_ten_of_them() -> None:
    found = {layer.name: layer.shortcut for layer in NETWORK.layers if layer.shortcut}
    blocks = (2, 4, 5, 7, 8, 9, 11, 12, 14, 15)
    assert found == {
        f"{ROOT}/expanded_conv_{block}/project": f"{ROOT}/expanded_conv_{block - 1}/project" for block in blocks
    }


def test_every_layer_reads_a_map_of_the_size_and_depth_that_its_source_gives() -> None:
    for layer in NETWORK.layers:
        size, depth = (300, 3) if layer.source == "image" else _output(layer.source)
        assert (layer.size_in, layer.inputs) == (size, depth), layer.name
        if layer.shortcut:
            assert (layer.size_out, layer.outputs) == _output(layer.shortcut), layer.name
    assert [layer.name for layer in NETWORK.layers if layer.source == "image"] == [f"{ROOT}/Conv"]


def _output(name: str) -> tuple[int, int]:
    return BY_NAME[name].size_out, BY_NAME[name].outputs


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
        (item.layer.name.removeprefix(f"{ROOT}/"), item.layer.size_out, item.layer.outputs, item.anchors_per_cell)
        for item in NETWORK.feature_maps
    ]
    assert found == FEATURE_MAPS


@pytest.mark.parametrize("classes", [1, 2, 23, 90])
def test_another_number_of_classes_changes_the_class_heads_alone(classes: int) -> None:
    network = ssd_mobilenet_v2(classes)
    assert network.num_classes == classes
    assert network.backbone == NETWORK.backbone
    for ours, theirs in zip(network.feature_maps, NETWORK.feature_maps, strict=True):
        assert ours.box_head == theirs.box_head
        assert ours.class_head.outputs == ours.anchors_per_cell * (classes + 1)


def test_the_23_class_network_has_5008348_numbers() -> None:
    assert sum(prod(shape) for shape in ssd_mobilenet_v2(23).variables.values()) == 5_008_348
