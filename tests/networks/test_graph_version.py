"""What is built changes only with `GRAPH_VERSION`: compiled graphs of the same version are read from the cache."""

import numpy as np
import pytest

from boxable.hashing import sha256_of
from boxable.networks.calibration import Calibration
from boxable.networks.equalize import linear_groups
from boxable.networks.int8_backend import quantized_tensors
from boxable.networks.network import GRAPH_VERSION
from boxable.networks.onnx_graph import build_onnx
from boxable.networks.tflite_graph import build_tflite
from tests.networks.conftest import Built

# A new version gets new hashes: raise GRAPH_VERSION, run the test, and write down what it found.
GOLDEN = {
    "version": 5,
    "fp32": "f049c4f70ccd97c0",
    "int8": "0a0f1ad766193f0b",
    "tflite": "a54570d8b2664eb3",
    "tflite int8": "d6ac3a24a949d551",
}


def calibration(small: Built) -> Calibration:
    channels = {name: shape[-1] or 0 for name, shape in small.graph.shapes.items()}
    return Calibration(
        {
            group.name: np.linspace(0.5, 2, channels[group.name], dtype=np.float32)
            for group in linear_groups(small.graph)
        },
        dict.fromkeys(quantized_tensors(small.graph), (-1.0, 5.0)),
        {name: np.linspace(-1, 1, channels[name], dtype=np.float32) for name in quantized_tensors(small.graph)},
    )


@pytest.mark.parametrize("form", ["fp32", "int8", "tflite", "tflite int8"])
def test_graphs_are_those_of_this_version(small: Built, form: str) -> None:
    built = {
        "fp32": lambda: build_onnx(small.graph, small.weights, {}),
        "int8": lambda: build_onnx(small.graph, small.weights, {}, calibration=calibration(small)),
        "tflite": lambda: build_tflite(small.graph, small.weights),
        "tflite int8": lambda: build_tflite(small.graph, small.weights, calibration=calibration(small)),
    }[form]()
    assert (GRAPH_VERSION, sha256_of(built)[:16]) == (GOLDEN["version"], GOLDEN[form])
