"""A small published network, and the real one in TensorFlow's formats."""

import dataclasses
import hashlib
import lzma
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from boxable.networks.architectures.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.networks.ops import Conv
from boxable.vocabulary import ClassList
from boxable.weights.cards import Card, Published, find_card
from boxable.weights.model import Model
from tests.weights.tensorflow_writer import Arrays
from tests.weights.tflite_writer import Convolution, write_tflite

NETWORK = ssd_mobilenet_v2(2)
CLASSES = ClassList.from_names(["Cat", "robot"])
HEAD, TAIL = b"labels\x00" * 3, b"the end"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def card_for(network_file: bytes, *addresses: str, npm: str = "") -> Card:
    """A card of a two-class network whose published file holds this between some other bytes."""
    data = HEAD + network_file + TAIL
    source = Published(
        format="tflite", addresses=addresses or ("http://127.0.0.1:9/nowhere",), file="packed.data", size=len(data),
        sha256=sha256(data), npm=npm, begin=len(HEAD), end=len(HEAD) + len(network_file),
        part_sha256=sha256(network_file),
    )  # fmt: skip
    return dataclasses.replace(
        find_card("ssd23"), handle="tests/two/1", aliases=("two",), classes=CLASSES, source=source, metrics=()
    )


def pretend_installed(home: Path, card: Card, content: bytes) -> Path:
    """Put this content where the weights of a card are; nobody looks into it yet."""
    path = home / "models" / card.handle.replace("/", "--") / f"{sha256(content)}.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


@dataclass(frozen=True)
class Small:
    """A two-class network as TFLite file, and what a reader must find in it."""

    convolutions: dict[str, Convolution]
    tflite: bytes
    weights: dict[str, NDArray[np.float32]]

    @property
    def model(self) -> Model:
        return Model(NETWORK, self.weights, CLASSES, "tests/two/1")


@pytest.fixture(scope="session")
def small() -> Small:
    rng = np.random.default_rng(0)
    convolutions: dict[str, Convolution] = {}
    weights: dict[str, NDArray[np.float32]] = {}
    for layer in NETWORK.layers:
        beta = f"{layer.name}/BatchNorm/beta" if isinstance(layer, Conv) else f"{layer.name}/biases"
        kernel, bias = (
            (rng.integers(-128, 128, NETWORK.variables[name]) / 256).astype(np.float32)  # exact in half precision
            for name in (layer.kernel_name, beta)
        )
        convolutions[layer.name] = kernel, bias
        weights[layer.kernel_name] = kernel
        weights[beta] = bias
        if not isinstance(layer, Conv):
            continue
        unchanged = {"gamma": 1.0, "moving_mean": 0.0, "moving_variance": np.float32(1) - np.float32(0.001)}
        for name, value in unchanged.items():
            weights[f"{layer.name}/BatchNorm/{name}"] = np.full(len(bias), value, np.float32)
    return Small(convolutions, write_tflite(NETWORK, convolutions), weights)


@dataclass(frozen=True)
class Real:
    """The real 23-class network in the forms in which such networks were published, and what is in them."""

    folder: Path
    weights: Arrays

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint_tf1" / "model.ckpt"

    @property
    def frozen(self) -> Path:
        return self.folder / "frozen_inference_graph.pb"

    @property
    def hub_variables(self) -> Path:
        return self.folder / "hub_variables"

    @property
    def hub_constants(self) -> Path:
        return self.folder / "hub_constants"


@pytest.fixture(scope="session")
def real(reference: Path, ssd23_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Real:
    """Unpacked; the weights are those that Boxable read out of the published TFLite file."""
    folder, source = tmp_path_factory.mktemp("real23"), reference / "real23"
    with tarfile.open(source / "checkpoint_tf1.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    with lzma.open(source / "frozen_inference_graph.pb.xz") as file:
        (folder / "frozen_inference_graph.pb").write_bytes(file.read())
    for name in ("hub_variables", "hub_constants"):
        with tarfile.open(source / f"{name}.tar.gz") as archive:
            archive.extractall(folder / name, filter="data")
    return Real(folder, Model.from_bytes(ssd23_weights.read_bytes(), "ssd23").weights)
