"""One of the two that `tf_hub.py` compares, in a process and with an interpreter of its own.

    python benchmarks/tf_hub_side.py original MODULE PHOTOS        # where TensorFlow and tensorflow_hub are installed
    python benchmarks/tf_hub_side.py boxable MODEL PHOTOS PRECISION RUNTIME

PHOTOS is a .npz file of float32 `[1, H, W, 3]` in 0 to 1, named 0, 1, 2, ... Speaks lines of JSON: first the seconds
that opening took; then for each number of an image on stdin the seconds that it took, by the clock and of the CPU,
the detections, and the most memory that was held so far.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

FIELDS = ("detection_class_labels", "detection_scores", "detection_boxes")

Detect = Callable[[np.ndarray], dict[str, np.ndarray]]


def original(module: str) -> tuple[Detect, float]:
    """Open the TF-Hub module; importing TensorFlow is not counted."""
    os.environ |= {"TF_ENABLE_ONEDNN_OPTS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    import tensorflow
    import tensorflow_hub

    start = time.perf_counter()
    loaded = tensorflow_hub.load(module)
    seconds = time.perf_counter() - start

    def detect(image: np.ndarray) -> dict[str, np.ndarray]:
        found = loaded.signatures["default"](images=tensorflow.constant(image))
        return {name: tensor.numpy() for name, tensor in found.items()}

    return detect, seconds


def boxable(model: str, precision: str, runtime: str) -> tuple[Detect, float]:
    """Open an installed model with Boxable; importing it and the runtime is counted."""
    start = time.perf_counter()
    from boxable import load

    detector = load(model, runtime=runtime, precision=precision)
    seconds = time.perf_counter() - start
    return lambda image: detector(image, as_dict=True), seconds


def most_memory() -> int:
    """Bytes that this process held at most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def serve(sides: dict[str, Callable[..., tuple[Detect, float]]]) -> None:
    """Open the side that the arguments name, and answer for each image."""
    side, model, photos, *how = sys.argv[1:]
    detect, seconds = sides[side](model, *how)
    with np.load(photos) as file:
        images = [file[str(number)] for number in range(len(file.files))]
    print(json.dumps({"load": seconds}), flush=True)
    for line in sys.stdin:
        image = images[int(line)]
        start, busy = time.perf_counter(), time.process_time()
        found = detect(image)
        answer = {"seconds": time.perf_counter() - start, "processor": time.process_time() - busy}
        answer["memory"] = most_memory()
        print(json.dumps(answer | {name: found[name].tolist() for name in FIELDS}), flush=True)


if __name__ == "__main__":
    serve({"original": original, "boxable": boxable})
