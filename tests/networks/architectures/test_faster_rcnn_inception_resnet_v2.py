"""The layer tables are the original's."""

import json
from dataclasses import replace
from pathlib import Path

from boxable.networks.architectures import recognize
from boxable.networks.architectures.faster_rcnn_inception_resnet_v2 import (
    FIRST,
    SECOND,
    faster_rcnn_inception_resnet_v2,
)

NETWORK = faster_rcnn_inception_resnet_v2(601)


def test_variables_are_those_of_the_original(reference: Path) -> None:
    rows = json.loads((reference / "formula_frcnn" / "variables.json").read_text())["rows"]
    assert dict(NETWORK.variables) == {name: tuple(shape) for name, shape, _ in rows}


def test_it_is_recognized_by_its_variables() -> None:
    assert recognize(faster_rcnn_inception_resnet_v2(3).variables) == faster_rcnn_inception_resnet_v2(3)


def test_the_work_is_that_of_the_original_less_what_is_moved_before_the_crops() -> None:
    """FACTS of the recordings: 277 G multiply-adds of the first stage and 2.1 G for each proposal, at 600 x 902."""
    first = replace(NETWORK.graphs[FIRST], inputs={"images": (600, 902, 3)})
    second = NETWORK.graphs[SECOND]
    work = [sum(layer.macs(graph.input_shapes(layer)) for layer in graph.layers) for graph in (first, second)]
    moved = 1088 * 3 * 256
    assert work[0] - 75 * 113 * moved == 277_296_700_800
    assert work[1] + 17 * 17 * moved == 2_094_748_672


def test_the_output_stride_is_eight_and_every_window_covers_the_edge() -> None:
    graph = replace(NETWORK.graphs[FIRST], inputs={"images": (600, 901, 3)})
    assert graph.shapes[graph.outputs["features"]] == (75, 113, 1088)
    assert graph.shapes[graph.outputs["box_encodings"]] == (75 * 113 * 12, 4)
    second = NETWORK.graphs[SECOND]
    assert second.shapes["SecondStageFeatureExtractor/InceptionResnetV2/Conv2d_7b_1x1"] == (8, 8, 1536)
