"""ONNX Runtime: the default; on the CPU, or wherever one of its providers computes."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from boxable.errors import ArgumentError, WeightsError

Floats = NDArray[np.float32]

CPU = "CPUExecutionProvider"


def has_provider(provider: str) -> bool:
    """Whether the installed ONNX Runtime has it."""
    import onnxruntime

    return provider in onnxruntime.get_available_providers()


class OnnxRuntime:
    """A compiled graph, ready to run. `run` may be called from many threads at once.

    `threads` is how many work on one batch. Raises WeightsError, which begins with `name`, if the graph cannot be read,
    and ArgumentError where the provider is not here.
    """

    def __init__(self, graph: bytes, name: str, threads: int, provider: str = CPU) -> None:
        import onnxruntime

        if not has_provider(provider):
            found = ", ".join(onnxruntime.get_available_providers())
            raise ArgumentError(f"this ONNX Runtime has no {provider}, only {found}; install the build that has it")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            # What a provider cannot do is done on the CPU.
            providers = list(dict.fromkeys([provider, CPU]))
            self._session = onnxruntime.InferenceSession(graph, options, providers=providers)
        # Its exception classes share no base of their own.
        except Exception as error:
            reason = str(error).splitlines()[0][:160]
            raise WeightsError(f"{name}: ONNX Runtime cannot read this graph ({reason})") from None
        used = self._session.get_providers()
        if used[0] != provider:  # it goes on without one that does not find its device or libraries
            raise ArgumentError(f"{provider} does not work here: ONNX Runtime went on with {', '.join(used)}")

    @property
    def metadata(self) -> Mapping[str, str]:
        """The string table stored in the graph."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    @property
    def shapes(self) -> dict[str, list[int | str]]:
        """Shape of each input and output of the graph; the first side is the batch."""
        return {item.name: list(item.shape) for item in (*self._session.get_inputs(), *self._session.get_outputs())}

    def run(self, images: Floats) -> tuple[Floats, Floats]:
        """Box codes `[B, anchors, 4]` and class logits `[B, anchors, classes + 1]` of images `[B, size, size, 3]`."""
        codes, logits = self._session.run(["box_encodings", "class_logits"], {"images": images})
        return codes, logits

    def tensors(self, images: Floats, names: Sequence[str]) -> list[Floats]:
        """These outputs of the graph, which may have more than `run` gives, for images `[B, size, size, 3]`."""
        found: list[Floats] = self._session.run(list(names), {"images": images})
        return found
