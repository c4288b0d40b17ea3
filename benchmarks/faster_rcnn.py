"""Faster R-CNN in Boxable against the original graph: the same weights, images and cores, image by image in turn.

    make .venv/original         # an environment that can run the original
    python benchmarks/faster_rcnn.py --out faster_rcnn.json

Both have formula weights, as the trained ones are the same work. The original is built in TensorFlow's graph mode with
two threads and oneDNN, in a process of its own; its first run, which optimizes the graph, is not counted. Boxable opens
graphs from its cache. The limit is the time of the multiply-adds that are left at the best rate of a matrix product on
one core, times the cores.
"""

import os
import sys
from contextlib import ExitStack
from importlib import import_module
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from machine_limits import probes, rates
from measure import Figure, arguments, figure, interleaved_ms, machine, report
from PIL import Image
from tf_hub import CORES, ROOT, Side, ask, running, unmatched

from boxable.detection.calibrate import calibrate
from boxable.images.sources import expand
from boxable.networks.architectures.faster_rcnn_inception_resnet_v2 import (
    FIRST,
    SECOND,
    faster_rcnn_inception_resnet_v2,
)
from boxable.networks.network import Graph
from boxable.vocabulary import open_images
from boxable.weights.calibrations import SavedCalibration, key_of, save_calibration
from boxable.weights.model import Model
from boxable.weights.pull import open_model
from boxable.weights.store import install, read_file

REFERENCE = ROOT.parent / "shared" / "reference"
PHOTOS = ("chelsea", "astronaut", "coffee")
SIDE = Path(__file__).with_name("faster_rcnn_side.py")
ORIGINAL, HANDLE, CALIBRATION = "original", "formula/faster_rcnn", 8


def formula_model() -> Model:
    sys.path.insert(0, str(REFERENCE / "formula_frcnn"))
    values = import_module("formula").values
    network = faster_rcnn_inception_resnet_v2(601)
    weights = {name: values(name, shape) for name, shape in network.variables.items()}
    return Model(network, weights, open_images(), HANDLE, score_threshold=0.0)


def sides(python: Path, folder: Path, calibration: Path) -> dict[str, Side]:
    os.environ["BOXABLE_HOME"] = str(folder / "home")
    model = formula_model()
    path = install(model)
    measured, count = calibrate(model, islice(expand([calibration]), CALIBRATION))
    save_calibration(key_of(path, read_file(path)), HANDLE, SavedCalibration(measured, count, ()))
    for precision in ("fp32", "int8"):
        compiled = open_model(HANDLE)
        for graph in model.network.graphs:
            compiled.onnx(graph, precision)  # into the cache
    photos = folder / "photos.npz"
    images = {name: np.asarray(Image.open(REFERENCE / "photos" / f"{name}.png").convert("RGB")) for name in PHOTOS}
    np.savez(photos, **{str(number): image[None] for number, image in enumerate(images.values())})
    found = {ORIGINAL: Side([python, "-W", "ignore", SIDE, "original", REFERENCE / "original/faster_rcnn.py", photos])}
    for precision, proposals in (("fp32", 300), ("fp32", 100), ("int8", 300), ("int8", 100)):
        command = [sys.executable, SIDE, "boxable", HANDLE, photos, precision, str(proposals)]
        found[f"Boxable {precision}, {proposals} proposals"] = Side(command)
    return found


def measure(compared: dict[str, Side], rounds: int) -> None:
    """Run each image on each side in turn; the first round is not counted."""
    with ExitStack() as stack:
        opened = [(side, stack.enter_context(running(side))) for side in compared.values()]
        for number in range(-1, rounds):
            for photo in range(len(PHOTOS)):
                for side, process in opened:
                    found = ask(process, photo)
                    if number >= 0:
                        side.image.append(found["seconds"])
                        side.processor.append(found["processor"])
                    elif photo == 0:
                        side.first.append(found["seconds"])
                        side.detections = found
                    side.memory.append(found["memory"] / 2**20)


def gmacs(height: int, width: int, proposals: int) -> float:
    """Billions of multiply-adds of an image that is resized to this size."""
    graphs = faster_rcnn_inception_resnet_v2(601).graphs
    first = Graph(graphs[FIRST].ops, {"images": (height, width, 3)}, graphs[FIRST].outputs)
    work = [sum(layer.macs(graph.input_shapes(layer)) for layer in graph.layers) for graph in (first, graphs[SECOND])]
    return (work[0] + proposals * work[1]) / 1e9


def main() -> None:
    parser = arguments(__doc__.splitlines()[0])
    python = ROOT / ".venv-tensorflow" / "bin" / "python"
    parser.add_argument("--python", type=Path, default=python, metavar="FILE", help="an interpreter with TensorFlow")
    parser.add_argument("--images", type=Path, default=ROOT / "examples", metavar="DIR", help="to calibrate on")
    parser.set_defaults(rounds=5)
    options = parser.parse_args()
    if not options.python.exists():
        sys.exit(f"{options.python} is not there; make .venv/original makes it, or give --python")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])  # the children inherit it
    about = machine(("boxable", "numpy", "onnxruntime"))
    with TemporaryDirectory() as folder:
        compared = sides(options.python, Path(folder), options.images)
        measure(compared, options.rounds)
    report(figures(compared, CORES), about, options.out)


def figures(compared: dict[str, Side], cores: int) -> dict[str, Figure]:
    result: dict[str, Figure] = {}
    original = compared[ORIGINAL]
    for name, side in compared.items():
        result[f"{name}: an image, median"] = figure(median(side.image), "s")
        result[f"{name}: of the processor, median"] = figure(median(side.processor), "s")
        result[f"{name}: opening"] = figure(median(side.load), "s", "" if side is original else "<= 3")
        result[f"{name}: memory at most"] = figure(max(side.memory), "MB", "" if side is original else "<= 2500")
    fp32, fewer = (compared[f"Boxable fp32, {count} proposals"] for count in (300, 100))
    int8 = compared["Boxable int8, 300 proposals"]
    work = [gmacs(600, width, 300) for width in (902, 600, 900)]
    limits = {name: probe for name, probe in probes().items() if probe.kind == "fp32"}
    times = interleaved_ms({name: probe.run for name, probe in limits.items()}, rounds=10)
    best = 2e9 * median(work) / (rates(limits, times)["fp32"] * cores)
    result["original / Boxable fp32"] = figure(median(original.image) / median(fp32.image), "x", ">= 1.05")
    faster = median(original.image) / median(fewer.image)
    result["original / Boxable fp32, 100 proposals"] = figure(faster, "x", ">= 1.7")
    result["Boxable fp32 / int8"] = figure(median(fp32.image) / median(int8.image), "x", ">= 2")
    result["Boxable fp32 / the limit"] = figure(median(fp32.image) / best, "x", "<= 1.25")
    result["detections that one alone has, first photo"] = figure(unmatched(original.detections, fp32.detections), "")
    return result


if __name__ == "__main__":
    main()
