"""The whole 601-class network learns from genuine rows of Open Images, by both recipes."""

import json
import math
import subprocess
import sys
from pathlib import Path
from statistics import mean

import pytest

from tests.conftest import ROOT
from tests.training.fifty_steps import STEPS

# The original's 24 images take six times as long.
BATCH_SIZE = 4


@pytest.mark.parametrize("recipe", ["default", "original"])
def test_fifty_steps_lower_the_loss(
    data: Path, tmp_path: Path, recipe: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # In a process of its own, for its peak of memory.
    arguments = (data / "eval-oi", tmp_path / "run", recipe, BATCH_SIZE)
    run = subprocess.run(
        [sys.executable, "-m", "tests.training.fifty_steps", *map(str, arguments)], capture_output=True, cwd=ROOT
    )
    assert run.returncode == 0, run.stderr.decode()
    found = json.loads(run.stdout)
    losses = found["losses"]
    assert len(losses) == STEPS
    assert all(map(math.isfinite, losses))
    first, last = mean(losses[:10]), mean(losses[-10:])
    with capsys.disabled():
        print(
            f"\n601 classes, {recipe} recipe, batches of {BATCH_SIZE}: loss {first:.2f} to {last:.2f}, "
            f"{found['s_per_step']:.2f} s/step, {found['peak_mb']:,.0f} MB"
        )
    assert last < first
