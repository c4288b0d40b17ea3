"""OpenVINO on the CPU: often the quickest on Intel and AMD, and the one that has bfloat16."""

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.errors import MissingExtraError, WeightsError
from boxable.runtimes.fixed_batch import in_batches

Floats = NDArray[np.float32]


class OpenVinoRuntime:
    """A compiled graph, ready to run. `run` may be called from many threads at once.

    `callers` is how many will be, each with `batch` images at a time; the threads are shared out among them. With
    `bfloat16` what is not int8 computes in it, where the processor does. Raises MissingExtraError without OpenVINO, and
    WeightsError, which begins with `name`, if the graph cannot be read.
    """

    def __init__(
        self, graph: bytes, name: str, threads: int, *, callers: int = 1, batch: int = 1, bfloat16: bool = False
    ) -> None:
        try:
            import openvino
        except (ImportError, OSError):  # OSError: a library that it needs
            raise MissingExtraError("the OpenVINO runtime", "boxable[openvino]") from None
        core = openvino.Core()
        options = compile_options(core, threads, callers, bfloat16=bfloat16)
        try:
            model = core.read_model(graph)
            self._metadata = _metadata(model)
            # With a batch of any size the same graph takes up to half as long again.
            model.reshape({port: [batch, *port.partial_shape[1:]] for port in model.inputs})
            self._compiled: Any = core.compile_model(model, "CPU", options)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:160]
            raise WeightsError(f"{name}: OpenVINO cannot read this graph ({reason})") from None
        self._batch = batch
        self._mine = threading.local()

    @property
    def metadata(self) -> Mapping[str, str]:
        """The string table stored in the graph."""
        return self._metadata

    @property
    def shapes(self) -> dict[str, list[int | str]]:
        """Shape of each input and output of the graph; the first side is the batch."""
        return {port.any_name: list(port.shape) for port in (*self._compiled.inputs, *self._compiled.outputs)}

    def run(self, images: Floats) -> tuple[Floats, Floats]:
        """Box codes `[B, anchors, 4]` and class logits `[B, anchors, classes + 1]` of images `[B, size, size, 3]`.

        Both are good until this thread's next call.
        """
        return in_batches(images, self._batch, self._run)

    def _run(self, images: Floats) -> tuple[Floats, Floats]:
        # Not copied: of 601 classes that would be 4.6 MB a picture.
        found = self._request.infer({"images": images}, share_inputs=True, share_outputs=True)
        return found["box_encodings"], found["class_logits"]

    @property
    def _request(self) -> Any:
        """The one of this thread: none may be used by two."""
        if not hasattr(self._mine, "request"):
            self._mine.request = self._compiled.create_infer_request()
        return self._mine.request


def compile_options(core: Any, threads: int, callers: int, *, bfloat16: bool) -> dict[str, int | str]:
    """How a graph is compiled for the CPU: bfloat16 only where the processor has it."""
    native = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": callers,
        "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 and native else "f32",
    }


def _metadata(model: Any) -> dict[str, str]:
    framework = dict(model.get_rt_info().items()).get("framework", {})
    return {str(key): str(value.value) for key, value in dict(framework).items()}
