"""Importing a file under a name; reading it is tested in test_importing.py, the command in tests/cli."""

import subprocess
import sys
from pathlib import Path

import pytest

from boxable.errors import ArgumentError
from boxable.weights.import_model import import_model
from boxable.weights.store import installed
from tests.weights.conftest import Small
from tests.weights.tensorflow_writer import graph, tarball, zeros


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.txt"
    path.write_text("Cat\nrobot\n")
    return path


@pytest.mark.parametrize(
    ("file", "handle"),
    [("My robots.tflite", "my-robots"), ("model.ckpt.tflite", "model"), ("a.b.tflite", "a-b")],
)
def test_the_handle_is_made_of_the_name_of_the_file(
    empty_home: Path, tmp_path: Path, small: Small, labels: Path, file: str, handle: str
) -> None:
    (tmp_path / file).write_bytes(small.tflite)
    lines = list(import_model(tmp_path / file, None, labels))
    assert lines[0].startswith(f"imported {handle}: 2 classes, ")
    assert lines[1] == f"use it as: boxable detect IMAGE --model {handle}"
    assert installed(handle) is not None


def test_a_second_import_replaces_the_first(empty_home: Path, tmp_path: Path, small: Small, labels: Path) -> None:
    path = tmp_path / "robots.tflite"
    path.write_bytes(small.tflite)
    assert [next(import_model(path, "mine", labels)).split()[0] for _ in range(2)] == ["imported", "replaced"]


def test_a_published_network_keeps_its_name_and_its_classes(
    empty_home: Path, tmp_path: Path, small: Small, labels: Path
) -> None:
    path = tmp_path / "ssd23.tflite"
    path.write_bytes(small.tflite)
    with pytest.raises(ArgumentError, match="ssd23 is the name of a published network; choose another with --name"):
        list(import_model(path, None, labels))
    with pytest.raises(ArgumentError, match="its 2 classes are not the 23 of mediapipe/ssd_mobilenet_v2_oidv4_23"):
        list(import_model(path, "ssd23", labels))
    assert installed("ssd23") is None


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells the peak of a process")
@pytest.mark.parametrize("archive", [False, True])
def test_importing_a_graph_takes_less_than_three_times_its_size(
    empty_home: Path, tmp_path: Path, archive: bool
) -> None:
    path, data = tmp_path / "net.pb", graph(zeros(601))
    path.write_bytes(data)
    if archive:
        path = tarball(tmp_path / "net.tar.gz", {"net.pb": data})
    script = (
        "import re, sys\nfrom pathlib import Path\nimport google.protobuf.message_factory, safetensors.numpy\n"
        "from boxable.weights.import_model import import_model\n"
        "peak = lambda: int(re.search(r'VmHWM:\\s+(\\d+) kB', Path('/proc/self/status').read_text())[1]) * 1024\n"
        "before = peak()\nlist(import_model(Path(sys.argv[1]), 'mine', None))\nprint(peak() - before)"
    )
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 2.5 * len(data)
