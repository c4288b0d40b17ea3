"""Interleaved rounds (A B A B), so that a slow period of the machine affects all candidates alike."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

from boxable.bench.candidate import END_TO_END, STAGES, Candidate
from boxable.bench.images import BenchImages
from boxable.findings import counted

logger = logging.getLogger("boxable")

# Threads of some runtimes spin for a while after a call (ONNX Runtime's for 60 ms); the next one under test must not be
# timed against them.
SETTLE_S = 0.1

# Images of the folder; where there are fewer, they come again. A pass over few would measure its beginning and end.
FOLDER = 32

# Seconds that a turn of the slowest candidate may take, one image and a folder of two at least.
TURN_S = 20.0


@dataclass
class Samples:
    """Milliseconds of each call, by stage and end to end, and images a second of each pass over the folder."""

    times: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in (*STAGES, END_TO_END)})
    rates: list[float] = field(default_factory=list)


def fit_turn(candidates: Iterable[Candidate], images: BenchImages) -> tuple[BenchImages, int]:
    """Return the images of a turn and the size of its folder: fewer of both where a candidate is slow."""
    seconds = max(_seconds(candidate, images.contents[0]) for candidate in candidates)
    every, whole = len(images.contents), max(FOLDER, len(images.files))
    count = min(every, max(1, int(TURN_S / 4 / seconds)))
    folder = min(whole, max(2, int(TURN_S / 2 / seconds)))
    if (count, folder) != (every, whole):
        text = "%.1f seconds an image: each round is %s and a folder of %d, to end in time"
        logger.info(text, seconds, counted(count, "image|s"), folder)
    return images.first(count) if count < every else images, folder


def run_rounds(
    candidates: Mapping[Candidate, Samples],
    images: BenchImages,
    folder: int,
    rounds: int,
    advance: Callable[[], None],
) -> None:
    """Fill the samples of each candidate, after a round that does not count; `advance` is called after each turn.

    `folder`: how many images a pass over the folder has.
    """
    files = list(islice(cycle(images.files), folder))
    for number in range(1 + rounds):
        if number == 1:
            names = ", ".join(candidate.name for candidate in candidates)
            logger.info("warmed up; measuring %s in turns; Ctrl-C ends it early", names)
        for candidate, samples in candidates.items():
            _take_turn(candidate, samples if number else Samples(), images.contents, files)
            advance()


def _seconds(candidate: Candidate, content: bytes) -> float:
    """Time the second call, which allocates nothing more."""
    candidate.whole(content)
    start = time.perf_counter()
    candidate.whole(content)
    return time.perf_counter() - start


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
