"""ONNX Runtime on the CPU: the default."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from boxable.errors import WeightsError

Floats = NDArray[np.float32]


class OnnxRuntime:
    """A compiled graph, ready to run. `run` may be called from many threads at once.

    `threads` is how many work on one batch. Raises WeightsError, which begins with `name`, if the graph cannot be read.
    """

    def __init__(self, graph: bytes, name: str, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        # Its exception classes share no base of their own.
        except Exception as error:
            reason = str(error).splitlines()[0][:160]
            raise WeightsError(f"{name}: ONNX Runtime cannot read this graph ({reason})") from None

    @property
    def metadata(self) -> Mapping[str, str]:
        """The string table stored in the graph."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    @property
    def shapes(self) -> dict[str, list[int | str]]:
        """Shape of each input and output of the graph; names stand for sizes that are free."""
        return {item.name: list(item.shape) for item in (*self._session.get_inputs(), *self._session.get_outputs())}

    def run(self, images: Floats) -> tuple[Floats, Floats]:
        """Box codes `[B, anchors, 4]` and class logits `[B, anchors, classes + 1]` of images `[B, size, size, 3]`."""
        codes, logits = self._session.run(["box_encodings", "class_logits"], {"images": images})
        return codes, logits

    def tensors(self, images: Floats, names: Sequence[str]) -> list[Floats]:
        """These outputs of the graph, which may have more than `run` gives, for images `[B, size, size, 3]`."""
        found: list[Floats] = self._session.run(list(names), {"images": images})
        return found
