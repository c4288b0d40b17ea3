"""Candidate of a benchmark: one way to detect, by stage, in one call, and in a folder."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boxable.bench.accuracy import Accuracy

DECODE, RESIZE, NETWORK, POSTPROCESS = STAGES = ("decode", "resize", "network", "postprocess")
END_TO_END = "end to end"


@dataclass(frozen=True)
class Candidate:
    """Detections from the content of a file, and from a folder.

    `stages` gives the seconds of each stage, `whole` does the same in one call, `folder` detects in all the files, and
    `accuracy` evaluates it on annotated images, where it names the classes of those.
    """

    name: str
    stages: Callable[[bytes], Mapping[str, float]]
    whole: Callable[[bytes], object]
    folder: Callable[[Sequence[Path]], object]
    accuracy: Callable[[Path], Accuracy] | None = None


def timed(steps: Mapping[str, Callable[[Any], Any]], item: Any) -> dict[str, float]:
    """Return the seconds of each step; the output of a step is the input of the next, `item` that of the first."""
    seconds = {}
    for name, step in steps.items():
        start = time.perf_counter()
        item = step(item)
        seconds[name] = time.perf_counter() - start
    return seconds
