"""OpenVINO on the CPU: often the quickest on Intel and AMD, and the one that has bfloat16."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.errors import MissingExtraError, WeightsError

Floats = NDArray[np.float32]


class OpenVinoRuntime:
    """A compiled graph, ready to run; as OnnxRuntime. With `bfloat16` sums and products are in bfloat16.

    Raises MissingExtraError without OpenVINO, and WeightsError, which begins with `name`, if the graph cannot be read.
    """

    def __init__(self, graph: bytes, name: str, threads: int, *, bfloat16: bool = False) -> None:
        try:
            import openvino
        except ImportError:
            raise MissingExtraError("the OpenVINO runtime", "boxable[openvino]") from None
        options = {
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 else "f32",
            "PERFORMANCE_HINT": "LATENCY",
        }
        core = openvino.Core()
        try:
            model = core.read_model(graph)
            self._compiled: Any = core.compile_model(model, "CPU", options)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:160]
            raise WeightsError(f"{name}: OpenVINO cannot read this graph ({reason})") from None
        self._metadata = _metadata(model)

    @property
    def metadata(self) -> Mapping[str, str]:
        """The string table stored in the graph."""
        return self._metadata

    @property
    def shapes(self) -> dict[str, list[int | str]]:
        """Shape of each input and output of the graph; names stand for sizes that are free."""
        ports = (*self._compiled.inputs, *self._compiled.outputs)
        return {
            port.any_name: ["batch" if side.is_dynamic else side.get_length() for side in port.partial_shape]
            for port in ports
        }

    def run(self, images: Floats) -> tuple[Floats, Floats]:
        """Box codes `[B, anchors, 4]` and class logits `[B, anchors, classes + 1]` of images `[B, size, size, 3]`."""
        # A request of its own for each call: one may be used by one thread only.
        found = self._compiled.create_infer_request().infer({"images": images}, share_inputs=True)
        return found["box_encodings"], found["class_logits"]


def _metadata(model: Any) -> dict[str, str]:
    framework = dict(model.get_rt_info().items()).get("framework", {})
    return {str(key): str(value.value) for key, value in dict(framework).items()}
