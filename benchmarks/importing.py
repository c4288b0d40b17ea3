"""Importing the 601-class network: time and memory, and how fast it opens afterwards.

    make test-tensorflow        # makes the files, in build/original
    python benchmarks/importing.py --out importing.json

Each import runs in a process and with a cache of its own. Memory is what the process needs at its peak above what it
needed before the import, as a multiple of the file's size; mapped pages of the file count.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import Figure, arguments, figure, interleaved_ms, machine, report

ROOT = Path(__file__).parent.parent
ORIGINAL = ROOT / "build" / "original"

IMPORT = """
import json, logging, resource, sys, time
from pathlib import Path
import google_crc32c, numpy, safetensors.numpy
from boxable.weights.import_model import import_model
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
list(import_model(Path(sys.argv[1]), "bench", None))
seconds = time.perf_counter() - start
print(json.dumps([seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024]))
"""


def measured(path: Path, size: int, rounds: int) -> tuple[float, float]:
    """Median seconds, and median peak memory over the size, of importing `path` into an empty cache."""
    results = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as home:
            environment = os.environ | {"BOXABLE_HOME": home}
            done = subprocess.run(
                [sys.executable, "-c", IMPORT, path], env=environment, check=True, capture_output=True, text=True
            )
            results.append(json.loads(done.stdout))
    return statistics.median(row[0] for row in results), statistics.median(row[1] for row in results) / size


def opening(original: Path, rounds: int) -> dict[str, Figure]:
    """Compare opening the imported network a second time with opening its .onnx file."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["BOXABLE_HOME"] = home
        import boxable
        from boxable.weights.import_model import import_model
        from boxable.weights.store import compiled_installed, installed

        list(import_model(original / "checkpoint", "bench", None))
        path = installed("bench")
        assert path is not None
        graph = Path(home) / "graph.onnx"
        graph.write_bytes(compiled_installed(path, "bench").onnx("detector", "fp32"))
        times = interleaved_ms({"name": lambda: boxable.load("bench"), "file": lambda: boxable.load(graph)}, rounds)
    return {
        "opening the imported network again": figure(times["name"] / 1000, "s"),
        "opening by name / opening its .onnx file": figure(times["name"] / times["file"], "x", "<= 1.5"),
    }


def main() -> None:
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--original", type=Path, default=ORIGINAL, help="folder with the original's files")
    options = parser.parse_args()
    if not (options.original / "checkpoint").is_dir():
        sys.exit(f"{options.original} is not there; make test-tensorflow makes it")
    figures: dict[str, Figure] = {}
    data = options.original / "checkpoint" / "model.ckpt.data-00000-of-00001"
    graph = options.original / "frozen_inference_graph.pb"
    rounds = max(options.rounds // 12, 3)
    seconds, memory = measured(options.original / "checkpoint", data.stat().st_size, rounds)
    figures["importing the 58 MB checkpoint"] = figure(seconds, "s", "<= 2")
    figures["importing the 58 MB checkpoint, peak memory / its size"] = figure(memory, "x", "<= 3")
    seconds, memory = measured(graph, graph.stat().st_size, rounds)
    figures["importing the 67 MB frozen graph"] = figure(seconds, "s", "<= 3")
    figures["importing the 67 MB frozen graph, peak memory / its size"] = figure(memory, "x")
    figures |= opening(options.original, max(options.rounds // 6, 5))
    report(figures, machine(("boxable", "numpy", "onnxruntime", "protobuf", "safetensors")), options.out)


if __name__ == "__main__":
    main()
