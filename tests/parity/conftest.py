"""The two networks of the reference, opened as their users would."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

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

PHOTOS = (
    "astronaut", "chelsea", "coffee", "rocket", "camera", "hubble", "retina", "clock", "rocket_640x181",
    "astronaut_97x512", "coffee_300x300", "chelsea_31x17",
)  # fmt: skip


@dataclass(frozen=True)
class Recorded:
    """A network beside the folder with its recorded numbers and their tolerances."""

    detector: Detector
    onnx: bytes
    folder: Path
    codes_tolerance: float
    logits_tolerance: float


@pytest.fixture(scope="session")
def real23(reference: Path, ssd23_weights: Path) -> Recorded:
    onnx = open_model("ssd23").onnx("detector", "fp32")
    return Recorded(boxable.load("ssd23"), onnx, reference / "real23", 5e-4, 3e-4)


def load_formula(reference: Path) -> ModuleType:
    """The module that makes the weights of the 601-class network."""
    spec = importlib.util.spec_from_file_location("formula", reference / "formula.py")
    assert spec is not None
    assert spec.loader is not None
    formula = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(formula)
    return formula


@pytest.fixture(scope="session")
def formula601(reference: Path) -> Recorded:
    weights = load_formula(reference).all_variables(601)
    model = Model(ssd_mobilenet_v2(601), weights, open_images(), "formula601")
    onnx = compiled_from(model).onnx("detector", "fp32")
    return Recorded(boxable.load(model), onnx, reference / "formula601", 1e-4, 3e-4)


@pytest.fixture(params=["real23", "formula601"])
def recorded(request: pytest.FixtureRequest) -> Recorded:
    result: Recorded = request.getfixturevalue(request.param)
    return result


@pytest.fixture(params=PHOTOS)
def photo(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def pixels_of(reference: Path, photo: str) -> np.ndarray:
    with Image.open(reference / "photos" / f"{photo}.png") as image:
        return np.asarray(image.convert("RGB"))
