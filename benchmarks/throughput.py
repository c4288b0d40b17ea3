"""A folder of images to detections: images a second, against the plain loop over the very same network.

    python benchmarks/throughput.py --images DIR --out throughput.json
    python benchmarks/throughput.py --docs docs     # also writes the table of this kind of processor in speed.md

Images of DIR (searched recursively; default: the data sets beside the checkout, else examples/) are made into 1,000
JPEG files of 1024x768 in a temporary folder. Compared in interleaved pieces of 100 files, at score >= 0.3, each with
the threads given:
- Boxable: `detector.stream(files)`, in fp32 and int8, on ONNX Runtime, OpenVINO and LiteRT, and with fast decoding.
- LiteRT: one file after the other, decoded and resized by Pillow, post-processed in plain NumPy.
The target of a precision is that of its fastest runtime.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from litert import PEER, WAYS, litert, published_network
from measure import SETTLE_S, Figure, arguments, figure, machine, report
from pages import table, write_measured
from PIL import Image

import boxable
from boxable.images.sources import expand

ROOT = Path(__file__).parent.parent
BESIDE = ROOT.parent / "shared" / "data"
SIZE, QUALITY, MIN_SCORE = (1024, 768), 88, 0.3

COMPARED = WAYS | {"fast decoding, int8, OpenVINO": WAYS["int8, OpenVINO"] | {"decode": "fast"}}
TARGETS = {"fp32": ">= 1.7", "int8": ">= 3"}

Run = Callable[[list[Path]], object]


def photos(source: Path, folder: Path, count: int) -> list[Path]:
    """So many JPEG files; where the source has fewer, they come again."""
    made = []
    for number, picture in enumerate(islice(expand([source]), count)):
        made.append(folder / f"{number:05}.jpg")
        with Image.open(picture.path) as image:
            image.convert("RGB").resize(SIZE, Image.Resampling.LANCZOS).save(made[-1], quality=QUALITY)
    return list(islice(cycle(made), count))


def runs(threads: int) -> dict[str, Run]:
    loop = litert(published_network(), threads)
    ways: dict[str, Run] = {}
    for name, options in COMPARED.items():
        detector = boxable.load("ssd23", threads=threads, **options)
        ways[name] = partial(lambda run, files: consume(run.stream(files, min_score=MIN_SCORE)), detector)
    ways[PEER] = lambda files: consume(loop(file.read_bytes(), MIN_SCORE) for file in files)
    return ways


def consume(items: Iterable[object]) -> None:
    for _ in items:
        pass


def pieces(files: list[Path], size: int) -> Iterator[list[Path]]:
    for start in range(0, len(files), size):
        yield files[start : start + size]


def measured(compared: dict[str, Run], files: list[Path], size: int) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Seconds of each for each piece, and of the processor for all of them, after one piece that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in compared}
    processor = dict.fromkeys(compared, 0.0)
    for number, piece in enumerate([files[:size], *pieces(files, size)]):
        for name, run in compared.items():
            time.sleep(SETTLE_S)
            start, busy = time.perf_counter(), time.process_time()
            run(piece)
            if number:
                seconds[name].append(time.perf_counter() - start)
                processor[name] += time.process_time() - busy
    return seconds, processor


def figures(seconds: dict[str, list[float]], processor: dict[str, float], count: int) -> dict[str, Figure]:
    found = {f"{name}: all": figure(count / sum(times), "images/s") for name, times in seconds.items()}
    found |= {f"{name}: of the processor": figure(busy / count * 1000, "ms/image") for name, busy in processor.items()}
    best: dict[str, tuple[float, float]] = {}
    for name in COMPARED:
        pieces = median(theirs / own for theirs, own in zip(seconds[PEER], seconds[name], strict=True))
        whole = sum(seconds[PEER]) / sum(seconds[name])
        found[f"{name} / {PEER}: median piece"] = figure(pieces, "x")
        found[f"{name} / {PEER}: all"] = figure(whole, "x")
        precision = name.partition(",")[0]
        best[precision] = max(best.get(precision, (0.0, 0.0)), (whole, pieces))
    for precision, bound in TARGETS.items():
        for kind, value in zip(("all", "median piece"), best[precision], strict=True):
            found[f"{precision}, the fastest / {PEER}: {kind}"] = figure(value, "x", bound)
    return found


def summary(found: dict[str, Figure]) -> str:
    """Make the page's table: images a second, time of the processor, and the ratio by wall time."""
    rows = [["", "images a second", "processor time an image", f"against {PEER}"]]
    for name in (*COMPARED, PEER):
        ratio = found.get(f"{name} / {PEER}: all")
        spent = f"{found[f'{name}: of the processor'].value:.1f} ms"
        rows.append([name, f"{found[f'{name}: all'].value:.0f}", spent, f"{ratio.value:.2f}" if ratio else ""])
    return table(rows)


def main() -> None:
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, default=BESIDE if BESIDE.is_dir() else ROOT / "examples", metavar="DIR")
    parser.add_argument("--count", type=int, default=1000, metavar="N", help="photos in the folder (default: 1000)")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="threads of each (default: 2)")
    parser.set_defaults(rounds=10)
    parser.add_argument("--docs", type=Path, metavar="DIR", help="also write the figures into the page in this folder")
    options = parser.parse_args()
    about = machine(("boxable", "numpy", "onnxruntime", "openvino", "ai-edge-litert", "pillow", "simplejpeg"))
    about["threads"] = options.threads
    with TemporaryDirectory() as folder:
        files = photos(options.images, Path(folder), options.count)
        size = max(1, len(files) // options.rounds)
        seconds, processor = measured(runs(options.threads), files, size)
    found = figures(seconds, processor, len(files))
    report(found, about, options.out)
    if options.docs:
        command = "python benchmarks/throughput.py"
        write_measured(options.docs / "speed.md", "folder", summary(found), command, about)


if __name__ == "__main__":
    main()
