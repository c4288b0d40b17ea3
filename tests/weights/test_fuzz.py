"""Damage at random: whatever the bytes are, only our own errors come out."""

import contextlib
import functools
import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boxable.errors import BoxableError
from boxable.weights.archive import unpacked
from boxable.weights.foreign import read_foreign
from boxable.weights.graph_file import read_frozen_graph, read_saved_model
from boxable.weights.labels import parse_labels
from boxable.weights.tensor_bundle import read_bundle
from boxable.weights.tflite_file import read_tflite
from boxable.weights.variables import detector_weights
from tests.weights.conftest import Small
from tests.weights.tensorflow_writer import (
    HALF,
    STRING,
    Bundle,
    constant,
    graph,
    message,
    of_strings,
    saved_model,
    tensor,
)

Read = Callable[[bytes], object]
KERNEL, BIASES = "FeatureExtractor/MobilenetV2/Conv/weights", "BoxPredictor_0/ClassPredictor/biases"
ARRAYS = {
    KERNEL: np.arange(12, dtype=np.float32).reshape(3, 4),
    BIASES: np.zeros(9, np.float32),
    "half": np.ones(3, np.float16),
    "global_step": np.array(3, np.int64),
}
NODES = [
    constant(BIASES[:-6] + "weights", tensor([2, 3], floats=np.float32([1, 2]).tobytes())),
    constant(KERNEL[:-7] + "BatchNorm/gamma", tensor([2], HALF, halves=b"\x80\x78\x01")),
    constant("x/score_threshold", tensor([], floats=np.float32(0.1).tobytes())),
    constant("labels", of_strings("Cat", "robot")),
    constant("odd", message((1, STRING), (8, b"\xff"), (8, b"\xfe"))),
]
GRAPH = graph(ARRAYS, *NODES, prefix="hub_input/")
LABELS = (
    'item {\n  name: "/m/01yrx"\n  id: 1\n  display_name: \'Cat\'\n}\nitem { id: 2 name: "a \\"b\\"" }\n'
    "label_id\tmid\tname\n1\t/m/01yrx\tCat\n2\t\trobot\n???\n/m/01g317\n"
)
BUNDLE = Bundle(ARRAYS)


def tar() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in ("a.pb", "folder/saved_model.pb", "b" * 120, "k\u00e4fer"):
            member = tarfile.TarInfo(name)
            member.size = 20
            archive.addfile(member, io.BytesIO(GRAPH[:20]))
    return content.getvalue()[:6144]


def read_index(folder: Path, data: bytes) -> None:
    BUNDLE.write(folder / "model.ckpt")
    (folder / "model.ckpt.index").write_bytes(data)
    read_bundle(folder / "model.ckpt")


def read_entries(folder: Path, data: bytes) -> None:
    """Damage behind right checksums: the bytes stand for the entry of one tensor."""
    bundle = Bundle(ARRAYS)
    entry = bundle.entries["half"]
    bundle.entries["half"] = type("Damaged", (), {"encoded": lambda self: data})()
    read_bundle(bundle.write(folder / "model.ckpt"))
    bundle.entries["half"] = entry


def read_header(folder: Path, data: bytes) -> None:
    read_bundle(Bundle(ARRAYS, header=data).write(folder / "model.ckpt"))


def read_tar(folder: Path, data: bytes, name: str = "a.tar") -> None:
    (folder / name).write_bytes(data)
    with unpacked(folder / name):
        pass


def read_packed(folder: Path, data: bytes) -> None:
    read_tar(folder, gzip.compress(data, 1), "a.tar.gz")


def read_module(folder: Path, data: bytes) -> None:
    (folder / "saved_model.pb").write_bytes(data)
    detector_weights(read_foreign(folder).variables, "module")


def read_config(folder: Path, data: bytes) -> None:
    (folder / "pipeline.config").write_bytes(data)
    (folder / "labels.txt").write_bytes(data)
    BUNDLE.write(folder / "model.ckpt")
    read_foreign(folder)


CONFIG = b"post_processing { batch_non_max_suppression { score_threshold: 1e-08 iou_threshold: 0.6 } }"
SUBJECTS: dict[str, tuple[bytes, Callable[[Path, bytes], object]]] = {
    "index": (BUNDLE.index(), read_index),
    "index by Snappy": (BUNDLE.index(compression=1), read_index),
    "entry": (BUNDLE.entries["half"].encoded(), read_entries),
    "header": (message((1, 1), (3, message((1, 1)))), read_header),
    "graph": (GRAPH, lambda _, data: read_frozen_graph(data, "g.pb")),
    "saved model": (saved_model(GRAPH), lambda _, data: read_saved_model(data, "s.pb")),
    "module": (saved_model(GRAPH), read_module),
    "labels": (LABELS.encode(), lambda _, data: parse_labels(data.decode("utf-8", "replace"), "labels")),
    "config": (CONFIG, read_config),
    "tar": (tar(), read_tar),
    "tar in gzip": (tar(), read_packed),
    "gzip": (gzip.compress(tar(), 1, mtime=0), read_tar),
}


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """The bytes with some flipped, cut, doubled, taken out or put in."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["set", "set", "set", "cut", "remove", "insert", "double"]))
        start = draw(st.integers(0, max(len(data) - 1, 0)))
        end = start + draw(st.integers(1, 40))
        if kind == "set" and data:
            data[start] = draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]) | st.integers(0, 255))
        elif kind == "cut":
            del data[start:]
        elif kind == "remove":
            del data[start:end]
        elif kind == "insert":
            data[start:start] = draw(st.binary(min_size=1, max_size=12) | st.just(b"\xff" * 9 + b"\x01"))
        else:
            data[start:start] = data[start:end]
    return bytes(data)


fuzzing = functools.partial(
    settings, derandomize=True, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


def only_our_errors(read: Callable[[], object]) -> None:
    with contextlib.suppress(BoxableError):
        read()


@pytest.mark.parametrize("subject", SUBJECTS)
def test_damage_raises_only_our_errors(subject: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    whole, read = SUBJECTS[subject]
    folder = tmp_path_factory.mktemp("fuzz")

    @fuzzing(max_examples=100)
    @given(damaged(whole))
    def check(data: bytes) -> None:
        only_our_errors(lambda: read(folder, data))

    check()


@pytest.mark.parametrize("subject", SUBJECTS)
def test_bytes_of_any_kind_raise_only_our_errors(subject: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    _, read = SUBJECTS[subject]
    folder = tmp_path_factory.mktemp("fuzz")

    @fuzzing(max_examples=40)
    @given(st.binary(max_size=200))
    def check(data: bytes) -> None:
        only_our_errors(lambda: read(folder, data))

    check()


def test_a_damaged_tflite_file_raises_only_our_errors(small: Small) -> None:
    """Its structure is at the end; the rest is weights."""
    size = len(small.tflite)
    rng = np.random.default_rng(3)
    for _ in range(80):
        data = bytearray(small.tflite[: size - 1] if rng.random() < 0.1 else small.tflite)
        for position in rng.integers(0, 2000, rng.integers(1, 6)):
            data[position] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, int(rng.integers(0, 256))])
        only_our_errors(lambda data=data: read_tflite(bytes(data), "x.tflite"))
