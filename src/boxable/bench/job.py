"""The whole job: open what is compared, measure it in rounds, evaluate it where there are annotations."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from boxable.bench.accuracy import Accuracy
from boxable.bench.contestant import END_TO_END, MIN_SCORE
from boxable.bench.machine import machine, versions
from boxable.bench.ours import contestants, open_detectors
from boxable.bench.peers import Subject, open_peers
from boxable.bench.pictures import drawn, photos
from boxable.bench.results import Bench, Result, result_of
from boxable.bench.rounds import Samples, run_rounds
from boxable.detection.detector import Detector
from boxable.errors import BoxableError
from boxable.formats.reading import read_annotations
from boxable.formats.tables import require_tables
from boxable.progress import progress
from boxable.runtimes.choice import save_choice
from boxable.settings import available_cores

logger = logging.getLogger("boxable")


def bench(
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
) -> Bench:
    """Measure a model with each of `runtimes` and `precisions`, beside `peers`; None: all that are installed.

    On the images of `places`, else of `data`, else on drawn images; with `data`, an annotated folder as `evaluate`
    takes it, also the accuracy. Ctrl-C ends it early: what was measured so far comes back, `stopped`.
    `save` makes later `runtime="auto"` and `precision="fastest"` follow the times, unless it was stopped.

    Raises ArgumentError for what cannot be used, and BoxableError where nothing can be measured.
    """
    if data is not None:  # what is wrong with it is said before the long work, not after it
        require_tables()
        read_annotations(data)
    chosen = places or ([] if data is None else [data])
    threads = threads or available_cores()
    detectors, left_out = open_detectors(model, runtimes, precisions, threads)
    first = next(iter(detectors.values()))
    others, without = open_peers(peers, Subject(model, first, threads, ultralytics))
    compared = {contestant: Samples() for contestant in (*contestants(detectors, model, threads), *others)}
    accuracies: dict[str, Accuracy] = {}
    about = machine()  # how busy it is before the work
    stopped = True
    with TemporaryDirectory() as folder:
        pictures = photos(chosen) if chosen else drawn(Path(folder))
        with suppress(KeyboardInterrupt):
            with progress("measuring", (1 + rounds) * len(compared), live=False) as advance:
                run_rounds(compared, pictures, rounds, advance)
            for contestant in compared:
                if data is not None and contestant.accuracy is not None:
                    try:
                        accuracies[contestant.name] = contestant.accuracy(data)
                    except BoxableError as error:  # which shall not cost the figures that are there
                        left_out[f"accuracy of {contestant.name}"] = str(error)
            stopped = False
    results = [
        result
        for contestant, samples in compared.items()
        if (result := result_of(contestant.name, samples, accuracies.get(contestant.name)))
    ]
    if stopped:
        until = "the figures are of what was measured until then" if results else "nothing was measured yet"
        logger.warning("stopped: %s", until)
    elif save:
        _save(detectors, results, threads)
    return Bench(
        first.handle, about, versions(), threads, MIN_SCORE, pictures.title, results, left_out | without, stopped
    )


def _save(detectors: Mapping[str, Detector], results: Sequence[Result], threads: int) -> None:
    """Save the median end-to-end time of each runtime and precision of the model."""
    times = {
        (detector.runtime, detector.precision): result.latency[END_TO_END].p50 / 1000
        for result in results
        if (detector := detectors.get(result.name)) is not None
    }
    path = save_choice(next(iter(detectors.values())).handle, threads, times)
    logger.info("wrote %s: auto and fastest now follow these times", path)
