"""Evaluating detections: time, memory and growth, against the original and hotcoco.

    make bench        or: python benchmarks/evaluation.py --out evaluation.json

Unless said otherwise Boxable is timed from columns in memory (Annotations and Predictions, strings already
numbered by table) to the AP of every class by the Challenge's metric, without intervals: checks and notes, hierarchy
expansion, matching, AP. Sets (see evaluation_data.py):
- recorded: 2,000 images, 601 classes, 199,000 detections, in ../shared; where that is not, a synthetic one of its size.
- validation: synthetic, as large as the V4 validation set, 41,620 images with 100 detections each.
- others of 5,000 images and more, and of 20 to 5,000 classes, for how time grows; that is the slope of log time by
  log size, so 1 is linear. All 601 classes of Open Images are always known, whichever occur.

Memory is the peak of a process of its own that makes the columns and evaluates once: the interpreter, its modules, the
columns and all else that it ever held at once. The same process before it evaluates is given beside it.

Peers, each where it is installed. All that is compared is in one run, in turns (A B A B), medians of the rounds:
- the original, OpenImagesChallengeEvaluator fed by the functions of its own script, on the recorded set (or its first
  --original-images), once a 60 rounds: from tables in memory (pandas) to APs, ground truth expanded before, as it
  demands; Boxable's time has the expansion in it. A ratio counts only if the mean APs agree to 1e-12.
- hotcoco, Open Images mode, on what both can do: boxes only, expanded before, no verified labels, only sound rows. Of
  hotcoco evaluate, accumulate and summarize are timed. That is the work of Boxable's matching and AP alone, which the
  target is for; the ratio to all of `evaluate` as above is printed too, and that with hotcoco's loading. Both use all
  cores. hotcoco offers a detection whose best box is taken the next best, which the original does not,
  and takes equal scores one by one, so APs differ a little; where no boxes compete and no scores are equal, they must
  be the same.
"""

import contextlib
import importlib.util
import io
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from evaluation_data import (
    CLASSES,
    METRIC,
    PLAIN_METRIC,
    RECORDED,
    VALIDATION_IMAGES,
    Set,
    like_recorded,
    of_images,
    plain,
    read_recorded,
    synthetic,
    uncontested,
)
from evaluation_peers import Hotcoco, differences, has_original, original
from measure import SETTLE_S, Figure, arguments, figure, interleaved_ms, machine, report

from boxable.metrics.average_precision import Ranking, entries_of
from boxable.metrics.evaluate import RESAMPLES, Evaluation, evaluate
from boxable.metrics.matching import match
from boxable.metrics.prepare import prepare
from boxable.metrics.protocols import Protocol

ROOT = Path(__file__).parent.parent
ORIGINAL_PYTHON = ROOT / ".venv-tensorflow" / "bin" / "python"
GROWTH_IMAGES = (5_000, 10_000, 20_000, VALIDATION_IMAGES)
GROWTH_CLASSES, IMAGES_OF_CLASSES = (20, 100, 601, 5_000), 5_000

MEMORY = """
import json
from evaluation_data import METRIC, VALIDATION_IMAGES, synthetic
from measure import peak_mb
from boxable.metrics.evaluate import evaluate
truth, predictions = synthetic(VALIDATION_IMAGES)
before = peak_mb()
evaluate(truth, predictions, METRIC, resamples=0)
print(json.dumps([before, peak_mb()]))
"""


def evaluating(whole: Set, protocol: Protocol = METRIC) -> Callable[[], Evaluation]:
    """From columns in memory to APs, without intervals."""
    return partial(evaluate, *whole, protocol, resamples=0)


def matching(whole: Set, protocol: Protocol) -> Callable[[], object]:
    """Time matching and AP alone, after `prepare`."""
    data = prepare(*whole, protocol).data

    def run() -> object:
        entries = entries_of(data, match(data, protocol), protocol.group_of_weight)
        return Ranking(entries, len(data.mids)).average_precisions()

    return run


