"""LiteRT, formerly TensorFlow Lite, on the CPU; it gets the graph as a TFLite file."""

import os
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from boxable.errors import MissingExtraError, WeightsError
from boxable.runtimes.fixed_batch import in_batches
from boxable.weights.model import Description

Floats = NDArray[np.float32]

# LiteRT writes it when it first opens something in a process, and has no setting against it.
_NOTICE = b"INFO: Created TensorFlow Lite XNNPACK delegate"
_noticed, _opening = threading.Event(), threading.Lock()


class LiteRtRuntime:
    """A compiled graph in float32, ready to run. `run` may be called from many threads at once.

    Those that run at the same time have an interpreter each, of `threads` threads and with a copy of the weights, and
    each takes `batch` images at a time. Raises MissingExtraError without LiteRT, and WeightsError, which begins with
    `name`, if the graph cannot be read.
    """

    def __init__(self, graph: bytes, name: str, threads: int, batch: int = 1) -> None:
        _interpreter_class()
        from boxable.networks.onnx_graph import read_onnx  # draws in onnx
        from boxable.networks.tflite_graph import build_tflite

        self._metadata, weights = read_onnx(graph, name)
        network = Description.from_metadata(self._metadata, name).network
        self._file, self._threads, self._batch = build_tflite(network, weights, batch), threads, batch
        try:
            first = self._open()
        except (RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())[:160]
            raise WeightsError(f"{name}: LiteRT cannot read this graph ({reason})") from None
        details = (*first.get_input_details(), *first.get_output_details())
        self._shapes: dict[str, list[int | str]] = {item["name"]: item["shape"].tolist() for item in details}
        self._tensors: dict[str, int] = {item["name"]: item["index"] for item in details}
        self._idle = deque([first])

    @property
    def metadata(self) -> Mapping[str, str]:
        """The string table stored in the graph."""
        return self._metadata

    @property
    def shapes(self) -> dict[str, list[int | str]]:
        """Shape of each input and output of the graph; the first side is the batch."""
        return self._shapes

    def run(self, images: Floats) -> tuple[Floats, Floats]:
        """Box codes `[B, anchors, 4]` and class logits `[B, anchors, classes + 1]` of images `[B, size, size, 3]`."""
        return in_batches(images, self._batch, self._run)

    def _run(self, images: Floats) -> tuple[Floats, Floats]:
        try:
            interpreter = self._idle.pop()
        except IndexError:
            interpreter = self._open()
        try:
            interpreter.set_tensor(self._tensors["images"], images)
            interpreter.invoke()
            codes, logits = (interpreter.get_tensor(self._tensors[name]) for name in ("box_encodings", "class_logits"))
        finally:
            self._idle.append(interpreter)
        return codes, logits

    def _open(self) -> Any:
        with _opening, _without_notice():
            interpreter = _interpreter_class()(model_content=self._file, num_threads=self._threads)
            interpreter.allocate_tensors()
            _noticed.set()
        return interpreter


def _interpreter_class() -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        raise MissingExtraError("the LiteRT runtime", "boxable[litert]") from None
    return Interpreter


@contextmanager
def _without_notice() -> Iterator[None]:
    """What is written to stderr meanwhile comes afterwards, without LiteRT's notice."""
    held = _room()
    if held is None:
        yield
        return
    with held:
        stderr = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            os.write(2, b"".join(line for line in held if not line.startswith(_NOTICE)))


def _room() -> IO[bytes] | None:
    """A file to hold stderr in, where there is something to hold."""
    if not _noticed.is_set() and sys.stderr is not None:
        with suppress(OSError):  # a system without a place for such files shows the notice
            return TemporaryFile()
    return None
