"""The two recorded networks, opened as their users would, and the images of the recording."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import boxable
from boxable.detection.detector import Detector
from boxable.networks.architectures.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.vocabulary import open_images
from boxable.weights.compiled import compiled_from
from boxable.weights.model import Model
from boxable.weights.pull import open_model
from tests.conftest import EXAMPLES, REFERENCE
from tests.parity import record
from tests.parity.formula_weights import formula_weights
from tests.parity.same_set import Found

# The first travel with the tests; the others are beside the checkout, or nowhere.
_OTHERS = ("rocket", "camera", "hubble", "retina", "clock", "rocket_640x181", "coffee_300x300")
PHOTOS = (*record.PHOTOS, *(_OTHERS if REFERENCE.is_dir() else ()))


@dataclass(frozen=True, eq=False)
class Recorded:
    """A network, and how far its heads may be from the recorded ones."""

    name: str
    model: Model
    detector: Detector
    onnx: bytes
    codes_tolerance: float
    logits_tolerance: float


@dataclass(frozen=True)
class Photo:
    """An image of the recording: pixels uint8 `[H, W, 3]`, and its recorded arrays by name, of each network."""

    name: str
    pixels: np.ndarray
    recorded: Mapping[str, Mapping[str, np.ndarray]]

    def detections(self, network: str) -> Found:
        names = ("classes", "scores", "boxes", "anchor_indices")
        return Found(*(self.recorded[network][name] for name in names))


@pytest.fixture(scope="session")
def real23(ssd23_weights: Path) -> Recorded:
    compiled = open_model("ssd23")
    onnx = compiled.onnx("detector", "fp32")
    return Recorded("real23", compiled.model(), boxable.load("ssd23"), onnx, 5e-4, 3e-4)


@pytest.fixture(scope="session")
def formula601() -> Recorded:
    network = ssd_mobilenet_v2(601)
    model = Model(network, formula_weights(network.variables), open_images(), "formula601")
    onnx = compiled_from(model).onnx("detector", "fp32")
    return Recorded("formula601", model, boxable.load(model), onnx, 1e-4, 3e-4)


@pytest.fixture(params=record.NETWORKS)
def recorded(request: pytest.FixtureRequest) -> Recorded:
    result: Recorded = request.getfixturevalue(request.param)
    return result


@pytest.fixture(params=PHOTOS)
def photo(request: pytest.FixtureRequest) -> Photo:
    return open_photo(str(request.param))


@cache
def open_photo(name: str) -> Photo:
    if name not in record.PHOTOS:
        return Photo(name, pixels_of(REFERENCE / "photos" / f"{name}.png"), _beside_the_checkout(name))
    source, part = record.PHOTOS[name]
    return Photo(name, pixels_of(EXAMPLES / f"{source}.png")[part], _travelling(name))


def pixels_of(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def _travelling(photo: str) -> dict[str, Any]:
    with np.load(record.RECORDING) as arrays:
        return {
            network: {
                "anchors": arrays[f"{network}/anchors"],
                "input": arrays[f"input/{photo}"],
                **{key.rsplit("/", 1)[1]: arrays[key] for key in arrays if key.startswith(f"{network}/{photo}/")},
            }
            for network in record.NETWORKS
        }


def _beside_the_checkout(photo: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for network in record.NETWORKS:
        found[network] = {"input": np.load(REFERENCE / "preprocessed.npz")[photo][:: record.STEP["input"]]}
        for file in ("heads_sampled", "detections"):
            arrays = np.load(REFERENCE / network / f"{file}.npz")
            found[network] |= {name.removeprefix(f"{photo}/"): arrays[name] for name in arrays}
        found[network]["anchors"] = found[network]["anchor_rows"]
    return found
