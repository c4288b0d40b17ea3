"""Interleaved rounds (A B A B), so that a slow period of the machine affects all candidates alike."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

from boxable.bench.candidate import END_TO_END, STAGES, Candidate
from boxable.bench.images import BenchImages

logger = logging.getLogger("boxable")

# Threads of some runtimes spin for a while after a call (ONNX Runtime's for 60 ms); the next one under test must not be
# timed against them.
SETTLE_S = 0.1

# Images of the folder; where there are fewer, they come again. A pass over few would measure its beginning and end.
FOLDER = 32


@dataclass
class Samples:
    """Milliseconds of each call, by stage and end to end, and images a second of each pass over the folder."""

    times: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in (*STAGES, END_TO_END)})
    rates: list[float] = field(default_factory=list)


def run_rounds(
    candidates: Mapping[Candidate, Samples], images: BenchImages, rounds: int, advance: Callable[[], None]
) -> None:
    """Fill the samples of each candidate, after a round that does not count; `advance` is called after each turn."""
    files = list(islice(cycle(images.files), max(FOLDER, len(images.files))))
    for number in range(1 + rounds):
        if number == 1:
            names = ", ".join(candidate.name for candidate in candidates)
            logger.info("warmed up; measuring %s in turns; Ctrl-C ends it early", names)
        for candidate, samples in candidates.items():
            _take_turn(candidate, samples if number else Samples(), images.contents, files)
            advance()


def _take_turn(candidate: Candidate, samples: Samples, contents: Sequence[bytes], files: Sequence[Path]) -> None:
    time.sleep(SETTLE_S)
    for content in contents:
        for stage, seconds in candidate.stages(content).items():
            samples.times[stage].append(seconds * 1000)
        start = time.perf_counter()
        candidate.whole(content)
        samples.times[END_TO_END].append((time.perf_counter() - start) * 1000)
    start = time.perf_counter()
    candidate.folder(files)
    samples.rates.append(len(files) / (time.perf_counter() - start))
