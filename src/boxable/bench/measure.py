"""Benchmark: open the candidates, measure them in interleaved rounds, evaluate them on annotated images."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from boxable.bench.accuracy import Accuracy
from boxable.bench.candidate import END_TO_END
from boxable.bench.images import collect_images, draw_images
from boxable.bench.machine import machine, versions
from boxable.bench.own_candidates import open_detectors, own_candidates
from boxable.bench.peers import Subject, open_peers
from boxable.bench.results import Benchmark, Result, result_of
from boxable.bench.rounds import Samples, fit_turn, run_rounds
from boxable.datasets.ground_truth import open_ground_truth
from boxable.detection import DEFAULT_MIN_SCORE
from boxable.detection.detector import Detector
from boxable.errors import BoxableError
from boxable.formats.tables import require_tables
from boxable.progress import progress
from boxable.runtimes.choice import save_choice
from boxable.settings import available_cores

logger = logging.getLogger("boxable")


def measure(
    model: str | None = None,
    *,
    places: Sequence[Path] = (),
    runtimes: Sequence[str] | None = None,
    precisions: Sequence[str] = ("fp32",),
    threads: int | None = None,
    peers: Sequence[str] | None = None,
    ultralytics: Path | None = None,
    data: Path | None = None,
    rounds: int = 20,
    save: bool = False,
) -> Benchmark:
    """Measure a model with each of `runtimes` and `precisions`, beside `peers`; None: all that are installed.

    On the images of `places`, else of `data`, else on synthetic images; with `data`, an annotated set as `evaluate`
    takes it, also the accuracy. Ctrl-C ends it early: what was measured so far comes back, `stopped`.

    With `save` the median times of Boxable's own runtimes and precisions are saved for `load(runtime="auto")` and
    `load(precision="fastest")`, unless it was stopped; the log names the file.

    Raises ArgumentError for what cannot be used, and BoxableError where nothing can be measured.
    """
    if data is not None:  # what is wrong with it is said before the long work, not after it
        require_tables()
        with open_ground_truth(data):
            pass
    threads = threads or available_cores()
    detectors, left_out = open_detectors(model, runtimes, precisions, threads)
    first = next(iter(detectors.values()))
    others, without = open_peers(peers, Subject(model, first, threads, ultralytics))
    compared = {candidate: Samples() for candidate in (*own_candidates(detectors, model, threads), *others)}
    accuracies: dict[str, Accuracy] = {}
    about = machine()  # how busy it is before the work
    stopped = True
    annotated = nullcontext() if data is None else open_ground_truth(data)
    with TemporaryDirectory() as folder, annotated as annotations:
        chosen = places or (list(annotations.files.values()) if annotations else [])
        images = collect_images(chosen) if chosen else draw_images(Path(folder))
        with suppress(KeyboardInterrupt):
            images, size = fit_turn(compared, images)
            with progress("measuring", (1 + rounds) * len(compared), live=False) as advance:
                run_rounds(compared, images, size, rounds, advance)
            for candidate in compared:
                if data is not None and candidate.accuracy is not None:
                    try:
                        accuracies[candidate.name] = candidate.accuracy(data)
                    except BoxableError as error:  # which shall not cost the figures that are there
                        left_out[f"accuracy of {candidate.name}"] = str(error)
            stopped = False
    results = [
        result
        for candidate, samples in compared.items()
        if (result := result_of(candidate.name, samples, accuracies.get(candidate.name)))
    ]
    if stopped:
        until = "the figures are of what was measured until then" if results else "nothing was measured yet"
        logger.warning("stopped: %s", until)
    elif save:
        _save(detectors, results, threads)
    return Benchmark(
        first.handle, about, versions(), threads, DEFAULT_MIN_SCORE, images.title, results, left_out | without, stopped
    )


def _save(detectors: Mapping[str, Detector], results: Sequence[Result], threads: int) -> None:
    """Save the median end-to-end time of each runtime and precision of the model."""
    times = {
        (detector.runtime, detector.precision): result.latency[END_TO_END].p50 / 1000
        for result in results
        if (detector := detectors.get(result.name)) is not None
    }
    path = save_choice(next(iter(detectors.values())).handle, threads, times)
    logger.info("saved the speeds in %s; runtime auto and precision fastest follow them", path)
