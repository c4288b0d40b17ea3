"""Compare this checkout with another one: latency, throughput, opening, import time and memory, interleaved.

    python benchmarks/before_after.py ../before --rounds 30 --out before_after.json

A is the other checkout, B is this one, and A' the other one again: the ratio A' / A tells how far chance goes. Each
version runs in processes of its own, with the packages of this environment; they take turns. The interval of a ratio
is a 95 % bootstrap interval of the ratio of medians.

    git worktree add ../before COMMIT
    python benchmarks/before_after.py ../before --parts --rounds 60

With --parts only what NumPy does around the network is measured: resizing and post-processing, alone and together, of
the example images in several sizes, on one thread, in time of the processor.
"""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from measure import SETTLE_S, Figure, arguments, machine, report
from PIL import Image

ROOT = Path(__file__).parent.parent
STREAM = 48

# Runs in a process of each version: opens a detector, then times what it is asked for.
SERVER = """
import json, resource, sys, time
import boxable
options, files = json.loads(sys.argv[1]), json.loads(sys.argv[2])
contents = [open(file, 'rb').read() for file in files]
detector = boxable.load('ssd23', **options)
detector(contents[0], min_score=0.3)
for line in sys.stdin:
    start = time.perf_counter()
    if line.strip() == 'one':
        for content in contents:
            detector(content, min_score=0.3)
    else:
        for _ in detector.stream(files * (int(line) // len(files)), min_score=0.3):
            pass
    seconds = time.perf_counter() - start
    print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]), flush=True)
"""
# Runs in a process of each version: times resizing and post-processing of images on one thread.
PARTS_SERVER = """
import io, json, sys, time
import numpy as np
from PIL import Image
import boxable
from boxable.networks.heads.rules import PostprocessRules
network = boxable.load('ssd23', threads=1).network
heads = np.load(sys.argv[1])
outputs = [{'box_encodings': codes[None], 'class_logits': logits[None]} for codes, logits in zip(*heads.values())]
for line in sys.stdin:
    what, *arguments = json.loads(line)
    if what == 'images':
        images = [np.asarray(Image.open(file)) for file in arguments]
    start = time.process_time()
    if what == 'resize':
        for image in images:
            network.preprocess(image)
    if what == 'post-process':
        for output in outputs:
            network.head.detect(lambda *_: output, None, PostprocessRules(min_score=arguments[0]))
    print(json.dumps(time.process_time() - start), flush=True)
"""
SIZES = ((640, 480), (600, 400), (1024, 768), (4000, 3000))
PROGRAMS = {
    "import boxable, load": "import boxable; boxable.load; boxable.Detections",
    "open ssd23": "import boxable; boxable.load('ssd23')",
    "open ssd23 in int8": "import boxable; boxable.load('ssd23', precision='int8')",
    "open two classes of ssd23": "import boxable; boxable.load('ssd23', classes='Person,Cat')",
}


