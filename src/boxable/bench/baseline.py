"""Baseline: a network with Pillow before it and plain NumPy after it, one file after the other."""

import io
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from boxable.bench.accuracy import of_peer
from boxable.bench.candidate import DECODE, NETWORK, POSTPROCESS, RESIZE, Candidate, timed
from boxable.boxes import clip, decode, iou
from boxable.detection import DEFAULT_MIN_SCORE
from boxable.detection.detector import Detector
from boxable.errors import BoxableError
from boxable.formats.record import DetectionRecord
from boxable.networks.heads.nms import sigmoid
from boxable.networks.heads.rules import IOU_THRESHOLD, MAX_TOTAL
from boxable.networks.heads.ssd import SsdHead
from boxable.networks.network import Network

Floats = NDArray[np.float32]
Found = list[tuple[float, int, Floats]]
# Box codes `[anchors, 4]` and class logits `[anchors, classes + 1]` of an image `[1, size, size, 3]`.
Run = Callable[[Floats], tuple[Floats, Floats]]
# What the published networks have as threshold: with it an evaluation gets the 100 best.
_WEAKEST = 1e-8


def baseline_candidate(name: str, run: Run, detector: Detector) -> Candidate:
    """Make a baseline of the detector's network, run by `run`, with plain code around it."""
    size, anchors, classes = detector.network.preprocess.size[0], anchors_of(detector.network), tuple(detector.classes)
    steps: dict[str, Callable[[Any], Any]] = {
        DECODE: baseline_decode,
        RESIZE: lambda image: baseline_preprocess(image, size),
        NETWORK: run,
        POSTPROCESS: lambda heads: baseline_postprocess(heads[0], heads[1], anchors, DEFAULT_MIN_SCORE),
    }

    def detect(content: bytes, threshold: float) -> Found:
        codes, logits = run(baseline_preprocess(baseline_decode(content), size))
        return baseline_postprocess(codes, logits, anchors, threshold)

    def folder(files: Sequence[Path]) -> object:
        return deque((detect(file.read_bytes(), DEFAULT_MIN_SCORE) for file in files), maxlen=0)

    def find(content: bytes) -> list[DetectionRecord]:
        best = ((classes[column], score, box) for score, column, box in detect(content, _WEAKEST))
        return [
            {"label_id": item.label_id, "mid": item.mid, "name": item.name, "score": score, "box": box.tolist()}
            for item, score, box in best
        ]

    return Candidate(
        name,
        stages=lambda content: timed(steps, content),
        whole=lambda content: detect(content, DEFAULT_MIN_SCORE),
        folder=folder,
        accuracy=lambda data: of_peer(data, find, detector.classes),
    )


def anchors_of(network: Network) -> Floats:
    """Return the anchors `[anchors, 4]` of a single-shot network. Raises BoxableError for another."""
    if not isinstance(network.head, SsdHead):
        raise BoxableError(f"expected a single-shot network to compare with, got {network.name}")
    return network.head.anchors


def baseline_decode(content: bytes) -> Image.Image:
    """Decode an image to RGB."""
    with Image.open(io.BytesIO(content)) as image:
        return image.convert("RGB")


def baseline_preprocess(image: Image.Image, size: int) -> Floats:
    """Resize and normalize an image: float32 `[1, size, size, 3]`, -1..1."""
    small = image.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(small, np.float32)[None] * np.float32(2 / 255) - np.float32(1)


def baseline_postprocess(codes: Floats, logits: Floats, anchors: Floats, threshold: float) -> Found:
    """Post-process as it is usually written: decode all, sigmoid all, greedy NMS per class, sort, first 100.

    Score, column and box of each.
    """
    boxes = decode(codes, anchors)
    scores = sigmoid(logits[:, 1:])
    found: Found = []
    for column in range(scores.shape[1]):
        of_class = scores[:, column]
        rows = np.flatnonzero(of_class > threshold)
        rows = rows[np.argsort(-of_class[rows], kind="stable")]
        for _ in range(MAX_TOTAL):
            if len(rows) == 0:
                break
            found.append((float(of_class[rows[0]]), column, boxes[rows[0]]))
            rows = rows[1:][iou(boxes[rows[0]], boxes[rows[1:]]) <= IOU_THRESHOLD]
    best = sorted(found, key=lambda item: -item[0])[:MAX_TOTAL]
    return [(score, column, clip(box[None])[0]) for score, column, box in best]
