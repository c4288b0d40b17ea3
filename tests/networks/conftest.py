"""Networks with random weights."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from boxable.arrays import Floats
from boxable.networks.architectures.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.networks.network import Graph, Network
from boxable.networks.onnx_graph import build_onnx
from boxable.runtimes.onnx_runtime import open_session

METADATA = {"boxable": "für alle", "other": "ü" * 1000}


@dataclass(frozen=True)
class Built:
    """A network, its weights, and its graph."""

    network: Network
    graph: Graph
    weights: dict[str, NDArray[np.float32]]
    onnx: bytes


def random_weights(network: Network, seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """Weights that neither blow up nor die out on the way through the network; the same for the same seed."""
    rng = np.random.default_rng(seed)
    weights = {}
    for name, shape in network.variables.items():
        if name.endswith(("gamma", "moving_variance")):
            weights[name] = rng.uniform(0.5, 1.5, shape).astype(np.float32)
        elif len(shape) == 1:
            weights[name] = rng.uniform(-0.2, 0.2, shape).astype(np.float32)
        else:
            inputs = math.prod(shape[:2] if "depthwise" in name else shape[:-1])
            weights[name] = rng.standard_normal(shape, np.float32) * np.float32((2 / inputs) ** 0.5)
    return weights


@pytest.fixture(scope="session")
def small() -> Built:
    network = ssd_mobilenet_v2(2)
    weights = random_weights(network)
    (graph,) = network.graphs.values()
    return Built(network, graph, weights, build_onnx(graph, weights, METADATA))


def run_onnx(onnx: bytes, images: Floats) -> tuple[Floats, Floats]:
    """Box codes and class logits of an SSD's graph."""
    codes, logits = open_session(onnx, "test", 1).run(["box_encodings", "class_logits"], {"images": images})
    return codes, logits