class Version:
    """A checkout: its sources, and the caches that both share."""

    def __init__(self, checkout: Path) -> None:
        self.environment = os.environ | {"PYTHONPATH": str(checkout / "src")}

    def process(self, program: str) -> None:
        """Run a Python program to its end."""
        subprocess.run([sys.executable, "-c", program], env=self.environment, check=True, capture_output=True)

    def command(self, file: str) -> None:
        """Run the command on an image."""
        arguments_ = [sys.executable, "-m", "boxable", "detect", file, "--model", "ssd23"]
        subprocess.run(arguments_, env=self.environment, check=True, capture_output=True)

    def server(self, program: str, *arguments: str) -> subprocess.Popen:
        """Start a process that answers each line with a time."""
        return subprocess.Popen(
            [sys.executable, "-c", program, *arguments], env=self.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip


def interleaved(runs: dict[str, Callable[[], float]], rounds: int) -> dict[str, np.ndarray]:
    """Call each in turn, in an order that turns too; the first round does not count."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    names = list(runs)
    for number in range(1 + rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            time.sleep(SETTLE_S)
            value = runs[name]()
            if number:
                times[name].append(value)
    return {name: np.array(values) for name, values in times.items()}


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> tuple[float, float, float]:
    """Return the ratio of medians, and its 95 % interval by a bootstrap over rounds."""
    draws = np.random.default_rng(0).integers(0, len(numerator), (4000, len(numerator)))
    ratios = np.median(numerator[draws], axis=1) / np.median(denominator[draws], axis=1)
    low, high = np.percentile(ratios, [2.5, 97.5])
    return float(np.median(numerator) / np.median(denominator)), float(low), float(high)


def figures(what: str, times: dict[str, np.ndarray]) -> dict[str, Figure]:
    """Compare B with A, and A' with A. B holds unless its whole interval lies above 1.03."""
    found = {}
    for name in ("B", "A'"):
        value, low, high = ratio(times[name], times["A"])
        label = f"{what}: {name} / A [{low:.3f}, {high:.3f}]"
        found[label] = Figure(
            value, "x", "interval not above 1.03" if name == "B" else "", low <= 1.03 if name == "B" else None
        )
    return found


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def of_processes(versions: dict[str, Version], file: str, rounds: int) -> dict[str, Figure]:
    """Whole processes: import, opening, the command."""
    found = {}
    for what, program in PROGRAMS.items():
        runs = {name: partial(timed, partial(version.process, program)) for name, version in versions.items()}
        found |= figures(what, interleaved(runs, rounds))
    runs = {name: partial(timed, partial(version.command, file)) for name, version in versions.items()}
    return found | figures("boxable detect image.jpg", interleaved(runs, rounds))


def of_detections(versions: dict[str, Version], options: dict, files: list[str], rounds: int) -> dict[str, Figure]:
    """Single images, a stream, and the peak of memory of a process that did both."""
    given = (json.dumps(options), json.dumps(files))
    servers = {name: version.server(SERVER, *given) for name, version in versions.items()}
    memory: dict[str, list[float]] = {name: [] for name in servers}

    def ask(name: str, what: str) -> float:
        seconds, peak = json.loads(answer(servers[name], what))
        memory[name].append(peak)
        return seconds

    label = ", ".join(map(str, options.values()))
    found = figures(f"image, {label}", interleaved({name: partial(ask, name, "one") for name in servers}, rounds * 2))
    found |= figures(
        f"stream, {label}", interleaved({name: partial(ask, name, str(STREAM)) for name in servers}, rounds)
    )
    stop(servers)
    return found | figures(f"memory, {label}", {name: np.array([max(peaks)]) for name, peaks in memory.items()})


def of_parts(versions: dict[str, Version], rounds: int) -> dict[str, Figure]:
    """Resizing, post-processing of scores from 0.3 and of the best 100, and resizing and either, summed over images."""
    found = {}
    with TemporaryDirectory() as folder:
        heads = Path(folder) / "heads.npz"
        write_heads(jpegs(Path(folder)), heads)
        servers = {name: version.server(PARTS_SERVER, str(heads)) for name, version in versions.items()}

        def ask(name: str, *what: object) -> float:
            return float(answer(servers[name], json.dumps(what)))

        def times(*what: object) -> dict[str, np.ndarray]:
            return interleaved({name: partial(ask, name, *what) for name in servers}, rounds)

        least = {"score >= 0.3": times("post-process", 0.3), "best 100": times("post-process", 0.0)}
        for label, post in least.items():
            found |= figures(f"post-processing, {label}", post)
        for size in SIZES:
            files = jpegs(Path(folder), size)
            for name in servers:
                ask(name, "images", *files)
            resizing, label = times("resize"), "x".join(map(str, size))
            found |= figures(f"resizing, {label}", resizing)
            for least_score, post in least.items():
                both = {name: resizing[name] + post[name] for name in servers}
                found |= figures(f"both, {label}, {least_score}", both)
        stop(servers)
    return found


def write_heads(files: list[str], out: Path) -> None:
    """Write what the network says of images: box codes `[N, A, 4]` and logits `[N, A, C + 1]`."""
    import boxable
    from boxable.images.sources import source_of
    from boxable.runtimes import Concurrency, open_runtime
    from boxable.weights.pull import open_model

    preprocess = boxable.load("ssd23").network.preprocess
    images = np.stack([preprocess(source_of(file).pixels()) for file in files])
    run = open_runtime("onnxruntime", open_model("ssd23"), "fp32", Concurrency(1)).run
    outputs = run("detector", {"images": images})
    np.savez(out, codes=outputs["box_encodings"], logits=outputs["class_logits"])


def answer(process: subprocess.Popen, line: str) -> str:
    """Ask a server, and return the line that it answers."""
    process.stdin.write(f"{line}\n")
    process.stdin.flush()
    return process.stdout.readline()


def stop(servers: dict[str, subprocess.Popen]) -> None:
    for process in servers.values():
        process.stdin.close()
        process.wait()


def jpegs(folder: Path, size: tuple[int, int] = (1024, 768)) -> list[str]:
    """Write example images as JPEG files of a size (width, height)."""
    files = []
    for path in sorted((ROOT / "examples").glob("*.png")):
        content = io.BytesIO()
        with Image.open(path) as image:
            image.convert("RGB").resize(size).save(content, "JPEG", quality=90)
        file = folder / f"{path.stem}.jpg"
        file.write_bytes(content.getvalue())
        files.append(str(file))
    return files


def main() -> None:
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("before", type=Path, help="the other checkout")
    parser.add_argument("--parts", action="store_true", help="only resizing and post-processing, on one thread")
    options = parser.parse_args()
    versions = {
        name: Version(checkout) for name, checkout in (("A", options.before), ("B", ROOT), ("A'", options.before))
    }
    about = machine(("boxable", "numpy", "onnxruntime", "openvino"))
    if options.parts:
        report(of_parts(versions, options.rounds), about, options.out)
        return
    runtimes = ["onnxruntime", *(name for name in ("openvino",) if find_spec(name))]
    with TemporaryDirectory() as folder:
        files = jpegs(Path(folder))
        found = of_processes(versions, files[0], options.rounds)
        for runtime in runtimes:
            for precision in ("fp32", "int8"):
                for threads in (1, 2):
                    way = {"runtime": runtime, "precision": precision, "threads": threads}
                    found |= of_detections(versions, way, files, options.rounds)
    report(found, about, options.out)


if __name__ == "__main__":
    main()
