"""The GPU's benchmark runs, on a CPU where there is nothing else, and its comparison with the CPU holds."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import boxable
from tests.conftest import ROOT

pytestmark = pytest.mark.optional


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "benchmarks/gpu.py", "--model", "ssd23", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, timeout=300, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
    )  # fmt: skip


def test_on_a_cpu_every_step_runs(detector: boxable.Detector, tmp_path: Path) -> None:
    done = run("--device", "cpu", "--rounds", 1, "--out", tmp_path / "gpu.json")
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "gpu.json").read_text())["figures"]
    assert all(item["holds"] for item in figures.values() if item["target"])
    times = [item["value"] for name, item in figures.items() if name.startswith("fp32, batch of")]
    assert len(times) >= 7
    assert (np.array(times) > 0).all()


def test_without_a_gpu_it_says_so_in_one_line(detector: boxable.Detector) -> None:
    done = run()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == ["torch sees no CUDA GPU: nothing was measured"]
