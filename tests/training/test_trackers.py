"""Trackers, with modules of the test's own in the place of the packages."""

import json
import math
import sys
from contextlib import closing
from pathlib import Path

import pytest

from boxable.errors import ArgumentError, BoxableError, MissingExtraError
from boxable.training.log import RunLog
from boxable.training.trackers import tracker_named

# Each has what Boxable calls of the package, and records it as (function, arguments).
RECORD = """
import json, os
from types import SimpleNamespace

def record(what, *values):
    print("as some packages do")
    with open(os.environ["CALLS"], "a") as file:
        file.write(json.dumps([what, *values]) + chr(10))
"""
PACKAGES = {
    "mlflow": """
silent = os.environ.get("MLFLOW_DISABLE_TELEMETRY")  # the package asks once
def start_run(run_id, run_name):
    record("start", run_id, run_name, silent)
    return SimpleNamespace(info=SimpleNamespace(run_id=run_id or "id-1"))
def log_params(params): record("config", params)
def log_metrics(metrics, step): record("log", metrics, step)
def end_run(): record("finish")
""",
    "trackio": """
def init(project, name, config, resume, embed): record("start", project, name, config, resume, embed)
def log(metrics, step): record("log", metrics, step)
def finish(): record("finish")
""",
    "wandb": """
chosen = os.environ.get("WANDB_PROJECT")
def setup(): return SimpleNamespace(settings=SimpleNamespace(project=chosen))
def init(project, name, config, id, resume):
    record("start", project, name, config, id, resume)
    log = lambda metrics, step: record("log", metrics, step)
    return SimpleNamespace(id=id or "id-1", log=log, finish=lambda: record("finish"))
""",
}
STARTS = {
    "mlflow": (
        [["start", None, "run", "true"], ["config", {"lr": 0.5}]],
        [["start", "id-1", "run", "true"]],
    ),
    "trackio": (
        [["start", "boxable", "run", {"lr": 0.5}, "never", False]],
        [["start", "boxable", "run", {"lr": 0.5}, "allow", False]],
    ),
    "wandb": (
        [["start", "boxable", "run", {"lr": 0.5}, None, "allow"]],
        [["start", "boxable", "run", {"lr": 0.5}, "id-1", "allow"]],
    ),
}


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, source in PACKAGES.items():
        (tmp_path / f"{name}.py").write_text(RECORD + source)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.delenv("WANDB_PROJECT", raising=False)
    yield tmp_path / "calls"
    for name in PACKAGES:
        sys.modules.pop(name, None)


def recorded(calls: Path) -> list[list[object]]:
    found = [json.loads(line) for line in calls.read_text().splitlines()]
    calls.unlink()
    return found


@pytest.mark.parametrize("name", PACKAGES)
def test_a_tracker_gets_the_figures_of_a_run_and_of_its_continuation(
    name: str, calls: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    started, continued = STARTS[name]
    config = {"lr": 0.5}
    with closing(RunLog(tmp_path / "run", 0, tracker_named(name), config)) as log:
        log.train(1, phase="head", loss=1.5, localization=math.nan)
        log.validation(1, map=0.25, per_class={"Cat (animal)": 0.25})
        log.note(1, text="not for trackers")
    figures = {"validation/mAP": 0.25}
    assert recorded(calls) == [*started, ["log", {"train/loss": 1.5}, 1], ["log", figures, 1], ["finish"]]
    with closing(RunLog(tmp_path / "run", 1, tracker_named(name), config)) as log:
        log.validation(2, map=math.nan, per_class={})
    assert recorded(calls) == [*continued, ["log", {}, 2], ["finish"]]
    assert capsys.readouterr().out == "", "stdout is for results"


def test_a_new_run_of_the_same_folder_is_a_new_run_of_the_tracker(calls: Path, tmp_path: Path) -> None:
    for _ in range(2):
        RunLog(tmp_path / "run", 0, tracker_named("wandb")).close()
    assert [call[4] for call in recorded(calls) if call[0] == "start"] == [None, None]


def test_a_tracker_that_is_first_asked_for_on_resuming_starts_a_run(calls: Path, tmp_path: Path) -> None:
    RunLog(tmp_path / "run", 0, tracker_named("mlflow")).close()
    calls.unlink()
    RunLog(tmp_path / "run", 1, tracker_named("wandb")).close()
    RunLog(tmp_path / "run", 2, tracker_named("wandb")).close()
    assert [call[4] for call in recorded(calls) if call[0] == "start"] == [None, "id-1"]


def test_the_project_of_the_user_is_used(calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_PROJECT", "mine")
    RunLog(tmp_path / "run", 0, tracker_named("wandb")).close()
    assert recorded(calls)[0][1] == "mine"


def test_nothing_is_imported_unless_asked_for(calls: Path, tmp_path: Path) -> None:
    RunLog(tmp_path / "run", 0).close()
    assert not {"mlflow", "trackio", "wandb"} & sys.modules.keys()
    assert not calls.exists()


@pytest.mark.parametrize("name", PACKAGES)
def test_a_missing_package_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=f"--log {name} needs .*pip install '{name}'"):
        tracker_named(name)


def test_an_unknown_tracker_is_an_error() -> None:
    with pytest.raises(ArgumentError, match="expected mlflow, trackio or wandb, got 'comet'"):
        tracker_named("comet")


def test_a_tracker_that_cannot_start_is_an_error(calls: Path, tmp_path: Path) -> None:
    (tmp_path / "wandb.py").write_text("def setup(): raise RuntimeError('no API key')")
    with pytest.raises(BoxableError, match="wandb cannot start a run: no API key"):
        RunLog(tmp_path / "run", 0, tracker_named("wandb"))


def test_a_tracker_that_fails_later_does_not_stop_the_run(
    calls: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (tmp_path / "trackio.py").open("a") as file:
        file.write("def log(metrics, step): record('log'); raise RuntimeError('server is down')\n")
    with closing(RunLog(tmp_path / "run", 0, tracker_named("trackio"))) as log:
        log.train(1, phase="head", loss=1)
        log.train(2, phase="head", loss=1)
    assert [call[0] for call in recorded(calls)] == ["start", "log"]
    assert caplog.messages == ["trackio failed, and the run continues without it: server is down"]
