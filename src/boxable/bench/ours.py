"""Boxable itself, once for each runtime and precision that are compared."""

from collections import deque
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, get_args

from boxable.bench.accuracy import of_detector
from boxable.bench.contestant import MIN_SCORE, Contestant, timed
from boxable.detection.detector import Detector
from boxable.detection.load import load
from boxable.errors import ArgumentError, BoxableError
from boxable.runtimes import PrecisionChoice, RuntimeChoice, runtimes_here
from boxable.weights.pull import graph_of


def open_detectors(
    model: str | None, runtimes: Sequence[str] | None, precisions: Sequence[str], threads: int
) -> tuple[dict[str, Detector], dict[str, str]]:
    """A detector for each pair of runtime (None: all that are here) and precision, and of what cannot run the reason.

    By name, which is what runs it where a trial was to choose. Raises ArgumentError for a name that does not exist,
    and the first reason if nothing can run.
    """
    chosen = runtimes_here() if runtimes is None else runtimes
    if not precisions:
        raise ArgumentError("no precision came; expected one or more, as in fp32,int8")
    _check("runtime", chosen, RuntimeChoice)
    _check("precision", precisions, PrecisionChoice)
    graph_of(model)  # whether the model can be had at all
    detectors: dict[str, Detector] = {}
    problems: dict[str, BoxableError] = {}
    for runtime, precision in product(dict.fromkeys(chosen), dict.fromkeys(precisions)):
        options: dict[str, Any] = {"runtime": runtime, "precision": precision}
        try:
            detector = load(model, threads=threads, **options)
            detectors.setdefault(f"{detector.runtime} {detector.precision}", detector)
        except BoxableError as error:
            problems[f"{runtime} {precision}"] = error
    if not detectors:
        raise next(iter(problems.values()))
    return detectors, {name: str(error) for name, error in problems.items()}


def contestants(detectors: Mapping[str, Detector]) -> list[Contestant]:
    """They as what is measured."""
    return [_contestant(name, detector) for name, detector in detectors.items()]


def _contestant(name: str, detector: Detector) -> Contestant:
    steps = detector.steps(MIN_SCORE)
    return Contestant(
        name,
        stages=lambda content: timed(steps, content),
        whole=lambda content: detector(content, min_score=MIN_SCORE),
        folder=lambda files: deque(detector.stream(files, min_score=MIN_SCORE), maxlen=0),
        accuracy=lambda data: of_detector(data, detector),
    )


def _check(what: str, names: Sequence[str], choice: Any) -> None:
    known = [name for part in get_args(choice) for name in get_args(part)]
    for name in names:
        if name not in known:
            raise ArgumentError(f"{what} {name!r} came; expected one or more of {', '.join(known)}")
