"""The log of a run: RUN/log.jsonl, TensorBoard events, and a tracker if one is asked for."""

import json
import logging
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, redirect_stdout
from pathlib import Path
from typing import Any

from boxable.errors import BoxableError
from boxable.files import reading, write_atomically, writing
from boxable.training.events import EventFile
from boxable.training.trackers import Tracker

logger = logging.getLogger("boxable")

LOG = "log.jsonl"

Line = dict[str, Any]


class RunLog:
    """Append to the log of a run: one JSON object a line, in the order of steps.

    Every line has a `step` and a `kind`: "train", "validation", or "note" for anything else. A number that is not
    finite is null. A line is handed to the system as soon as it is written, so a killed process loses none. TensorBoard
    shows the figures of training and validation, a tracker the same without the APs of single classes.
    """

    def __init__(
        self,
        folder: Path,
        first_step: int,
        tracker: Tracker | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        """Open the log of a new run (`first_step` 0), or of a run that is resumed from the checkpoint of this step.

        A new run replaces the log. Of a resumed run the lines after `first_step` are removed, as those steps are
        repeated. The tracker starts a run with the name of the folder and this `config`, or continues the run that it
        started before. Raises BoxableError where a file cannot be written, or the tracker cannot start.
        """
        self._folder, self._tracker = folder, tracker
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        lines = _remove_after(folder / LOG, first_step)
        with writing(folder):
            self._file = (folder / LOG).open("ab")
            self._events = EventFile(folder, purge_step=first_step + 1 if first_step else 0)
        if tracker is not None:
            self._start(tracker, config or {}, first_step, lines)

    def train(self, step: int, *, phase: str, **figures: float) -> None:
        """Log the losses, learning rate and speed of a step; `phase` is the scope that is trained."""
        self._write(step, "train", {"phase": phase, **figures})
        self._publish(step, {f"train/{name}": float(figure) for name, figure in figures.items()})

    def validation(self, step: int, *, map: float, per_class: Mapping[str, float]) -> None:
        """Log the mean AP of a step, and the AP of each class by its name."""
        self._write(step, "validation", {"map": map, "per_class": per_class})
        names = {name: name.encode("utf-8", "replace").decode() for name in per_class}
        self._publish(
            step, {"validation/mAP": float(map)}, {f"AP/{names[name]}": float(ap) for name, ap in per_class.items()}
        )

    def note(self, step: int, **values: Any) -> None:
        """Log what is neither training nor validation."""
        self._write(step, "note", values)

    def close(self) -> None:
        """Complete the files, and end the run of the tracker."""
        with writing(self._folder), ExitStack() as closing:
            closing.callback(self._track, lambda tracker: tracker.finish())
            closing.callback(self._events.close)
            closing.callback(self._file.close)

    def _write(self, step: int, kind: str, values: Mapping[str, Any]) -> None:
        line = json.dumps({"step": step, "kind": kind, **_plain(values)}, allow_nan=False)
        with writing(self._folder / LOG):
            self._file.write(line.encode() + b"\n")
            self._file.flush()

    def _publish(self, step: int, figures: Mapping[str, float], details: Mapping[str, float] | None = None) -> None:
        """Hand figures to TensorBoard and the tracker, and `details` to TensorBoard only."""
        with writing(self._folder):
            for name, figure in {**figures, **(details or {})}.items():
                self._events.add(name, figure, step)
            self._events.flush()
        finite = {name: figure for name, figure in figures.items() if math.isfinite(figure)}
        self._track(lambda tracker: tracker.log(finite, step))

    def _start(self, tracker: Tracker, config: Mapping[str, Any], first_step: int, lines: list[Line]) -> None:
        """Start the run of a tracker, or continue the one whose id is in the log."""
        ids = [line["run_id"] for line in lines if line.get("tracker") == tracker.name]
        try:
            with redirect_stdout(sys.stderr):
                run_id = tracker.start(self._folder.resolve().name, config, ids[-1] if ids else None)
        except Exception as error:
            self._tracker = None
            self.close()
            raise BoxableError(f"{tracker.name} cannot start a run: {error}") from error
        if run_id not in ids:
            self.note(first_step, tracker=tracker.name, run_id=run_id)

    def _track(self, call: Callable[[Tracker], object]) -> None:
        """Call the tracker; one that fails is dropped, for a long run is worth more."""
        if self._tracker is None:
            return
        try:
            with redirect_stdout(sys.stderr):
                call(self._tracker)
        except Exception as error:
            logger.warning("%s failed, and the run continues without it: %s", self._tracker.name, error)
            self._tracker = None


def read_log(path: Path) -> list[Line]:
    """Read the lines of a log. Lines from an invalid or unfinished one on are dropped.

    Raises ArgumentError if there is no such file, BoxableError if it cannot be read.
    """
    return [line for _, line in _lines(path)]


def _remove_after(path: Path, step: int) -> list[Line]:
    """Remove the lines after this step, for step 0 all; return those that stay."""
    if not path.exists():
        return []
    kept = [(raw, line) for raw, line in _lines(path) if step > 0 and line["step"] <= step]
    write_atomically(path, b"".join(raw for raw, _ in kept))
    return [line for _, line in kept]


def _lines(path: Path) -> Iterator[tuple[bytes, Line]]:
    """Read the valid lines: bytes and content."""
    with reading(path), path.open("rb") as file:
        for raw in file:
            try:
                line = json.loads(raw if raw.endswith(b"\n") else b"")
            except ValueError:
                return
            if not (isinstance(line, dict) and isinstance(line.get("step"), int) and isinstance(line.get("kind"), str)):
                return
            yield raw, line


def _plain(value: Any) -> Any:
    """Convert to what JSON can hold: also numbers of NumPy and torch; None for one that is not finite."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    number = float(value)
    return number if math.isfinite(number) else None
