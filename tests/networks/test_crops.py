"""Convolutions that are moved before crop-and-resize compute what they did after it."""

import numpy as np

from boxable.networks.crops import convolve_before_crops
from boxable.networks.heads.crop_and_resize import crop_and_resize
from boxable.networks.network import Graph, Network
from boxable.networks.ops import Concat, Conv, Pool, Window
from boxable.networks.preprocess import Preprocess
from boxable.networks.walk import walk
from tests.networks.conftest import random_weights
from tests.networks.made_up import NumpyBackend, TwoStageHead

FIRST = Graph(
    (Conv("stem", "images", 6, Window((3, 3), 2), activation="relu"),), {"images": (None, None, 3)}, {"maps": "stem"}
)
SECOND = Graph(
    (
        Conv("left", "maps", 4, norm="batch_without_gamma", activation="relu"),
        Conv("right", "maps", 5, norm=None),
        Conv("wide", "maps", 2, Window((3, 3))),
        Pool("small", "maps", "max", Window((3, 3), padding="SAME")),
        Conv("after", "left", 3, activation="relu6"),
        Concat("joined", ("left", "right", "wide", "small", "after")),
    ),
    {"maps": (5, 5, 6)},
    {"joined": "joined"},
    rows=4,
)


def test_the_result_is_the_same_also_for_crops_that_reach_outside() -> None:
    network = Network("made", 1, {"first": FIRST, "second": SECOND}, Preprocess((31, 23)), TwoStageHead())
    backend = NumpyBackend(random_weights(network))
    images = np.random.default_rng(1).uniform(-1, 1, (1, 31, 23, 3)).astype(np.float32)
    boxes = np.array([[0.1, 0.2, 0.9, 0.7], [-0.5, 0.3, 0.5, 1.4]], np.float32)

    def run(first: Graph, second: Graph) -> np.ndarray:
        maps = walk(first, backend, {"images": images})
        crops = {}
        for name, (height, width, channels) in second.inputs.items():
            out = np.empty((len(boxes), height, width, channels), np.float32)
            crops[name] = crop_and_resize(maps[name][0].astype(np.float32), boxes, out)
        return walk(second, backend, crops)["joined"]

    before, after = convolve_before_crops(FIRST, SECOND)
    np.testing.assert_allclose(run(before, after), run(FIRST, SECOND), rtol=0, atol=1e-5)
    assert list(after.inputs) == ["maps", "left/linear", "right/linear"]
    assert {layer.name for layer in after.layers} == {"wide", "after"}
    assert after.rows == SECOND.rows
