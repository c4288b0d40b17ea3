"""What people write today: LiteRT on the published .tflite file, Pillow for decode and resize, plain NumPy after it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from boxable.bench import baseline, peers
from boxable.networks.anchors import ssd_anchors

# Who is measured against it: what `boxable.load` is given. Each begins with its precision; the first is the default.
PEER = "LiteRT + Pillow + NumPy"
WAYS: dict[str, dict[str, Any]] = {
    "fp32, ONNX Runtime": {},
    "fp32, OpenVINO": {"runtime": "openvino"},
    "fp32, LiteRT": {"runtime": "litert"},
    "int8, ONNX Runtime": {"precision": "int8"},
    "int8, OpenVINO": {"precision": "int8", "runtime": "openvino"},
    "int8, LiteRT": {"precision": "int8", "runtime": "litert"},
}
DEFAULT = next(iter(WAYS))
ANCHORS = ssd_anchors((19, 10, 5, 3, 2, 1))


def plain_postprocess(codes: np.ndarray, logits: np.ndarray, threshold: float) -> baseline.Found:
    """Score, column and box of each detection."""
    return baseline.baseline_postprocess(codes, logits, ANCHORS, threshold)


def litert(network: bytes, threads: int) -> Callable[[bytes, float], object]:
    """JPEG bytes and threshold to detections, with LiteRT and Pillow."""
    from ai_edge_litert.interpreter import Interpreter

    run = peers.tflite_run(Interpreter, network, threads)

    def detect(jpeg: bytes, threshold: float) -> object:
        codes, logits = run(baseline.baseline_preprocess(baseline.baseline_decode(jpeg), 300))
        return plain_postprocess(codes, logits, threshold)

    return detect


def published_network() -> bytes:
    """Return the published .tflite file, cached after the first download."""
    return peers.published_network("ssd23")
