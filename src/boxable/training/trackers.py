"""Experiment trackers: MLflow, trackio and Weights & Biases. Nothing is sent, or imported, unless one is asked for."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, ClassVar, Protocol

from boxable.errors import ArgumentError, MissingExtraError
from boxable.runtimes.telemetry import import_mlflow

# Where the user has not chosen one.
_PROJECT = "boxable"


class Tracker(Protocol):
    """A service that shows the figures of runs. `name` is that of its package."""

    name: ClassVar[str]

    def start(self, name: str, config: Mapping[str, Any], run_id: str | None) -> str:
        """Start a run, or continue the one of this id; return its id."""
        ...

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Record finite figures of a step."""
        ...

    def finish(self) -> None:
        """End the run."""
        ...


def tracker_named(name: str) -> Tracker:
    """Import a tracker. Raises ArgumentError for an unknown name, MissingExtraError if its package is not installed."""
    if name not in _TRACKERS:
        raise ArgumentError(f"log: expected mlflow, trackio or wandb, got {name!r}")
    try:
        return _TRACKERS[name]()
    except ImportError as error:
        raise MissingExtraError(f"--log {name}", name) from error


class _MLflow:
    """MLflow; its own environment variables say where it stores runs and in which experiment."""

    name: ClassVar[str] = "mlflow"

    def __init__(self) -> None:
        self._mlflow = import_mlflow()

    def start(self, name: str, config: Mapping[str, Any], run_id: str | None) -> str:
        run = self._mlflow.start_run(run_id=run_id, run_name=name)
        if run_id is None:  # parameters of a run cannot change
            self._mlflow.log_params(dict(config))
        return str(run.info.run_id)

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._mlflow.log_metrics(dict(values), step=step)

    def finish(self) -> None:
        self._mlflow.end_run()


class _Trackio:
    """trackio; runs are found by their names, of equal ones the latest."""

    name: ClassVar[str] = "trackio"

    def __init__(self) -> None:
        self._trackio = import_module("trackio")

    def start(self, name: str, config: Mapping[str, Any], run_id: str | None) -> str:
        self._trackio.init(
            project=_PROJECT,
            name=run_id or name,
            config=dict(config),
            resume="allow" if run_id else "never",
            embed=False,
        )
        return run_id or name

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._trackio.log(dict(values), step=step)

    def finish(self) -> None:
        self._trackio.finish()


class _Wandb:
    """Weights & Biases; steps of a continued run that it has already are ignored by it."""

    name: ClassVar[str] = "wandb"

    def __init__(self) -> None:
        self._wandb = import_module("wandb")

    def start(self, name: str, config: Mapping[str, Any], run_id: str | None) -> str:
        project = self._wandb.setup().settings.project or _PROJECT
        self._run = self._wandb.init(project=project, name=name, config=dict(config), id=run_id, resume="allow")
        return str(self._run.id)

    def log(self, values: Mapping[str, float], step: int) -> None:
        self._run.log(dict(values), step=step)

    def finish(self) -> None:
        self._run.finish()


_TRACKERS: dict[str, Callable[[], Tracker]] = {kind.name: kind for kind in (_MLflow, _Trackio, _Wandb)}
