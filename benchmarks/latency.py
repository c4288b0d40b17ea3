"""One image at a time: JPEG bytes to detections, against LiteRT on the very same network.

    python benchmarks/latency.py --out latency.json
    python benchmarks/latency.py --docs docs        # also writes the table of this kind of processor in speed.md

Compared in interleaved rounds, with one and with two threads:
- Boxable: `detector(jpeg_bytes)`, in fp32 and int8, on ONNX Runtime (the default install), OpenVINO and LiteRT.
- LiteRT: ai-edge-litert on the published .tflite file, Pillow for decode and resize, a plain NumPy
  post-processing (per-class NMS over what passes the threshold).
Each at the threshold people use (0.3) and at the network's own (1e-8, the best 100). For 601 classes the
post-processing alone is set against that plain NMS, on one thread.
"""

import io
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from litert import ANCHORS, DEFAULT, PEER, WAYS, litert, plain_postprocess, published_network
from measure import Figure, arguments, figure, interleaved_ms, machine, report
from pages import table, write_measured
from PIL import Image

import boxable
from boxable.networks.heads.nms import postprocess
from boxable.networks.heads.rules import PostprocessRules

ROOT = Path(__file__).parent.parent
THREADS = (1, 2)
# By precision: with one thread and with two.
TARGETS = {"fp32": (">= 1.05", ">= 1.05"), "int8": (">= 1.9", ">= 1.7")}
RECORDED_HEADS = ROOT.parent / "shared" / "reference" / "formula601" / "heads_full.npz"


def jpegs() -> list[bytes]:
    """Encode the example images as JPEG files."""
    files = []
    for path in sorted((ROOT / "examples").glob("*.png")):
        content = io.BytesIO()
        with Image.open(path) as image:
            image.convert("RGB").save(content, "JPEG", quality=90)
        files.append(content.getvalue())
    return files


def heads601() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Raw heads of a 601-class network: the recorded ones if they are at hand, else random ones of like spread."""
    if RECORDED_HEADS.exists():
        arrays = np.load(RECORDED_HEADS)
        names = ("astronaut", "chelsea", "coffee")
        return {name: (arrays[f"{name}/box_encodings"], arrays[f"{name}/class_logits"]) for name in names}
    generator = np.random.default_rng(0)
    codes = generator.normal(0, 0.7, (1917, 4)).astype(np.float32)
    return {"random heads": (codes, generator.normal(-4.5, 1.4, (1917, 602)).astype(np.float32))}


def end_to_end(rounds: int) -> dict[str, Figure]:
    network, files = published_network(), jpegs()
    figures = {}
    for threads in THREADS:
        ways = {name: boxable.load("ssd23", threads=threads, **options) for name, options in WAYS.items()}
        runs = {name: partial(_all, files, partial(way, min_score=0.3)) for name, way in ways.items()}
        other = litert(network, threads)
        times = interleaved_ms(runs | {PEER: lambda run=other: [run(file, 0.3) for file in files]}, rounds)
        label = _label(threads)
        figures |= {f"{label}: {name}": figure(time / len(files), "ms") for name, time in times.items()}
        figures[f"{label}: {PEER} / {DEFAULT}, the default"] = figure(times[PEER] / times[DEFAULT], "x")
        for precision, bounds in TARGETS.items():
            best = min(time for name, time in times.items() if name.startswith(precision))
            figures[f"{label}: {PEER} / {precision}, the fastest"] = figure(
                times[PEER] / best, "x", bounds[threads - 1]
            )
        best_100 = {
            "ours": partial(_all, files, partial(ways[DEFAULT], min_score=0)),
            PEER: lambda run=other: [run(file, 1e-8) for file in files],
        }
        times = interleaved_ms(best_100, max(rounds // 4, 5))
        label = label.replace("score >= 0.3", "best 100")
        figures[f"{label}: {DEFAULT}"] = figure(times["ours"] / len(files), "ms")
        figures[f"{label}: {PEER}"] = figure(times[PEER] / len(files), "ms")
        figures[f"{label}: {PEER} / {DEFAULT}"] = figure(times[PEER] / times["ours"], "x")
    one, two = map(_label, THREADS)
    for name in WAYS:
        ratio = figures[f"{one}: {name}"].value / figures[f"{two}: {name}"].value
        figures[f"1 thread / 2 threads: {name}"] = figure(ratio, "x", ">= 1")
    return figures


def _label(threads: int) -> str:
    return f"JPEG to detections, {threads} thread{'s' if threads > 1 else ''}, score >= 0.3"


def _all(files: list[bytes], run: Callable[[bytes], object]) -> None:
    for file in files:
        run(file)


def postprocessing(rounds: int) -> dict[str, Figure]:
    figures = {}
    for source, (codes, logits) in heads601().items():
        ours, plain = (
            partial(postprocess, codes, logits, ANCHORS, PostprocessRules()),
            partial(plain_postprocess, codes, logits, 1e-8),
        )
        # The plain way takes seconds: many rounds for ours alone, a few interleaved ones for the ratio.
        alone = interleaved_ms({"ours": ours}, rounds)
        both = interleaved_ms({"ours": ours, "plain": plain}, 3, warm_up=1)
        label = f"post-processing 1917x601, best 100, {source}"
        figures[f"{label}: Boxable"] = figure(alone["ours"], "ms", "<= 2")
        figures[f"{label}: plain per-class NMS"] = figure(both["plain"], "ms")
        figures[f"{label}: plain / Boxable"] = figure(both["plain"] / both["ours"], "x")
    return figures


def start_up(rounds: int) -> dict[str, Figure]:
    environment = [sys.executable, "-c"]
    command = [sys.executable, "-m", "boxable", "detect", str(ROOT / "examples" / "chelsea.png"), "--model", "ssd23"]
    times = interleaved_ms(
        {
            "python": lambda: subprocess.run([*environment, "pass"], check=True),
            "import": lambda: subprocess.run([*environment, "import boxable"], check=True),
            "command": lambda: subprocess.run(command, check=True, capture_output=True),
        },
        max(rounds // 6, 5),
        warm_up=1,
    )
    return {
        "import boxable": figure((times["import"] - times["python"]) / 1000, "s", "<= 0.3"),
        "boxable detect photo, weights cached, whole process": figure(times["command"] / 1000, "s", "<= 1.0"),
    }


def summary(figures: dict[str, Figure]) -> str:
    """Make the page's table: milliseconds with one thread and two, and ratios."""
    rows = [["", "1 thread", "2 threads"]]
    labels = [_label(threads) for threads in THREADS]
    for name in (*WAYS, PEER):
        rows.append([name, *(f"{figures[f'{label}: {name}'].value:.1f} ms" for label in labels)])
    for name in (f"{DEFAULT}, the default", *(f"{precision}, the fastest" for precision in TARGETS)):
        rows.append([f"LiteRT / {name}", *(f"{figures[f'{label}: {PEER} / {name}'].value:.2f}" for label in labels)])
    return table(rows)


def main() -> None:
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--docs", type=Path, metavar="DIR", help="also write the figures into the page in this folder")
    options = parser.parse_args()
    about = machine(("boxable", "numpy", "onnxruntime", "openvino", "ai-edge-litert", "pillow", "simplejpeg"))
    figures = end_to_end(options.rounds) | postprocessing(options.rounds) | start_up(options.rounds)
    report(figures, about, options.out)
    if options.docs:
        command = "python benchmarks/latency.py"
        write_measured(options.docs / "speed.md", "latency", summary(figures), command, about)


if __name__ == "__main__":
    main()
