"""The trainable torch module, batch norm unfolded, has the heads that the original recorded."""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.networks.conftest import run_onnx
from tests.parity.conftest import Photo, Recorded

if TYPE_CHECKING:
    from boxable.networks.torch_backend import TorchGraph

pytestmark = pytest.mark.optional


@cache
def module_of(recorded: Recorded) -> "TorchGraph":
    from boxable.networks.torch_backend import TorchGraph

    (graph,) = recorded.model.network.graphs.values()
    return TorchGraph(graph, recorded.model.weights).eval().requires_grad_(False)


def test_raw_heads_equal_the_recorded_ones_and_those_of_onnx(recorded: Recorded, photo: Photo) -> None:
    import torch

    images = recorded.model.network.preprocess(photo.pixels)[None]
    outputs = module_of(recorded)({"images": torch.from_numpy(images)})
    codes, logits = (outputs[name].numpy() for name in ("box_encodings", "class_logits"))
    theirs = photo.recorded[recorded.name]
    step = -(-logits.shape[2] // theirs["class_logits"].shape[1])  # of the classes that were recorded
    recorded_codes, recorded_logits = theirs["box_encodings"], theirs["class_logits"]
    assert np.abs(codes[0, theirs["anchors"]] - recorded_codes).max() <= recorded.codes_tolerance
    assert np.abs(logits[0, theirs["anchors"], ::step] - recorded_logits).max() <= recorded.logits_tolerance
    onnx_codes, onnx_logits = run_onnx(recorded.onnx, images)
    assert np.abs(codes - onnx_codes).max() <= recorded.codes_tolerance
    assert np.abs(logits - onnx_logits).max() <= recorded.logits_tolerance
