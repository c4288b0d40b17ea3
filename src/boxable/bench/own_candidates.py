"""Candidates of Boxable itself, one per runtime and precision."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, get_args

from boxable.bench.accuracy import of_detector
from boxable.bench.candidate import DECODE, NETWORK, POSTPROCESS, RESIZE, Candidate
from boxable.detection import DEFAULT_MIN_SCORE
from boxable.detection.detector import Detector
from boxable.detection.load import load
from boxable.detection.options import rules_for
from boxable.errors import ArgumentError, BoxableError
from boxable.images.sources import source_of
from boxable.runtimes import Concurrency, PrecisionChoice, RuntimeChoice, available_runtimes, open_runtime
from boxable.weights.compiled import Compiled
from boxable.weights.pull import open_model


def open_detectors(
    model: str | None, runtimes: Sequence[str] | None, precisions: Sequence[str], threads: int
) -> tuple[dict[str, Detector], dict[str, str]]:
    """Open a detector for each pair of runtime (None: all available ones) and precision, by the names of the two.

    Returns also the reason for each pair that cannot run. Raises ArgumentError for a name that does not exist, and the
    first reason if none can run.
    """
    chosen = available_runtimes() if runtimes is None else runtimes
    if not precisions:
        raise ArgumentError("precision: expected one or more, as in fp32,int8, got none")
    _check("runtime", chosen, RuntimeChoice)
    _check("precision", precisions, PrecisionChoice)
    open_model(model)  # whether the model is available at all
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


def own_candidates(detectors: Mapping[str, Detector], model: str | None, threads: int) -> list[Candidate]:
    """Make a candidate of each detector of a model."""
    compiled = open_model(model)
    return [_candidate(name, detector, Stages(detector, compiled, threads)) for name, detector in detectors.items()]


class Stages:
    """Times the stages of a single call, on a runtime opened as the detector's."""

    def __init__(self, detector: Detector, compiled: Compiled, threads: int) -> None:
        self._network = detector.network
        self._runtime = open_runtime(detector.runtime, compiled, detector.precision, Concurrency(threads))
        self._rules = rules_for(compiled, None, DEFAULT_MIN_SCORE, 100, "per-class")
        self._in_network = 0.0

    def __call__(self, content: bytes) -> dict[str, float]:
        """Return the seconds of each stage for the content of an image file."""
        started = time.perf_counter()
        pixels = source_of(content).pixels()
        decoded = time.perf_counter()
        images = self._network.preprocess(pixels)[None]
        resized, self._in_network = time.perf_counter(), 0.0
        self._network.head.detect(self._run, images, self._rules)
        after = time.perf_counter() - resized - self._in_network
        return {
            DECODE: decoded - started, RESIZE: resized - decoded, NETWORK: self._in_network, POSTPROCESS: after,
        }  # fmt: skip

    def _run(self, graph: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        started = time.perf_counter()
        outputs = self._runtime.run(graph, inputs)
        self._in_network += time.perf_counter() - started
        return outputs


def _candidate(name: str, detector: Detector, stages: Stages) -> Candidate:
    return Candidate(
        name,
        stages=stages,
        whole=lambda content: detector(content, min_score=DEFAULT_MIN_SCORE),
        folder=lambda files: deque(detector.stream(files, min_score=DEFAULT_MIN_SCORE), maxlen=0),
        accuracy=lambda data: of_detector(data, detector),
    )


def _check(what: str, names: Sequence[str], choice: Any) -> None:
    known = [name for part in get_args(choice) for name in get_args(part)]
    for name in names:
        if name not in known:
            raise ArgumentError(f"{what}: expected one or more of {', '.join(known)}, got {name!r}")
