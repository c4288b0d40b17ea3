"""One of the sides that `faster_rcnn.py` compares, in a process and with an interpreter of its own.

    python benchmarks/faster_rcnn_side.py original SCRIPT PHOTOS           # where the original's environment is
    python benchmarks/faster_rcnn_side.py boxable MODEL PHOTOS PRECISION PROPOSALS

SCRIPT builds the original graph with formula weights. The rest is as in `tf_hub_side.py`.
"""

import time
from importlib.util import module_from_spec, spec_from_file_location

import numpy as np
from tf_hub_side import FIELDS, Detect, serve


def original(script: str) -> tuple[Detect, float]:
    """Build the original graph and fill its variables; importing TensorFlow is not counted."""
    spec = spec_from_file_location("original", script)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    start = time.perf_counter()
    graph, image, tensors, variables, _ = module.build()
    session = module.session(graph, 2)
    module.load(session, variables, module.formula())
    seconds = time.perf_counter() - start
    wanted = {name: tensors[name] for name in module.FINAL}

    def detect(pixels: np.ndarray) -> dict[str, np.ndarray]:
        found = session.run(wanted, {image: pixels})
        count = int(found["num_detections"][0])
        labels = found["detection_classes"][0, :count].astype(int) + 1
        scores, boxes = (found[f"detection_{name}"][0, :count] for name in ("scores", "boxes"))
        return dict(zip(FIELDS, (labels, scores, boxes), strict=True))

    return detect, seconds


def boxable(model: str, precision: str, proposals: str) -> tuple[Detect, float]:
    """Open an installed model with Boxable; importing it and the runtime is counted."""
    start = time.perf_counter()
    from boxable import load

    detector = load(model, precision=precision, proposals=int(proposals), batch_size=1)
    seconds = time.perf_counter() - start

    def detect(pixels: np.ndarray) -> dict[str, np.ndarray]:
        found = detector(pixels[0], min_score=0)
        return dict(zip(FIELDS, (found.label_ids, found.scores, found.boxes), strict=True))

    return detect, seconds


if __name__ == "__main__":
    serve({"original": original, "boxable": boxable})
