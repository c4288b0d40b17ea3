"""Which runtime and precision are the fastest for a network on this machine: tried once, then remembered."""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from boxable.errors import BoxableError
from boxable.files import write_atomically
from boxable.hashing import sha256_of
from boxable.networks.layers import GRAPH_VERSION
from boxable.runtimes import Precision, Runtime, RuntimeName, Use, open_runtime
from boxable.settings import home, processor

logger = logging.getLogger("boxable")

Choice = tuple[RuntimeName, Precision]

WARM_UP, ROUNDS = 3, 20
# Threads of some runtimes spin on for a while after a call; nobody shall be timed against those of another.
SETTLE_S = 0.02
# How much quicker another must be than the first choice, so that chance does not decide.
MARGIN = 0.95
# The choices are remembered for as long as these stay the same.
_PACKAGES = ("boxable", "onnxruntime", "openvino", "ai-edge-litert", "torch")


def fastest(choices: Sequence[Choice], graph_for: Callable[[Precision], bytes], name: str, threads: int) -> Choice:
    """The choice with the least time for one image; the first, unless another is clearly quicker.

    The trial takes some seconds, and its result is kept in BOXABLE_HOME for this machine, these versions and this
    network.
    """
    if len(choices) == 1:
        return choices[0]
    asked = json.dumps([_surroundings(threads), choices, sha256_of(graph_for(choices[0][1]))])
    file = home() / "trials" / f"{sha256_of(asked.encode())[:20]}.json"
    remembered = _remembered(file, choices)
    if remembered is not None:
        return remembered
    logger.info("trying %d ways to run %s; the fastest is remembered", len(choices), name)
    times = _times(_opened(choices, graph_for, name, threads))
    best = min(times, key=lambda choice: times[choice] / (1 if choice == choices[0] else MARGIN))
    shown = ", ".join(f"{'/'.join(choice)} {1000 * seconds:.1f} ms" for choice, seconds in times.items())
    logger.info("using %s (%s); without %s it is tried again", "/".join(best), shown, file)
    with suppress(BoxableError):  # a cache that cannot be written costs a trial each time
        write_atomically(file, json.dumps(best).encode())
    return best


def _remembered(file: Path, choices: Sequence[Choice]) -> Choice | None:
    with suppress(OSError, ValueError):
        kept = tuple(json.loads(file.read_text("utf-8")))
        return next((choice for choice in choices if choice == kept), None)
    return None


def _opened(
    choices: Sequence[Choice], graph_for: Callable[[Precision], bytes], name: str, threads: int
) -> dict[Choice, Runtime]:
    """Those that can be opened; the log tells about the others. Raises the reason of the first if none can."""
    opened: dict[Choice, Runtime] = {}
    problems: list[BoxableError] = []
    for kind, precision in choices:
        try:
            opened[kind, precision] = open_runtime(kind, graph_for(precision), name, precision, Use(threads))
        except BoxableError as error:
            logger.warning("%s/%s is left out: %s", kind, precision, error)
            problems.append(error)
    if not opened:
        raise problems[0]
    return opened


def _times(opened: Mapping[Choice, Runtime]) -> dict[Choice, float]:
    """Least seconds for one image, in turn: what else the machine does only ever takes time away."""
    seconds: dict[Choice, list[float]] = {choice: [] for choice in opened}
    random = np.random.default_rng(0)
    for number in range(WARM_UP + ROUNDS):
        for choice, runtime in opened.items():
            image = random.uniform(-1, 1, (1, *map(int, runtime.shapes["images"][1:]))).astype(np.float32)
            time.sleep(SETTLE_S)
            start = time.perf_counter()
            runtime.run(image)
            if number >= WARM_UP:
                seconds[choice].append(time.perf_counter() - start)
    return {choice: min(values) for choice, values in seconds.items()}


def _surroundings(threads: int) -> list[Any]:
    versions: list[str] = []
    for package in _PACKAGES:
        with suppress(ModuleNotFoundError):
            versions.append(version(package))
    return [processor(), threads, GRAPH_VERSION, versions]
