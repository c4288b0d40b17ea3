"""A graph in two parts computes what the whole computes, whichever layers are trained."""

from collections.abc import Callable

import numpy as np
import pytest

from boxable.networks.architectures.ssd_mobilenet_v2 import FIRST_MAP, ROOT, ssd_mobilenet_v2
from boxable.networks.network import Graph, Network
from boxable.networks.partition import partition
from boxable.networks.walk import walk
from tests.networks.conftest import random_weights
from tests.networks.made_up import NumpyBackend, branches, two_stages

SSD = ssd_mobilenet_v2(2)
(SSD_GRAPH,) = SSD.graphs.values()


@pytest.mark.parametrize("build", [branches, two_stages])
def test_both_parts_in_turn_compute_what_the_graph_computes(build: Callable[[int], Network]) -> None:
    network = build(3)
    backend = NumpyBackend(random_weights(network))
    for graph in network.graphs.values():
        shapes = {name: [size or 41 for size in shape] for name, shape in graph.inputs.items()}
        inputs = {name: np.random.default_rng(0).uniform(-1, 1, (2, *shape)) for name, shape in shapes.items()}
        expected = walk(graph, backend, inputs)
        for trained in [(), *((layer.name,) for layer in graph.layers), network.scopes["head"], network.scopes["all"]]:
            frozen, changing = partition(graph, trained)
            found = walk(changing, backend, walk(frozen, backend, inputs))
            assert list(found) == list(expected)
            for name, values in expected.items():
                np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize("trained", [(layer.name,) for layer in SSD_GRAPH.layers] + list(SSD.scopes.values()))
def test_the_trained_part_is_what_depends_on_trained_layers_and_no_more(trained: tuple[str, ...]) -> None:
    frozen, changing = partition(SSD_GRAPH, trained)
    assert sorted(op.name for op in (*frozen.ops, *changing.ops)) == sorted(op.name for op in SSD_GRAPH.ops)
    assert not {op.name for op in frozen.ops} & {*trained, *(op.name for op in changing.ops)}
    reached: set[str] = set()
    for op in changing.ops:
        assert op.name in trained or reached.intersection(op.sources)
        reached.add(op.name)
    assert all(not reached.intersection(op.sources) for op in frozen.ops)
    assert set(frozen.outputs) == set(changing.inputs)
    assert changing.outputs == SSD_GRAPH.outputs


def test_the_head_reads_the_six_maps() -> None:
    frozen, head = partition(SSD_GRAPH, SSD.scopes["head"])
    maps = [FIRST_MAP, f"{ROOT}/Conv_1", *(op.name for op in SSD_GRAPH.ops if "_3x3_s2_" in op.name)]
    assert list(head.inputs) == list(frozen.outputs) == maps
    assert [head.inputs[name] for name in maps] == [
        (19, 19, 576), (10, 10, 1280), (5, 5, 512), (3, 3, 256), (2, 2, 256), (1, 1, 128),
    ]  # fmt: skip
    assert len(head.ops) == 14


def test_where_the_first_layer_is_trained_images_pass_to_a_part_that_is_the_graph() -> None:
    frozen, changing = partition(SSD_GRAPH, SSD.scopes["all"])
    assert frozen == Graph((), SSD_GRAPH.inputs, {"images": "images"})
    assert changing == SSD_GRAPH


def test_outputs_that_do_not_change_pass_through_the_trained_part() -> None:
    frozen, changing = partition(SSD_GRAPH, list(SSD.class_layers))
    assert "box_encodings" in frozen.outputs
    assert changing.inputs["box_encodings"] == (1917, 4)
    assert [op.name for op in changing.ops] == [*SSD.class_layers, "class_logits"]


def test_batches_that_are_not_of_images_stay_so() -> None:
    second = two_stages(3).graphs["second"]
    assert [part.rows for part in partition(second, ["Second/boxes"])] == [second.rows] * 2 == [4, 4]
