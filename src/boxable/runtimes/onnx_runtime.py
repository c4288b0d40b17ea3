"""ONNX Runtime: the default; on the CPU, or on the device of one of its execution providers."""

from collections.abc import Mapping
from typing import Any

from boxable.arrays import Floats
from boxable.errors import ArgumentError, WeightsError
from boxable.runtimes.interface import Concurrency
from boxable.runtimes.telemetry import import_onnxruntime
from boxable.settings import processor_kind
from boxable.weights.compiled import Compiled, Precision

CPU = "CPUExecutionProvider"


def has_provider(provider: str) -> bool:
    """Tell whether the installed ONNX Runtime has an execution provider."""
    return provider in import_onnxruntime().get_available_providers()


class OnnxRuntime:
    """The graphs of a model as ONNX Runtime sessions. `run` may be called from many threads at once.

    Raises WeightsError, which begins with the model's name, if a graph cannot be read, and ArgumentError if the
    provider is unavailable.
    """

    def __init__(self, compiled: Compiled, precision: Precision, concurrency: Concurrency, provider: str = CPU) -> None:
        graphs = compiled.description.network.graphs
        self._sessions = {
            name: open_session(
                compiled.onnx(name, precision), compiled.name, concurrency.threads_each, provider,
                one_size=all(None not in shape for shape in graph.inputs.values()),
            )
            for name, graph in graphs.items()
        }  # fmt: skip
        self._outputs = {graph: list(graphs[graph].outputs) for graph in graphs}

    def run(self, graph: str, inputs: Mapping[str, Floats]) -> dict[str, Floats]:
        """Run a graph; see `Runtime.run`."""
        names = self._outputs[graph]
        return dict(zip(names, self._sessions[graph].run(names, inputs), strict=True))


def open_session(graph: bytes, name: str, threads: int, provider: str = CPU, *, one_size: bool = True) -> Any:
    """Open an `onnxruntime.InferenceSession` whose runs use this many threads. Raises as `OnnxRuntime` does.

    `one_size`: images have one size; else memory is not planned by size, which would keep a plan for each.
    """
    onnxruntime = import_onnxruntime()
    if not has_provider(provider):
        found = ", ".join(onnxruntime.get_available_providers())
        raise ArgumentError(
            f"expected an ONNX Runtime with {provider}, got one with {found}; install the build with it"
        )
    try:
        # Operations that a provider lacks run on the CPU.
        options = session_options(threads)
        options.enable_mem_pattern = one_size
        providers = list(dict.fromkeys([provider, CPU]))
        session = onnxruntime.InferenceSession(graph, options, providers=providers)
    # Its exception classes share no base of their own.
    except Exception as error:
        reason = str(error).splitlines()[0][:160]
        raise WeightsError(f"{name}: ONNX Runtime cannot read this graph ({reason})") from None
    used = session.get_providers()
    if used[0] != provider:  # it falls back to the next provider if one does not find its device or libraries
        raise ArgumentError(f"{provider} does not work here: ONNX Runtime fell back to {', '.join(used)}")
    return session


def session_options(threads: int) -> Any:
    """Make the `onnxruntime.SessionOptions` of runs that use this many threads."""
    options = import_onnxruntime().SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    if processor_kind() not in ("AMX", "VNNI"):
        # Its default kernels add products in 16 bits there, which overflow. With AMX the setting would make int8 two
        # to four times slower.
        options.add_session_config_entry("session.x64quantprecision", "1")
    return options
