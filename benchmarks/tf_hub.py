"""Boxable against the TF-Hub module itself: the same network, images and cores, image by image in turn.

    make test-tensorflow        # makes the module and an environment that can open it
    python benchmarks/tf_hub.py --out tf_hub.json
    python benchmarks/tf_hub.py --module DIR --python /path/to/python

DIR is a TF-Hub module of the 601-class network; Boxable imports its weights from there and calibrates them for int8
on the images. Each runs in a process of its own, all on the same two cores, TensorFlow with oneDNN. Compared are an
image, float32 `[1, H, W, 3]`, to its detections (`as_dict=True`); and in fresh processes opening, the first call and
the most memory after one call an image. Opening counts importing for Boxable and not for TensorFlow; the slowest
opening of Boxable in fp32 is the very first one, which also makes the graph.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from measure import SETTLE_S, Figure, arguments, figure, machine, report
from pages import sentence, table, write_part
from PIL import Image

from boxable.detection.calibrate import calibrate
from boxable.images.sources import expand
from boxable.weights.calibrations import SavedCalibration, key_of, save_calibration
from boxable.weights.importing import read_model
from boxable.weights.store import install, read_file

ROOT = Path(__file__).parent.parent
BESIDE = ROOT.parent / "shared" / "data" / "eval-coco"
SIDE = Path(__file__).with_name("tf_hub_side.py")
ORIGINAL = "TF-Hub module"
CORES, PHOTOS, CALIBRATION = 2, 12, 100
# As far as detections may lie apart, the parity that is promised for fp32.
SCORE_BOUND, BOX_BOUND = 1e-4, 1e-3


@dataclass
class Side:
    """One way to detect: its command, and what was measured of it in each process."""

    command: list[str | Path]
    load: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    image: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    detections: dict[str, list] = field(default_factory=dict)


def sides(module: Path, python: Path, folder: Path, pictures: Path) -> dict[str, Side]:
    """Prepare the original, and Boxable with its weights, in each available precision and runtime."""
    os.environ["BOXABLE_HOME"] = str(folder / "home")
    model = read_model(module, "original", None)
    path = install(model)
    calibration, count = calibrate(model, islice(expand([pictures]), CALIBRATION))
    save_calibration(key_of(path, read_file(path)), "original", SavedCalibration(calibration, count, ()))
    photos = folder / "photos.npz"
    found = {ORIGINAL: Side([python, "-W", "ignore", SIDE, "original", module, photos])}
    for precision in ("fp32", "int8"):
        for runtime in ("onnxruntime", "openvino"):
            if find_spec(runtime):
                command = [sys.executable, SIDE, "boxable", "original", photos, precision, runtime]
                found[f"Boxable {precision} {runtime}"] = Side(command)
    return found


def write_photos(source: Path, file: Path) -> int:
    """Write evenly spread images of a folder as arrays for both sides; returns their number."""
    paths = [picture.path for picture in expand([source])]
    chosen = paths[:: max(1, len(paths) // PHOTOS)][:PHOTOS]
    arrays = {}
    for number, path in enumerate(chosen):
        with Image.open(path) as image:
            arrays[str(number)] = np.asarray(image.convert("RGB"), np.float32)[None] / 255
    np.savez(file, **arrays)
    return len(chosen)


@contextmanager
def running(side: Side) -> Iterator[subprocess.Popen]:
    """Its process, opened; notes how long that took."""
    with subprocess.Popen(side.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        side.load.append(answer(process)["load"])
        yield process
        process.stdin.close()


def answer(process: subprocess.Popen) -> dict:
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"{' '.join(map(str, process.args))} ended; run it by hand to see why")
    return json.loads(line)


def ask(process: subprocess.Popen, photo: int) -> dict:
    """Ask for the detections in an image, and the seconds they took."""
    process.stdin.write(f"{photo}\n")
    process.stdin.flush()
    return answer(process)


def measure(compared: dict[str, Side], photos: int, processes: int, rounds: int) -> None:
    """Fresh processes one after the other, and then all at once, in turn."""
    for _ in range(processes):
        for side in compared.values():
            with running(side) as process:
                answers = [ask(process, photo) for photo in range(photos)]
            side.first.append(answers[0]["seconds"])
            side.memory.append(answers[-1]["memory"] / 2**20)
            side.detections = answers[0]
    with ExitStack() as stack:
        opened = [(side, stack.enter_context(running(side))) for side in compared.values()]
        for number in range(-1, rounds):
            for photo in range(photos):
                for side, process in opened:
                    time.sleep(SETTLE_S)
                    found = ask(process, photo)
                    if number >= 0:
                        side.image.append(found["seconds"])
                        side.processor.append(found["processor"])


def unmatched(expected: dict[str, list], found: dict[str, list]) -> int:
    """Count detections of either side without one of the same class, score and box on the other."""
    rest = list(zip(*found_columns(found), strict=True))
    missing = 0
    for label, score, box in zip(*found_columns(expected), strict=True):
        same = [
            item
            for item in rest
            if item[0] == label and abs(item[1] - score) <= SCORE_BOUND and np.abs(item[2] - box).max() <= BOX_BOUND
        ]
        if same:
            rest = [item for item in rest if item is not same[0]]
        else:
            missing += 1
    return missing + len(rest)


def found_columns(found: dict[str, list]) -> tuple[list[int], list[float], np.ndarray]:
    return found["detection_class_labels"], found["detection_scores"], np.array(found["detection_boxes"])


def figures(compared: dict[str, Side]) -> dict[str, Figure]:
    result = {}
    for name, side in compared.items():
        result[f"{name}: image to detections, median"] = figure(median(side.image) * 1000, "ms")
        result[f"{name}: of the processor, median"] = figure(median(side.processor) * 1000, "ms")
        result[f"{name}: opening"] = figure(median(side.load), "s")
        result[f"{name}: opening, slowest"] = figure(max(side.load), "s")
        result[f"{name}: first call"] = figure(median(side.first), "s")
        result[f"{name}: memory at most"] = figure(max(side.memory), "MB")
    original = compared[ORIGINAL]
    for name, side in compared.items():
        if side is original:
            continue
        exact = "fp32" in name
        faster = median(original.image) / median(side.image)
        result[f"{ORIGINAL} / {name}: image to detections"] = figure(faster, "x", ">= 3" if exact else ">= 6")
        busy = median(original.processor) / median(side.processor)
        result[f"{ORIGINAL} / {name}: of the processor"] = figure(busy, "x")
        result[f"{ORIGINAL} / {name}: opening"] = figure(median(original.load) / median(side.load), "x", ">= 20")
        result[f"{ORIGINAL} / {name}: first call"] = figure(median(original.first) / median(side.first), "x", ">= 50")
        result[f"{ORIGINAL} / {name}: memory"] = figure(max(original.memory) / max(side.memory), "x", ">= 6")
        if exact:
            apart = unmatched(original.detections, side.detections)
            result[f"{name}: detections that only one of the two has, first photo"] = figure(apart, "", "<= 0")
    return result


def summary(compared: dict[str, Side]) -> list[list[str]]:
    """Rows of the page's table: each side, and how many times as good it is as the original."""
    rows = [["", "an image", "of the processor", "opening", "first call", "memory at most"]]
    original = compared[ORIGINAL]
    for name, side in compared.items():
        values = [
            (f"{median(side.image) * 1000:.1f} ms", median(original.image) / median(side.image)),
            (f"{median(side.processor) * 1000:.1f} ms", median(original.processor) / median(side.processor)),
            (f"{median(side.load):.2f} s", median(original.load) / median(side.load)),
            (f"{median(side.first):.3f} s", median(original.first) / median(side.first)),
            (f"{max(side.memory):.0f} MB", max(original.memory) / max(side.memory)),
        ]
        times = "" if side is original else " ({:.1f}x)"
        rows.append([name, *(shown + times.format(ratio) for shown, ratio in values)])
    return rows


