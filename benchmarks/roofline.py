"""The network's time on one core against what the core can do at most, and where the time goes.

    python benchmarks/roofline.py --out roofline.json
    python benchmarks/roofline.py --docs docs          # also writes those of this kind of processor in speed.md

Networks of 23 and 601 classes with random weights (times do not depend on them) run on each runtime, in fp32 and in
int8, and in the same rounds square matrix products in float32 and int8. The ratio is the time of the network over that
of as many multiply-adds at the best rate. One core is timed by the processor's clock, two by that of the wall. What
share of the time a layer has, the profilers of ONNX Runtime and OpenVINO tell.
"""

import time
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
from layer_times import OTHER, PROFILES, Times
from layer_work import Work, block_of, grouped, kind_of, moved, name_of, random_network
from layers import rows as layer_rows
from machine_limits import probes, rates
from measure import Figure, arguments, figure, interleaved_ms, machine, report
from pages import table, write_measured
from roofline_plot import Point, svg

from boxable.networks.architectures.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.networks.network import Network
from boxable.runtimes import Concurrency, available_runtimes, open_runtime
from boxable.weights.compiled import Compiled

TITLES = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "litert": "LiteRT"}
RUNTIMES = [name for name in available_runtimes() if name in TITLES]
PROFILED = [name for name in RUNTIMES if name in PROFILES]
PRECISIONS = ("fp32", "int8")
CLASSES = (23, 601)
# Of the best runtime's time on one core over the least possible.
TARGETS = {(601, "fp32"): "<= 1.2", (601, "int8"): "<= 1.5"}
# The network whose layers are told apart.
TOLD = 601


def image() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (1, 300, 300, 3)).astype(np.float32)


def network_runs(networks: dict[int, Compiled], threads: int) -> dict[str, Callable[[], object]]:
    """Functions that run each network once, named `classes precision runtime`."""
    runs = {}
    for (classes, compiled), precision, name in product(networks.items(), PRECISIONS, RUNTIMES):
        runtime = open_runtime(name, compiled, precision, Concurrency(threads))
        runs[f"{classes} {precision} {TITLES[name]}"] = partial(runtime.run, "detector", {"images": image()})
    return runs


def profiles(networks: dict[int, Compiled], rounds: int) -> dict[str, dict[str, Times]]:
    """Milliseconds of each layer by precision and runtime, all run in turn."""
    network = ssd_mobilenet_v2(TOLD)
    opened = {
        (kind, name): PROFILES[name](networks[TOLD].onnx("detector", kind), network, kind)
        for kind, name in product(PRECISIONS, PROFILED)
    }
    interleaved_ms({str(key): partial(run, image()) for key, run in opened.items()}, rounds)
    found: dict[str, dict[str, Times]] = {kind: {} for kind in PRECISIONS}
    for (kind, name), run in opened.items():
        found[kind][name] = run.times()
    return found


def shares_of(one: dict[str, float], times: dict[str, dict[str, Times]]) -> dict[str, dict[str, Times]]:
    """Scale the times of layers to the time of the network on one core without a profiler."""
    return {
        kind: {
            runtime: {
                name: spent / sum(layers.values()) * one[f"{TOLD} {kind} {TITLES[runtime]}"]
                for name, spent in layers.items()
            }
            for runtime, layers in of_kind.items()
        }
        for kind, of_kind in times.items()
    }


def figures(one: dict[str, float], two: dict[str, float], best: dict[str, float]) -> dict[str, Figure]:
    """Compute the networks' times, and their ratios to the limit."""
    result = {
        "SGEMM on one core": figure(best["fp32"] / 1e9, "GFLOP/s"),
        "int8 GEMM on one core": figure(best["int8"] / 1e9, "GOP/s"),
        "copying in memory, read and written": figure(best["memory"] / 1e9, "GB/s"),
        "copying in the cache, read and written": figure(best["cache"] / 1e9, "GB/s"),
    }
    for classes in CLASSES:
        for precision in PRECISIONS:
            start = f"{classes} {precision} "
            of_one = {name.removeprefix(start): value for name, value in one.items() if name.startswith(start)}
            of_two = {name.removeprefix(start): value for name, value in two.items() if name.startswith(start)}
            limit = 2 * ssd_mobilenet_v2(classes).macs / best[precision] * 1000
            label = f"{classes} classes, {precision}"
            result[f"{label}, one core: least possible"] = figure(limit, "ms")
            for name, value in of_one.items():
                result[f"{label}, one core: {name}"] = figure(value, "ms")
                result[f"{label}, one core: {name} / least possible"] = figure(value / limit, "x")
            result[f"{label}, one core: best"] = figure(min(of_one.values()), "ms")
            target = TARGETS.get((classes, precision), "")
            result[f"{label}, one core: best / least possible"] = figure(min(of_one.values()) / limit, "x", target)
            for name, value in of_two.items():
                result[f"{label}, two cores: {name}"] = figure(value, "ms")
            result[f"{label}, two cores: best"] = figure(min(of_two.values()), "ms")
    return result


