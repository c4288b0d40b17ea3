"""Give me the raw heads for this batch: what runs a compiled graph, behind one interface."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal, Protocol, get_args

from boxable.errors import ArgumentError
from boxable.runtimes.litert_runtime import LiteRtRuntime
from boxable.runtimes.onnx_runtime import Floats, OnnxRuntime, has_provider
from boxable.runtimes.openvino_runtime import OpenVinoRuntime
from boxable.runtimes.torch_runtime import TorchRuntime, sees_gpu

RuntimeName = Literal["onnxruntime", "openvino", "litert", "cuda", "coreml", "directml", "torch"]
Precision = Literal["fp32", "fp16", "bf16", "int8"]
# What a caller may ask for: one of them, or whichever is the fastest here.
RuntimeChoice = RuntimeName | Literal["auto"]
PrecisionChoice = Precision | Literal["fastest"]


@dataclass(frozen=True, slots=True)
class Use:
    """How a runtime will be called: by so many callers at once, each with batches of this size, on so many threads in
    all.
    """

    threads: int
    callers: int = 1
    batch: int = 1

    @property
    def threads_each(self) -> int:
        """The threads that work on one caller's batch."""
        return max(1, self.threads // self.callers)


class Runtime(Protocol):
    """A graph, compiled and ready; `run` may be called from many threads at once."""

    @property
    def metadata(self) -> Mapping[str, str]:
        """The string table stored in the graph."""
        ...

    @property
    def shapes(self) -> dict[str, list[int | str]]:
        """Shape of each input and output of the graph; the first side is the batch."""
        ...

    def run(self, images: Floats) -> tuple[Floats, Floats]:
        """Box codes `[B, anchors, 4]` and class logits `[B, anchors, classes + 1]` of images `[B, size, size, 3]`.

        Any number of images; the batch that was foreseen is the quickest. Both results are good until the next call
        from the same thread: some runtimes lend their own memory.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Kind:
    """A runtime: what it can compute in, how to open it, and whether it is here."""

    precisions: tuple[Precision, ...]
    open: Callable[[bytes, str, Precision, Use], Runtime]
    is_here: Callable[[], bool]


def _onnx_runtime(provider: str) -> _Kind:
    def open_(graph: bytes, name: str, precision: Precision, use: Use) -> Runtime:
        return OnnxRuntime(graph, name, use.threads_each, provider)

    return _Kind(("fp32", "int8"), open_, lambda: has_provider(provider))


def _openvino(graph: bytes, name: str, precision: Precision, use: Use) -> Runtime:
    return OpenVinoRuntime(graph, name, use.threads, callers=use.callers, batch=use.batch, bfloat16=precision != "fp32")


def _litert(graph: bytes, name: str, precision: Precision, use: Use) -> Runtime:
    return LiteRtRuntime(graph, name, use.threads_each, use.batch)


def _torch(graph: bytes, name: str, precision: Precision, use: Use) -> Runtime:
    return TorchRuntime(graph, name, use.threads_each, half=precision == "fp16")


_KINDS: dict[RuntimeName, _Kind] = {
    "onnxruntime": _onnx_runtime("CPUExecutionProvider"),
    "openvino": _Kind(("fp32", "bf16", "int8"), _openvino, lambda: find_spec("openvino") is not None),
    "litert": _Kind(("fp32",), _litert, lambda: find_spec("ai_edge_litert") is not None),
    "cuda": _onnx_runtime("CUDAExecutionProvider"),
    "coreml": _onnx_runtime("CoreMLExecutionProvider"),
    "directml": _onnx_runtime("DmlExecutionProvider"),
    "torch": _Kind(("fp32", "fp16"), _torch, sees_gpu),
}


def open_runtime(kind: RuntimeName, graph: bytes, name: str, precision: Precision, use: Use) -> Runtime:
    """Open a graph on a runtime. Raises what `check` and the runtime raise."""
    check(kind, precision)
    return _KINDS[kind].open(graph, name, precision, use)


def check(kind: str, precision: str) -> None:
    """Raise ArgumentError unless there is such a runtime, and it computes in this precision."""
    if kind not in _KINDS:
        raise ArgumentError(f"runtime={kind!r} came; expected one of {', '.join(_KINDS)}, auto")
    check_precision(precision)
    if precision not in _KINDS[kind].precisions:
        able = " or ".join(repr(other) for other, item in _KINDS.items() if precision in item.precisions)
        raise ArgumentError(f"precision={precision!r} came for runtime={kind!r}; it needs runtime={able}")


def check_precision(precision: str) -> None:
    """Raise ArgumentError unless there is such a precision."""
    if precision not in get_args(Precision):
        raise ArgumentError(f"precision={precision!r} came; expected one of {', '.join(get_args(Precision))}, fastest")


def precisions_of(kind: RuntimeName) -> tuple[Precision, ...]:
    """What a runtime computes in."""
    return _KINDS[kind].precisions


def precisions_here(kind: RuntimeName) -> tuple[Precision, ...]:
    """What a runtime computes in on this machine; torch has more than the first only on a GPU."""
    item = _KINDS[kind]
    return item.precisions if item.is_here() else item.precisions[:1]


def runtimes_here() -> list[RuntimeName]:
    """The runtimes that are installed, the default first."""
    return [kind for kind, item in _KINDS.items() if item.is_here()]