def main() -> None:
    parser = arguments(__doc__.splitlines()[0])
    module, python = ROOT / "build" / "original" / "hub_constants", ROOT / ".venv-tensorflow" / "bin" / "python"
    parser.add_argument("--module", type=Path, default=module, metavar="DIR", help="the TF-Hub module, unpacked")
    parser.add_argument("--python", type=Path, default=python, metavar="FILE", help="an interpreter with TensorFlow")
    parser.add_argument("--images", type=Path, default=BESIDE if BESIDE.is_dir() else ROOT / "examples", metavar="DIR")
    parser.add_argument("--processes", type=int, default=3, metavar="N", help="fresh processes of each (default: 3)")
    parser.add_argument("--docs", type=Path, metavar="DIR", help="also write the table into the page in this folder")
    parser.set_defaults(rounds=10)
    options = parser.parse_args()
    for path in (options.module, options.python):
        if not path.exists():
            sys.exit(f"{path} is not there; make test-tensorflow makes both, or give --module and --python")
    # The children inherit it.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    about = machine(("boxable", "numpy", "onnxruntime", "openvino"))
    with TemporaryDirectory() as folder:
        photos = write_photos(options.images, Path(folder) / "photos.npz")
        compared = sides(options.module, options.python, Path(folder), options.images)
        measure(compared, photos, options.processes, options.rounds)
    about |= {"photos": photos}
    report(figures(compared), about, options.out)
    if options.docs:
        write_part(options.docs / "speed.md", "tf-hub", f"{table(summary(compared))}\n\nMachine: {sentence(about)}")


if __name__ == "__main__":
    main()
