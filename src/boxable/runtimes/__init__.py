"""Give me the raw heads for this batch: what runs a compiled graph, behind one interface."""

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from boxable.errors import ArgumentError
from boxable.runtimes.onnx_runtime import Floats, OnnxRuntime
from boxable.runtimes.openvino_runtime import OpenVinoRuntime

RuntimeName = Literal["onnxruntime", "openvino"]
Precision = Literal["fp32", "bf16", "int8"]


class Runtime(Protocol):
    """A graph, compiled and ready; `run` may be called from many threads at once."""

    @property
    def metadata(self) -> Mapping[str, str]:
        """The string table stored in the graph."""
        ...

    @property
    def shapes(self) -> dict[str, list[int | str]]:
        """Shape of each input and output of the graph; names stand for sizes that are free."""
        ...

    def run(self, images: Floats) -> tuple[Floats, Floats]:
        """Box codes `[B, anchors, 4]` and class logits `[B, anchors, classes + 1]` of images `[B, size, size, 3]`."""
        ...


_RUNTIMES: dict[str, Callable[..., Runtime]] = {"onnxruntime": OnnxRuntime, "openvino": OpenVinoRuntime}


def open_runtime(kind: str, graph: bytes, name: str, threads: int, precision: str) -> Runtime:
    """Open a graph on a runtime. Raises ArgumentError for names that do not exist or do not go together."""
    if kind not in _RUNTIMES:
        raise ArgumentError(f"runtime={kind!r} came; expected one of {', '.join(_RUNTIMES)}")
    if precision == "bf16":
        if kind != "openvino":
            raise ArgumentError("precision='bf16' came for onnxruntime; bfloat16 needs runtime='openvino'")
        return OpenVinoRuntime(graph, name, threads, bfloat16=True)
    return _RUNTIMES[kind](graph, name, threads)