def wall_and_cpu(functions: dict[str, Callable[[], object]], rounds: int) -> dict[str, tuple[float, float]]:
    """Median wall seconds and CPU seconds (of all threads) of each function, called in turn.

    Giving back the memory of what a function returns is not timed.
    """
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in functions}
    for number in range(rounds + 1):
        for name, function in functions.items():
            time.sleep(SETTLE_S)
            wall, cpu = time.perf_counter(), time.process_time()
            result = function()
            if number:
                times[name].append((time.perf_counter() - wall, time.process_time() - cpu))
            del result
    return {
        name: tuple(statistics.median(column) for column in zip(*rows, strict=True)) for name, rows in times.items()
    }


def memory() -> dict[str, Figure]:
    done = subprocess.run(
        [sys.executable, "-c", MEMORY], cwd=Path(__file__).parent, check=True, capture_output=True, text=True
    )
    before, peak = json.loads(done.stdout)
    return {
        "validation: peak memory, columns made": figure(before, "MB"),
        "validation: peak memory, columns made and evaluated": figure(peak, "MB", "<= 2000"),
    }


def recorded(name: str, whole: Set, rounds: int) -> dict[str, Figure]:
    figures = {}
    if RECORDED.is_dir():
        figures[f"{name}: reading the files"] = figure(interleaved_ms({"read": read_recorded}, 5)["read"] / 1000, "s")
    alone = interleaved_ms({"alone": evaluating(whole)}, rounds)["alone"]
    figures[f"{name}: evaluating"] = figure(alone / 1000, "s", "<= 0.5")
    drawing = partial(evaluate, *whole, METRIC, resamples=RESAMPLES)
    drawn = interleaved_ms({"drawn": drawing}, max(rounds // 20, 3), warm_up=1)["drawn"]
    figures[f"{name}: evaluating, {RESAMPLES:,} bootstrap draws"] = figure(drawn / 1000, "s", "<= 20")
    return figures


def growth(rounds: int) -> dict[str, Figure]:
    by_images = [(images, CLASSES) for images in GROWTH_IMAGES]
    by_classes = [(IMAGES_OF_CLASSES, classes) for classes in GROWTH_CLASSES]
    sizes = {f"synthetic: {images:,} images, {classes:,} classes": (images, classes)
             for images, classes in [*by_images, *by_classes]}  # fmt: skip
    times = interleaved_ms({name: evaluating(synthetic(*size)) for name, size in sizes.items()}, rounds, warm_up=1)
    seconds = {sizes[name]: ms / 1000 for name, ms in times.items()}
    figures = {name: figure(seconds[size], "s") for name, size in sizes.items()}
    figures["validation: evaluating"] = figure(seconds[by_images[-1]], "s", "<= 10")
    for name, column, line in (("images", 0, by_images), ("classes", 1, by_classes)):
        slope = np.polyfit(np.log([size[column] for size in line]), np.log([seconds[size] for size in line]), 1)[0]
        figures[f"time grows with the {name} to the power of"] = figure(float(slope), "")
    return figures


def against_original(whole: Set, python: Path, images: int | None, rounds: int) -> dict[str, Figure]:
    whole = of_images(whole, whole[0].images[:images])
    label = f"{len(whole[0].images):,} images"
    ours, theirs = [], []
    for _ in range(max(rounds // 60, 1)):
        ours += [wall_and_cpu({"": evaluating(whole)}, 5)[""]]
        theirs += [original(python, whole)]
        ours += [wall_and_cpu({"": evaluating(whole)}, 5)[""]]
    evaluation = evaluating(whole)()
    apart = max(abs(run.mean_ap - evaluation.mean_ap) for run in theirs)
    most = float(max(differences(evaluation, theirs[0].aps)))
    figures = {
        f"{label}: mean AP, original": figure(theirs[0].mean_ap, ""),
        f"{label}: mean AP apart": figure(apart / 1e-12, "e-12", "<= 1"),
        f"{label}: AP of a class apart at most": figure(most / 1e-12, "e-12", "<= 1"),
    }
    if not (apart <= 1e-12 and most <= 1e-12):
        return figures
    for column, kind in enumerate(("wall", "CPU")):
        own = statistics.median(row[column] for row in ours)
        total = statistics.median(run.total[column] for run in theirs)
        alone = statistics.median(run.alone[column] for run in theirs)
        figures |= {
            f"{label}, {kind}: Boxable": figure(own, "s"),
            f"{label}, {kind}: original": figure(total, "s"),
            f"{label}, {kind}: original / Boxable": figure(total / own, "x", ">= 100"),
            f"{label}, {kind}: original without dictionaries / Boxable": figure(alone / own, "x"),
        }
    return figures


def against_hotcoco(name: str, whole: Set, rounds: int) -> dict[str, Figure]:
    whole = plain(whole)
    peer, label = Hotcoco(*whole), f"{name}, boxes"
    with contextlib.redirect_stdout(io.StringIO()):
        times = wall_and_cpu(
            {
                "ours": evaluating(whole, PLAIN_METRIC),
                "matching": matching(whole, PLAIN_METRIC),
                "load": peer.load,
                "theirs": peer.evaluate,
            },
            rounds,
        )
        aps = peer.aps()
        simple = uncontested(whole)
        simple_aps = Hotcoco(*simple).aps()
    evaluation = evaluating(whole, PLAIN_METRIC)()
    apart = differences(evaluation, aps)
    same = float(max(differences(evaluating(simple, PLAIN_METRIC)(), simple_aps)))
    figures = {
        f"{label}: mean AP, Boxable": figure(evaluation.mean_ap, ""),
        f"{label}: mean AP, hotcoco": figure(statistics.mean(ap for ap in aps.values()), ""),
        f"{label}: classes whose AP differs by more than 1e-6": figure(int((apart > 1e-6).sum()), ""),
        f"{label}, none compete: AP of a class apart at most": figure(same / 1e-12, "e-12", "<= 1"),
        f"{label}: hotcoco, loading (not in the ratios)": figure(times["load"][0], "s"),
    }
    for column, kind in enumerate(("wall", "CPU")):
        ours, alone, load, theirs = (times[key][column] for key in ("ours", "matching", "load", "theirs"))
        figures |= {
            f"{label}, {kind}: Boxable": figure(ours, "s"),
            f"{label}, {kind}: Boxable, matching and AP": figure(alone, "s"),
            f"{label}, {kind}: hotcoco": figure(theirs, "s"),
            f"{label}, {kind}: hotcoco / Boxable": figure(theirs / ours, "x"),
            f"{label}, {kind}: hotcoco / Boxable, matching and AP": figure(
                theirs / alone, "x", ">= 1" if kind == "wall" else ""
            ),
            f"{label}, {kind}: hotcoco with loading / Boxable": figure((load + theirs) / ours, "x"),
        }
    return figures


def main() -> None:
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--original", type=Path, metavar="PYTHON", help="interpreter that has the original")
    parser.add_argument("--original-images", type=int, metavar="N", help="only the first N images (default: all)")
    options = parser.parse_args()
    python = options.original or ORIGINAL_PYTHON
    with_original, with_hotcoco = has_original(python), importlib.util.find_spec("hotcoco") is not None
    if not with_original:
        print(f"{python} has no original: left out (make test-tensorflow installs it)", file=sys.stderr)
    if not with_hotcoco:
        print("hotcoco is not installed: left out", file=sys.stderr)
    # On a busy machine wall times favour who has one thread; CPU times do not.
    about = {"load": round(os.getloadavg()[0], 2)} if hasattr(os, "getloadavg") else {}
    # First, while this process is small: a child's peak is never below what its parent held when it started.
    figures = memory()
    name, whole = ("recorded", read_recorded()) if RECORDED.is_dir() else ("like recorded", like_recorded())
    about["set"] = name
    figures |= recorded(name, whole, options.rounds) | growth(max(options.rounds // 20, 3))
    if with_hotcoco:
        figures |= against_hotcoco(name, whole, options.rounds)
        figures |= against_hotcoco("validation", synthetic(VALIDATION_IMAGES), max(options.rounds // 20, 3))
    if with_original:
        figures |= against_original(whole, python, options.original_images, options.rounds)
    report(figures, machine(("boxable", "numpy", "hotcoco", "pyarrow")) | about, options.out)


if __name__ == "__main__":
    main()
