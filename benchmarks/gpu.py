"""On a GPU: uint8 images 300x300 in, detections out, with the torch runtime, in fp32 and fp16.

    pip install -e '.[torch]'
    python benchmarks/gpu.py --out gpu.json
    python benchmarks/gpu.py --device cpu --rounds 3    # the same steps, small: to see that they work

From images in the host's memory to detections there: upload, scaling, network, NMS, download. Against the floor that
the layer table and the device's own rates give (gpu_floor.py). What is found is compared with what ONNX Runtime and
NumPy find on the CPU in the same images. Where torch sees no GPU it says so and exits with 2.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measure import Figure, arguments, figure, interleaved_ms, machine, report
from PIL import Image

from boxable.networks.heads.rules import NmsResult, PostprocessRules
from boxable.runtimes import Concurrency, open_runtime
from boxable.runtimes.torch_runtime import TorchRuntime
from boxable.weights.compiled import Compiled
from boxable.weights.pull import open_model

EXAMPLES = Path(__file__).parent.parent / "examples"
# Images in which detections are compared, and the largest batch that is tried.
COMPARED = {"cuda": 48, "cpu": 6}
LARGEST = {"cuda": 512, "cpu": 2}
# Greatest difference of scores and of box sides from the CPU's, and the least share of detections that are in both:
# where scores or an IoU and its threshold are that near, NMS may choose another one of two boxes.
BOUNDS = {"fp32": ("<= 0.0001", ">= 0.999"), "fp16": ("<= 0.01", ">= 0.99")}


def photos(count: int) -> np.ndarray:
    """Different parts of the example images: uint8 `[count, 300, 300, 3]`."""
    generator = np.random.default_rng(0)
    files = sorted(EXAMPLES.glob("*.png"))
    parts = []
    for number in range(count):
        with Image.open(files[number % len(files)]) as photo:
            width, height = photo.size
            left, top = (int(generator.integers(0, side // 3)) for side in (width, height))
            part = photo.convert("RGB").crop((left, top, left + width * 2 // 3, top + height * 2 // 3))
            parts.append(np.asarray(part.resize((300, 300))))
    return np.stack(parts)


class Batch:
    """A batch on its way through the device: as a CUDA graph where torch can make one, else step by step."""

    def __init__(self, runtime: TorchRuntime, anchors: np.ndarray, images: np.ndarray) -> None:
        import torch

        from boxable.networks.heads.nms_torch import finish, first_pass

        self._rules, self._anchors = PostprocessRules(), torch.tensor(anchors, device=runtime.device)
        self._host = torch.tensor(images, pin_memory=runtime.on_gpu)
        self._images = torch.tensor(images, device=runtime.device)
        self._finish, self._first_pass, self._runtime = finish, first_pass, runtime
        self._launch = captured(self._steps) if runtime.on_gpu else self._steps

    def _steps(self) -> tuple:
        scaled = self._images.float() * (2.0 / 255.0) - 1.0
        outputs = self._runtime.tensors("detector", {"images": scaled})
        codes, logits = outputs["box_encodings"], outputs["class_logits"]
        return self._first_pass(codes, logits, self._anchors, self._rules), codes, logits

    def detect(self) -> list[NmsResult]:
        """Detect in the batch once."""
        self._images.copy_(self._host, non_blocking=True)
        return self._finish(*self._launch(), self._anchors, self._rules)


def captured(steps: Callable[[], tuple]) -> Callable[[], tuple]:
    """Capture the steps as one CUDA graph, which saves their launches; return them as they are where that fails."""
    import torch

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            steps()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph):
            outputs = steps()
    except torch.cuda.OutOfMemoryError:
        raise
    except RuntimeError as error:
        print(f"no CUDA graph: {str(error).splitlines()[0]}", file=sys.stderr)
        return steps

    def replay() -> tuple:
        graph.replay()
        return outputs

    return replay


def differences(found: list[NmsResult], expected: list[NmsResult], within: float) -> tuple[float, float, float]:
    """Share of detections that are in both, and the greatest difference of their scores and of their boxes' sides.

    Detections whose score is within `within` of the last one of a full list do not count: they may fall off its end.
    """
    common, counted, score, side = 0, 0, 0.0, 0.0
    for ours, theirs in zip(found, expected, strict=True):
        places = {place: index for index, place in enumerate(zip(theirs.columns, theirs.anchors, strict=True))}
        last = theirs.scores[-1] + within if len(theirs.scores) == 100 else 0.0
        for index, place in enumerate(zip(ours.columns, ours.anchors, strict=True)):
            other = places.get(place)
            if other is not None:
                score = max(score, abs(float(ours.scores[index]) - float(theirs.scores[other])))
                side = max(side, float(np.abs(ours.boxes[index] - theirs.boxes[other]).max()))
            if other is not None or ours.scores[index] > last:
                counted, common = counted + 1, common + (other is not None)
    return common / max(counted, 1), score, side


def on_cpu(compiled: Compiled, images: np.ndarray) -> list[NmsResult]:
    """Detect with ONNX Runtime and NumPy."""
    runtime, network = open_runtime("onnxruntime", compiled, "fp32", Concurrency(2)), compiled.description.network
    prepared = np.stack([network.preprocess(image) for image in images])
    return [network.head.detect(runtime.run, image[None], PostprocessRules())[0] for image in prepared]


def precision_figures(compiled: Compiled, device: str, precision: str, rounds: int) -> dict[str, Figure]:
    import torch
    from gpu_floor import floor, measured

    runtime = TorchRuntime(compiled, Concurrency(2), half=precision == "fp16")
    network = compiled.description.network
    anchors = network.head.anchors
    images = photos(COMPARED[device])
    within, least = BOUNDS[precision]
    expected, found = on_cpu(compiled, images), Batch(runtime, anchors, images).detect()
    bound = float(within.split()[1])
    one_way, score, side = differences(found, expected, bound)
    other_way = differences(expected, found, bound)[0]
    figures = {
        f"{precision}: share of detections that the CPU finds as well": figure(one_way, "", least),
        f"{precision}: share of the CPU's detections that are found": figure(other_way, "", least),
        f"{precision}: greatest difference of a score": Figure(score, "", within, score <= bound),
        f"{precision}: greatest difference of a box's side": Figure(side, "", within, side <= bound),
    }
    rates = measured(runtime.device, torch.float16 if precision == "fp16" else torch.float32)
    figures |= {
        f"{precision}: memory": figure(rates.memory / 1e9, "GB/s"),
        f"{precision}: upload": figure(rates.upload / 1e9, "GB/s"),
        f"{precision}: matmul": figure(rates.flops / 1e12, "TF/s"),
    }
    times = batch_times(runtime, anchors, rounds, LARGEST[device])
    best = min(times, key=lambda size: times[size] / size)
    for size in sorted({1, best}):
        item_size, label = 2 if precision == "fp16" else 4, f"{precision}, batch of {size}"
        least_ms = floor(network, size, item_size, rates)
        figures |= {
            f"{label}: images to detections": figure(times[size], "ms"),
            f"{label}: images a second": figure(size / times[size] * 1000, "/s"),
            f"{label}: floor by memory": figure(least_ms.memory, "ms"),
            f"{label}: floor by arithmetic": figure(least_ms.arithmetic, "ms"),
            f"{label}: floor, each layer by the worse": figure(least_ms.layers, "ms"),
            f"{label}: floor by upload": figure(least_ms.upload, "ms"),
            f"{label}: measured / floor": figure(times[size] / max(least_ms.layers, least_ms.upload), "x"),
        }
    return figures


def batch_times(runtime: TorchRuntime, anchors: np.ndarray, rounds: int, largest: int) -> dict[int, float]:
    """Median milliseconds of each batch size that the device has room for."""
    import torch

    times: dict[int, float] = {}
    size = 1
    while size <= largest:
        try:
            batch = Batch(runtime, anchors, np.resize(photos(min(size, 48)), (size, 300, 300, 3)))
            times |= {size: interleaved_ms({"batch": batch.detect}, rounds)["batch"]}
        except torch.cuda.OutOfMemoryError:
            break
        size *= 2
    return times


def main() -> None:
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--model", help="a name or file as for boxable.load (default: its default)")
    options = parser.parse_args()
    if options.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    try:
        import torch
    except ImportError:
        sys.exit("torch is not installed; run: pip install 'boxable[torch]'")
    if options.device == "cuda" and not torch.cuda.is_available():
        print("torch sees no CUDA GPU: nothing was measured", file=sys.stderr)
        sys.exit(2)
    torch.backends.cudnn.benchmark = True
    compiled = open_model(options.model)
    figures = {}
    for precision in ("fp32", "fp16") if options.device == "cuda" else ("fp32",):
        figures |= precision_figures(compiled, options.device, precision, options.rounds)
    about = machine(("boxable", "torch", "numpy", "onnxruntime"))
    if options.device == "cuda":
        about["gpu"] = torch.cuda.get_device_name()
    report(figures, about | {"model": compiled.name}, options.out)


if __name__ == "__main__":
    main()
