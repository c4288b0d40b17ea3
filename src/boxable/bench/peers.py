"""Other libraries as candidates, each used as its documentation says: one function per peer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from boxable.bench.baseline import Floats, Run, baseline_candidate
from boxable.bench.candidate import DECODE, NETWORK, POSTPROCESS, RESIZE, Candidate, timed
from boxable.detection import DEFAULT_MIN_SCORE
from boxable.detection.detector import Detector
from boxable.errors import ArgumentError, BoxableError
from boxable.files import write_atomically
from boxable.runtimes.telemetry import import_openvino, import_ultralytics
from boxable.settings import home
from boxable.weights.cards import get_card
from boxable.weights.published_tflite import fetch_tflite
from boxable.weights.pull import open_model


@dataclass(frozen=True, slots=True)
class Subject:
    """The model that peers are compared with, as named and opened; and the weights of Ultralytics."""

    model: str | None
    detector: Detector
    threads: int
    ultralytics: Path | None = None


def open_peers(names: Sequence[str] | None, subject: Subject) -> tuple[list[Candidate], dict[str, str]]:
    """Open peers by name (None: all), and return the reason for each that cannot run. Raises ArgumentError."""
    unknown = [name for name in names or () if name not in PEERS]
    if unknown:
        raise ArgumentError(f"peers: expected one or more of {', '.join(PEERS)}, or none, got {unknown[0]!r}")
    opened, left_out = [], {}
    for name in PEERS if names is None else dict.fromkeys(names):
        try:
            opened.append(PEERS[name](subject))
        except ImportError:
            left_out[name] = "not installed"
        except BoxableError as error:
            left_out[name] = str(error)
    return opened, left_out


def published_network(handle: str) -> bytes:
    """Return the published .tflite file of a network, cached after the first download. Raises BoxableError."""
    card = get_card(handle)
    if card is None or card.source.format != "tflite":
        raise BoxableError("this network was not published as a .tflite file")
    kept = home() / "benchmarks" / f"{card.alias}.tflite"
    if not kept.exists():
        write_atomically(kept, fetch_tflite(card))
    return kept.read_bytes()


def _litert(subject: Subject) -> Candidate:
    from ai_edge_litert.interpreter import Interpreter

    network = published_network(subject.detector.handle)
    return baseline_candidate("LiteRT + Pillow", tflite_run(Interpreter, network, subject.threads), subject.detector)


def _tensorflow(subject: Subject) -> Candidate:
    if find_spec("tensorflow") is None:  # importing it takes seconds, so that comes last
        raise ModuleNotFoundError("tensorflow")
    network = published_network(subject.detector.handle)
    import tensorflow

    if not hasattr(tensorflow, "lite"):
        raise BoxableError("this version has no tf.lite; LiteRT took its place")
    run = tflite_run(tensorflow.lite.Interpreter, network, subject.threads)
    return baseline_candidate("TensorFlow + Pillow", run, subject.detector)


def tflite_run(interpreter_class: Callable[..., Any], network: bytes, threads: int) -> Run:
    """Make a function that runs a .tflite network with an interpreter class."""
    interpreter = interpreter_class(model_content=network, num_threads=threads)
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    codes, logits = (
        item["index"] for item in sorted(interpreter.get_output_details(), key=lambda item: item["shape"][-1])
    )

    def run(image: Floats) -> tuple[Floats, Floats]:
        interpreter.set_tensor(source, image)
        interpreter.invoke()
        return interpreter.get_tensor(codes)[0], interpreter.get_tensor(logits)[0]

    return run


def _openvino(subject: Subject) -> Candidate:
    openvino = import_openvino()
    size = subject.detector.network.preprocess.size[0]
    core = openvino.Core()
    compiled_model = open_model(subject.model)
    (graph,) = compiled_model.description.network.graphs
    model = core.read_model(compiled_model.onnx(graph, "fp32"))
    model.reshape({"images": [1, size, size, 3]})
    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": subject.threads}
    compiled = core.compile_model(model, "CPU", options)
    kind = str(compiled.get_property("INFERENCE_PRECISION_HINT").to_string())  # it takes bf16 where it can
    request = compiled.create_infer_request()

    def run(image: Floats) -> tuple[Floats, Floats]:
        found = request.infer({"images": image}, share_inputs=True)
        return found["box_encodings"][0], found["class_logits"][0]

    return baseline_candidate(f"OpenVINO {kind} + Pillow", run, subject.detector)


def _ultralytics(subject: Subject) -> Candidate:
    if subject.ultralytics is None:
        raise BoxableError("name its weights with --ultralytics FILE")
    import cv2
    import numpy as np
    import torch

    ultralytics = import_ultralytics()

    torch.set_num_threads(subject.threads)
    try:
        model = ultralytics.YOLO(str(subject.ultralytics), task="detect", verbose=False)
    except Exception as error:  # of any kind
        reason = " ".join(str(error).split())[:160]
        raise BoxableError(f"{subject.ultralytics}: Ultralytics cannot read it ({reason})") from None
    asked: dict[str, Any] = {"conf": DEFAULT_MIN_SCORE, "device": "cpu", "verbose": False}

    def decode(content: bytes) -> Any:
        return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)

    def stages(content: bytes) -> dict[str, float]:
        image: list[Any] = []
        seconds = timed({DECODE: lambda data: image.append(decode(data))}, content)
        speed = model.predict(image[0], **asked)[0].speed  # its own measurement, in milliseconds
        own = {RESIZE: "preprocess", NETWORK: "inference", POSTPROCESS: "postprocess"}
        return seconds | {stage: speed[name] / 1000 for stage, name in own.items()}

    return Candidate(
        f"Ultralytics {subject.ultralytics.name}",
        stages,
        whole=lambda content: model.predict(decode(content), **asked),
        folder=lambda files: list(model.predict([str(file) for file in files], stream=True, **asked)),
    )


PEERS: dict[str, Callable[[Subject], Candidate]] = {
    "litert": _litert,
    "openvino": _openvino,
    "tensorflow": _tensorflow,
    "ultralytics": _ultralytics,
}
