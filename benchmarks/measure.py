"""How every benchmark measures and reports: interleaved rounds, medians, ratios; a table and a JSON file."""

import argparse
import json
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from boxable.bench import machine as this_machine
from boxable.bench.rounds import SETTLE_S


@dataclass(frozen=True)
class Figure:
    """A measured value; `target` is a bound such as "<= 2" or "" where there is none, `holds` whether it is met."""

    value: float
    unit: str
    target: str = ""
    holds: bool | None = None


def figure(value: float, unit: str, target: str = "") -> Figure:
    """Make a figure, judged by its target (`<= number` or `>= number`)."""
    holds = None
    if target:
        sign, bound = target.split()
        holds = value <= float(bound) if sign == "<=" else value >= float(bound)
    return Figure(round(value, 4), unit, target, holds)


def interleaved_ms(
    functions: dict[str, Callable[[], object]],
    rounds: int,
    warm_up: int = 3,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Median milliseconds of each function, called in turn (A B A B ...), so that drift hits all alike.

    What runs on one thread may be timed by `time.process_time`, which does not count what others take of the core.
    """
    times: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(warm_up + rounds):
        for name, function in functions.items():
            if len(functions) > 1:
                time.sleep(SETTLE_S)
            start = clock()
            function()
            if number >= warm_up:
                times[name].append((clock() - start) * 1000)
    return {name: statistics.median(values) for name, values in times.items()}


def peak_mb() -> float:
    """Return the peak memory of this process in megabytes.

    On Linux not what getrusage says, which begins with the peak of the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def machine(packages: tuple[str, ...]) -> dict[str, object]:
    """Describe the processor, its cores, their load, and the versions of packages; with the date."""
    return {**this_machine.machine(), "date": date.today().isoformat(), **this_machine.versions(packages)}


def arguments(description: str) -> argparse.ArgumentParser:
    """Make a parser with the options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the figures to this file")
    parser.add_argument("--rounds", type=int, default=60, help="interleaved rounds (default: 60)")
    return parser


def report(figures: dict[str, Figure], about: dict[str, object], file: Path | None) -> None:
    """Print the figures and write them."""
    print("  ".join(f"{name} {value}" for name, value in about.items()))
    for name, item in figures.items():
        verdict = "" if item.holds is None else f"   target {item.target}: {'holds' if item.holds else 'MISSED'}"
        print(f"{name:<66} {item.value:>9.3f} {item.unit:<4}{verdict}")
    if file is not None:
        content = {"machine": about, "figures": {name: asdict(item) for name, item in figures.items()}}
        file.write_text(json.dumps(content, indent=1) + "\n")
