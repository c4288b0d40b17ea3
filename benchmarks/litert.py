"""What people write today: LiteRT on the published .tflite file, Pillow for decode and resize, plain NumPy after it."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image

from boxable.boxes import clip, decode, iou
from boxable.detection.postprocess import sigmoid
from boxable.files import write_atomically
from boxable.networks.anchors import ssd_anchors
from boxable.settings import home
from boxable.weights.acquire import acquire
from boxable.weights.cards import find_card

ANCHORS = ssd_anchors((19, 10, 5, 3, 2, 1))


def plain_postprocess(codes: np.ndarray, logits: np.ndarray, threshold: float) -> list[tuple[float, int, np.ndarray]]:
    """The way it is usually written: decode all, sigmoid all, one greedy NMS a class, sort, first 100."""
    boxes = decode(codes, ANCHORS)
    scores = sigmoid(logits[:, 1:])
    found: list[tuple[float, int, np.ndarray]] = []
    for column in range(scores.shape[1]):
        of_class = scores[:, column]
        rows = np.flatnonzero(of_class > threshold)
        rows = rows[np.argsort(-of_class[rows], kind="stable")]
        for _ in range(100):
            if len(rows) == 0:
                break
            found.append((float(of_class[rows[0]]), column, boxes[rows[0]]))
            rows = rows[1:][iou(boxes[rows[0]], boxes[rows[1:]]) <= 0.6]
    best = sorted(found, key=lambda item: -item[0])[:100]
    return [(score, column, clip(box[None])[0]) for score, column, box in best]


def litert(network: bytes, threads: int) -> Callable[[bytes, float], object]:
    """JPEG bytes and threshold to detections, with LiteRT and Pillow."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=network, num_threads=threads)
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    outputs = {item["shape"][-1]: item["index"] for item in interpreter.get_output_details()}

    def detect(jpeg: bytes, threshold: float) -> object:
        with Image.open(io.BytesIO(jpeg)) as image:
            small = image.convert("RGB").resize((300, 300), Image.Resampling.BILINEAR)
        interpreter.set_tensor(source, np.asarray(small, np.float32)[None] * np.float32(2 / 255) - np.float32(1))
        interpreter.invoke()
        codes, logits = (interpreter.get_tensor(outputs[size])[0] for size in (4, 24))
        return plain_postprocess(codes, logits, threshold)

    return detect


def published_network() -> bytes:
    """The published .tflite file, kept after the first fetch."""
    kept = home() / "benchmarks" / "ssd23.tflite"
    if not kept.exists():
        write_atomically(kept, acquire(find_card("ssd23")))
    return kept.read_bytes()
