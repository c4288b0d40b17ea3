"""Runtimes: what runs the graphs of a model, behind one interface.

To add one: write a module beside this one with a class that has `Runtime.run`, and name it in `_RUNTIMES`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal, get_args

from boxable.errors import ArgumentError
from boxable.runtimes.interface import Concurrency, Runtime
from boxable.runtimes.litert_runtime import LiteRtRuntime
from boxable.runtimes.onnx_runtime import OnnxRuntime, has_provider
from boxable.runtimes.openvino_runtime import OpenVinoRuntime
from boxable.runtimes.per_process import PerProcess
from boxable.runtimes.torch_runtime import TorchRuntime, sees_gpu
from boxable.weights.compiled import Compiled, Precision

RuntimeName = Literal["onnxruntime", "openvino", "litert", "cuda", "coreml", "directml", "torch"]
# What a caller may ask for: one of them, or the first of the documented order.
RuntimeChoice = RuntimeName | Literal["auto"]
PrecisionChoice = Precision | Literal["fastest"]


@dataclass(frozen=True, slots=True)
class _RuntimeType:
    """The precisions of a runtime, how to open it, and whether it is available on this machine."""

    precisions: tuple[Precision, ...]
    open: Callable[[Compiled, Precision, Concurrency], Runtime]
    is_available: Callable[[], bool]


def _onnx_runtime(provider: str) -> _RuntimeType:
    def open_(compiled: Compiled, precision: Precision, concurrency: Concurrency) -> Runtime:
        return OnnxRuntime(compiled, precision, concurrency, provider)

    return _RuntimeType(("fp32", "int8"), open_, lambda: has_provider(provider))


def _torch(compiled: Compiled, precision: Precision, concurrency: Concurrency) -> Runtime:
    return TorchRuntime(compiled, concurrency, half=precision == "fp16")


_RUNTIMES: dict[RuntimeName, _RuntimeType] = {
    "onnxruntime": _onnx_runtime("CPUExecutionProvider"),
    "openvino": _RuntimeType(("fp32", "bf16", "int8"), OpenVinoRuntime, lambda: find_spec("openvino") is not None),
    "litert": _RuntimeType(("fp32", "int8"), LiteRtRuntime, lambda: find_spec("ai_edge_litert") is not None),
    "cuda": _onnx_runtime("CUDAExecutionProvider"),
    "coreml": _onnx_runtime("CoreMLExecutionProvider"),
    "directml": _onnx_runtime("DmlExecutionProvider"),
    "torch": _RuntimeType(("fp32", "fp16"), _torch, sees_gpu),
}


__all__ = [
    "Concurrency", "PerProcess", "PrecisionChoice", "Runtime", "RuntimeChoice", "RuntimeName", "available_runtimes",
    "check", "check_precision", "open_runtime", "precisions_available", "precisions_of",
]  # fmt: skip


def open_runtime(name: RuntimeName, compiled: Compiled, precision: Precision, concurrency: Concurrency) -> Runtime:
    """Open a model on a runtime. Raises as `check` and the runtime do."""
    check(name, precision)
    return _RUNTIMES[name].open(compiled, precision, concurrency)


def check(name: str, precision: str) -> None:
    """Raise ArgumentError unless there is such a runtime, and it computes in this precision."""
    if name not in _RUNTIMES:
        raise ArgumentError(f"runtime: expected one of {', '.join(_RUNTIMES)}, auto, got {name!r}")
    check_precision(precision)
    if precision not in _RUNTIMES[name].precisions:
        able = " or ".join(repr(other) for other, item in _RUNTIMES.items() if precision in item.precisions)
        raise ArgumentError(f"precision={precision!r}: expected runtime={able}, got {name!r}")


def check_precision(precision: str) -> None:
    """Raise ArgumentError unless there is such a precision."""
    if precision not in get_args(Precision):
        raise ArgumentError(f"precision: expected one of {', '.join(get_args(Precision))}, fastest, got {precision!r}")


def precisions_of(name: RuntimeName) -> tuple[Precision, ...]:
    """List the precisions of a runtime."""
    return _RUNTIMES[name].precisions


def precisions_available(name: RuntimeName) -> tuple[Precision, ...]:
    """List the precisions of a runtime on this machine; torch has more than the first only on a GPU."""
    item = _RUNTIMES[name]
    return item.precisions if item.is_available() else item.precisions[:1]


def available_runtimes() -> list[RuntimeName]:
    """List the runtimes that are installed and have their device, the default first."""
    return [name for name, item in _RUNTIMES.items() if item.is_available()]
