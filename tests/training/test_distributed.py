"""Runs in two processes: the first one prints and writes; what happens to one of them is told, and nothing hangs."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from boxable.weights.pull import open_model
from tests.training.runs import Run, hashes, in_processes, shapes_set


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shapes_set(tmp_path_factory.mktemp("shapes") / "set")


def command(shapes: Path, folder: Path, *more: object) -> list[object]:
    """The arguments of a run in folder/run: its name is part of the model."""
    folder.mkdir(exist_ok=True)
    return ["train", shapes, "--from", "ssd23", "--out", folder / "run", "--resume", "--batch-size", "4", "--workers",
            "1", "--steps", "8", *more]  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(shapes: Path, tmp_path_factory: pytest.TempPathFactory, ssd23_weights: Path) -> Path:
    """The folder of a run in two processes, and in files beside it what they print."""
    folder = tmp_path_factory.mktemp("undisturbed")
    for run in in_processes(2, *command(shapes, folder), folder=folder):
        assert run.end() == 0, run.output
    return folder / "run"


def losses(run: Path) -> list[float]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if line["kind"] == "train"]


def test_the_first_process_prints_and_writes(undisturbed: Path) -> None:
    first, second = (undisturbed.parent / f"printed-{rank}.txt" for rank in range(2))
    assert second.read_text() == ""
    assert first.read_text().count("boxable: 6 images to train on") == 1
    assert "caching" not in first.read_text()
    names = {path.name for path in undisturbed.iterdir() if "tfevents" not in path.name}
    assert names == {"run.json", "log.jsonl", "report.html", "curves.png", "best", "last"}
    assert len([*undisturbed.glob("*tfevents*")]) == 1


def test_one_process_with_the_whole_batch_takes_the_same_steps(shapes: Path, tmp_path: Path, undisturbed: Path) -> None:
    """The rounding of the first step is amplified by those that follow."""
    (tmp_path / "two").mkdir()
    arguments = command(shapes, tmp_path / "one", "--train", "all")
    assert Run(*arguments, printed=tmp_path / "printed.txt").end() == 0
    for run in in_processes(2, *command(shapes, tmp_path / "two", "--train", "all"), folder=tmp_path):
        assert run.end() == 0, run.output
    one, two = losses(tmp_path / "one" / "run"), losses(tmp_path / "two" / "run")
    assert two[0] == pytest.approx(one[0], rel=1e-5)
    assert two == pytest.approx(one, rel=0.05)
    assert two[0] != pytest.approx(two[1], rel=0.05)


def test_stopped_by_a_signal_to_one_process_all_stop_after_the_same_step(
    shapes: Path, tmp_path: Path, undisturbed: Path
) -> None:
    arguments = command(shapes, tmp_path / "stopped")
    stops = {1: ("boxable.training.learner:Learner.step", 3, signal.SIGTERM)}
    processes = in_processes(2, *arguments, folder=tmp_path, save_s=1000, stop_at=stops)
    assert [process.end() for process in processes] == [130, 130]
    first, second = (process.output for process in processes)
    assert second == ""
    assert first.splitlines()[-1] == "boxable: stopped after step 3 of 8; go on with --resume"
    for run in in_processes(2, *arguments, folder=tmp_path):
        assert run.end() == 0, run.output
    assert hashes(tmp_path / "stopped" / "run") == hashes(undisturbed)


def test_a_run_goes_on_in_another_number_of_processes(shapes: Path, tmp_path: Path, undisturbed: Path) -> None:
    arguments = command(shapes, tmp_path / "other")
    kill = ("boxable.training.learner:Learner.step", 4, signal.SIGKILL)
    processes = in_processes(2, *arguments, folder=tmp_path, stop_at={0: kill, 1: kill})
    assert [process.end() for process in processes] == [-9, -9]
    alone = Run(*arguments, printed=tmp_path / "printed.txt")
    assert alone.end() == 0, alone.output
    assert losses(tmp_path / "other" / "run") == pytest.approx(losses(undisturbed), rel=0.05)


def test_an_error_of_the_first_process_ends_the_others(shapes: Path, tmp_path: Path, ssd23_weights: Path) -> None:
    arguments = command(shapes, tmp_path / "damaged")
    (tmp_path / "damaged" / "run" / "last").mkdir(parents=True)
    processes = in_processes(2, *arguments, folder=tmp_path)
    assert [process.end() for process in processes] == [1, 1]
    first, second = (process.output for process in processes)
    assert first.splitlines()[-1].startswith(f"boxable: {tmp_path / 'damaged' / 'run' / 'last'}: damaged (")
    assert second == ""


def test_a_process_that_is_killed_ends_the_others_with_one_line(
    shapes: Path, tmp_path: Path, ssd23_weights: Path
) -> None:
    kills = {1: ("boxable.training.learner:Learner.step", 2, signal.SIGKILL)}
    processes = in_processes(2, *command(shapes, tmp_path / "lost"), folder=tmp_path, stop_at=kills)
    assert [process.end() for process in processes] == [1, -9]
    last = processes[0].output.splitlines()[-1]
    assert last == "boxable: another process of this run has ended; see its message or that of torchrun"
    assert "Traceback" not in processes[0].output


def test_losses_that_are_not_finite_stop_all(shapes: Path, tmp_path: Path, ssd23_weights: Path) -> None:
    model = open_model("ssd23").model()
    biases = {name: values * np.float32(np.nan) for name, values in model.weights.items() if name.endswith("biases")}
    replace(model, weights=model.weights | biases).save(tmp_path / "nan.safetensors")
    arguments = command(shapes, tmp_path / "nan", "--from", tmp_path / "nan.safetensors")
    processes = in_processes(2, *arguments, folder=tmp_path)
    assert [process.end() for process in processes] == [1, 1]
    for rank, process in enumerate(processes):
        batch = tmp_path / "nan" / "run" / f"not-finite-{rank}.safetensors"
        assert batch.exists()
        last = process.output.splitlines()[-1]
        assert last.startswith("boxable: step 1: expected finite losses")
        assert str(batch) in last
    assert len(processes[1].output.splitlines()) == 1


def child(parent: int, rank: int) -> int:
    """The process of a rank of torchrun."""
    for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        if f"RANK={rank}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            return int(pid)
    raise AssertionError(f"no rank {rank}")


def test_torchrun_restarts_a_run_of_which_a_process_is_killed(shapes: Path, tmp_path: Path, undisturbed: Path) -> None:
    run, printed = tmp_path / "restarted" / "run", tmp_path / "printed.txt"
    with printed.open("w") as output:
        running = subprocess.Popen(
            [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
             "--max-restarts", "1", "-m", "tests.training.saving",
             *map(str, command(shapes, tmp_path / "restarted"))],
            stdout=output, stderr=output, env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
    while not (run / "log.jsonl").exists() or len(losses(run)) < 3:
        assert running.poll() is None, printed.read_text()
        time.sleep(0.02)
    os.kill(child(running.pid, 1), signal.SIGKILL)
    assert running.wait(120) == 0, printed.read_text()
    assert printed.read_text().count("boxable: 6 images to train on") == 2
    assert "Traceback" not in printed.read_text()
    assert len(losses(run)) == 8
    assert hashes(run) == hashes(undisturbed)
