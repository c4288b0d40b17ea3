"""A run that was killed with SIGKILL, at any time, ends with the bytes of an undisturbed one."""

import random
import time
from pathlib import Path

import pytest

from tests.training.runs import Run, hashes, shapes_set

# A kill before each of these calls, in this order, in the run that the former ones have left.
CHECKPOINT, LOOP = "boxable.training.checkpoints", "boxable.training.loop"
POINTS = [
    ("boxable.training.record:RunRecord.write", 1),  # nothing is written
    ("boxable.training.features:FeatureCache.append", 1),  # features are cached
    (f"{CHECKPOINT}:_replace", 1),  # the first checkpoint has another name
    (f"{LOOP}:Learner.step", 3),  # steps are taken
    ("boxable.training.state:State.to_dict", 2),  # half of a checkpoint is written
    ("pathlib:Path.rename", 4),  # the former checkpoint is away, the new one not there
    ("boxable.training.state:State.next_phase", 1),  # the steps of a phase are taken
    ("boxable.training.state:State.next_phase", 1),  # all steps are taken
    ("boxable.training.execute:write_report", 1),  # the result is evaluated
    ("boxable.weights.store:hash_of_file", 1),  # the model is installed
]


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shapes_set(tmp_path_factory.mktemp("shapes") / "set")


def command(shapes: Path, folder: Path, *more: object) -> list[object]:
    """The arguments of a run in folder/run: its name is part of the model."""
    folder.mkdir(exist_ok=True)
    return ["train", shapes, "--from", "ssd23", "--out", folder / "run", "--resume", "--batch-size", "4", *more]


def test_killed_at_each_stage(shapes: Path, tmp_path: Path, ssd23_weights: Path, empty_home: Path) -> None:
    more = ("--from", ssd23_weights, "--steps", "8", "--workers", "0", "--name", "killed")
    printed = tmp_path / "printed.txt"
    undisturbed = Run(*command(shapes, tmp_path / "whole", *more), printed=printed)
    assert undisturbed.end() == 0, undisturbed.output
    arguments = command(shapes, tmp_path / "killed", *more)
    for point in POINTS:
        assert Run(*arguments, printed=printed, kill_at=point).end() == -9, point
    last = Run(*arguments, printed=printed)
    assert last.end() == 0, last.output
    assert "all steps are taken" in last.output
    assert hashes(tmp_path / "killed" / "run") == hashes(tmp_path / "whole" / "run")
    left = {path.name for path in (tmp_path / "killed" / "run").iterdir() if "tfevents" not in path.name}
    assert left == {"run.json", "log.jsonl", "report.html", "curves.png", "best", "last"}
    assert len([*(empty_home / "models" / "killed").iterdir()]) == 1


def test_killed_at_random_times(shapes: Path, tmp_path: Path) -> None:
    rng, kills, runs = random.Random(0), 0, 0
    more = ("--steps", "24", "--train", "head")
    printed = tmp_path / "printed.txt"
    started = time.monotonic()
    assert Run(*command(shapes, tmp_path / "whole", *more), printed=printed).end() == 0
    seconds = time.monotonic() - started
    expected = hashes(tmp_path / "whole" / "run")
    while kills < 10:
        run = Run(*command(shapes, tmp_path / f"killed-{runs}", *more), printed=printed)
        run.process.join(rng.uniform(0, seconds))
        run.process.kill()
        if run.end() == -9:
            kills += 1
        else:
            assert hashes(tmp_path / f"killed-{runs}" / "run") == expected
            runs += 1
    assert Run(*command(shapes, tmp_path / f"killed-{runs}", *more), printed=printed).end() == 0
    assert hashes(tmp_path / f"killed-{runs}" / "run") == expected