def summary(one: dict[str, float], two: dict[str, float], best: dict[str, float]) -> list[list[str]]:
    """Rows of the page's first table: each network and precision, on one core and on two."""
    names = list(dict.fromkeys(name.split(" ", 2)[2] for name in two))
    ratio = "best / least possible"
    rows = [["milliseconds", "least possible", *names, ratio, *(f"two cores: {name}" for name in names)]]
    for classes in CLASSES:
        for precision in PRECISIONS:
            keys = [f"{classes} {precision} {name}" for name in names]
            of_one, of_two = ([times.get(key) for key in keys] for times in (one, two))
            limit = 2 * ssd_mobilenet_v2(classes).macs / best[precision] * 1000
            quickest = min(value for value in of_one if value is not None)
            shown = [f"{value:.1f}" if value is not None else "" for value in (limit, *of_one)]
            shown += [f"{quickest / limit:.2f}", *(f"{value:.1f}" if value is not None else "" for value in of_two)]
            rows.append([f"{classes} classes, {precision}", *shown])
    return rows


def where_time_goes(
    groups: dict[str, Work], times: dict[str, dict[str, Times]], best: dict[str, float]
) -> list[list[str]]:
    """Rows of the table: what is computed, and in each precision the milliseconds at the limit and on each runtime."""
    header = ["", "MMAC", "MB, fp32"]
    for kind in PRECISIONS:
        header += [f"{kind}: limit", *(f"{kind}: {TITLES[name]}" for name in PROFILED)]
    rows = [header]
    every = Work(tuple(layer for work in groups.values() for layer in work.layers))
    for name, work in (*groups.items(), (OTHER, Work(())), ("**all**", every)):
        row = [name, f"{work.macs / 1e6:.0f}", f"{work.moved('fp32') / 1e6:.1f}"] if work.layers else [name, "", ""]
        for kind in PRECISIONS:
            row.append(f"{2 * work.macs / best[kind] * 1000:.2f}" if work.layers else "")
            for runtime in PROFILED:
                of_all = times[kind][runtime]
                spent = of_all.get(OTHER, 0.0) if name == OTHER else work.milliseconds(of_all)
                row.append(f"{sum(of_all.values()) if work is every else spent:.2f}")
        rows.append(row)
    return rows


def points(network: Network, times: dict[str, dict[str, Times]]) -> dict[str, list[Point]]:
    """Make the points of the plot: the layers in each precision, on its fastest runtime."""
    found = {}
    for precision, runtimes in times.items():
        quickest = min(runtimes.values(), key=lambda layers: sum(layers.values()))
        found[precision] = [
            Point(
                name_of(layer),
                kind_of(layer),
                2 * layer.macs / moved(layer, precision),
                2 * layer.macs / quickest[layer.name] * 1000,
                quickest[layer.name],
            )
            for layer in layer_rows(network)
            if quickest.get(layer.name)
        ]
    return found


def main() -> None:
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--docs", type=Path, metavar="DIR", help="also write the figures into the page in this folder")
    parser.set_defaults(rounds=30)
    options = parser.parse_args()
    about = machine(("boxable", "numpy", "onnxruntime", "openvino", "ai-edge-litert"))
    networks = {count: random_network(ssd_mobilenet_v2(count)) for count in CLASSES}
    limits = probes()
    works = {name: probe.run for name, probe in limits.items()} | network_runs(networks, 1)
    one = interleaved_ms(works, options.rounds, clock=time.process_time)
    best = rates(limits, one)
    two = interleaved_ms(network_runs(networks, 2), options.rounds)
    times = shares_of(one, profiles(networks, options.rounds))
    found = figures(one, two, best)
    report(found, about, options.out)
    blocks, kinds = (grouped(ssd_mobilenet_v2(TOLD), group_of) for group_of in (block_of, kind_of))
    by_block, by_kind = (table(where_time_goes(groups, times, best)) for groups in (blocks, kinds))
    print(f"\n{by_kind}\n\n{by_block}")
    if options.docs:
        page = options.docs / "speed.md"
        title = f"The layers of the {TOLD}-class network on one core of {about['processor']}"
        (options.docs / f"roofline-{about['kind']}.svg").write_text(
            svg(points(ssd_mobilenet_v2(TOLD), times), best, title)
        )
        rates_line = (
            f"Rates of one core in that run: {best['fp32'] / 1e9:.0f} GFLOP/s in float32 and {best['int8'] / 1e9:.0f} "
            f"GOP/s in int8 matrix products, {best['memory'] / 1e9:.0f} GB/s in memory and {best['cache'] / 1e9:.0f} "
            f"GB/s in the cache."
        )
        command = "python benchmarks/roofline.py"
        first = table(summary(one, two, best))
        write_measured(page, "networks", f"{first}\n\n{rates_line}", command, about)
        write_measured(page, "kinds", by_kind, command, about)


if __name__ == "__main__":
    main()
