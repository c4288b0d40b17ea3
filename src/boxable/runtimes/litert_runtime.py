"""LiteRT, formerly TensorFlow Lite, on the CPU."""

from collections import deque
from collections.abc import Mapping
from functools import partial
from threading import Lock
from typing import Any

from boxable.arrays import Floats
from boxable.errors import MissingExtraError, WeightsError
from boxable.networks.network import Graph
from boxable.runtimes.interface import Arrays, Concurrency, run_in_batches
from boxable.weights.compiled import Compiled, Precision


class LiteRtRuntime:
    """The graphs of a model as TFLite files. `run` may be called from many threads at once.

    Calls at the same time have an interpreter each, which share the file but each pack the weights for their kernels.
    Raises MissingExtraError without LiteRT, and WeightsError, which begins with the model's name, if it cannot read a
    graph.
    """

    def __init__(self, compiled: Compiled, precision: Precision, concurrency: Concurrency) -> None:
        _interpreter_class()
        self._graphs = {}
        for name, graph in compiled.description.network.graphs.items():
            batch = concurrency.batch_of(graph)
            file = compiled.tflite(name, precision, batch)
            try:
                self._graphs[name] = _Interpreters(graph, file, concurrency.threads_each, batch)
            except (RuntimeError, ValueError) as error:
                reason = " ".join(str(error).split())[:160]
                raise WeightsError(f"{compiled.name}: LiteRT cannot read this graph ({reason})") from None

    def run(self, graph: str, inputs: Mapping[str, Floats]) -> Arrays:
        """Run a graph; see `Runtime.run`."""
        interpreters = self._graphs[graph]
        return run_in_batches(inputs, interpreters.batch, partial(interpreters.run))


class _Interpreters:
    """The interpreters of one graph: as many as there were calls at the same time."""

    def __init__(self, graph: Graph, file: bytes, threads: int, batch: int) -> None:
        self._graph, self._file, self._threads, self.batch = graph, file, threads, batch
        self._opening = Lock()
        first = self._open()
        details = (*first.get_input_details(), *first.get_output_details())
        self._tensors: dict[str, int] = {item["name"]: item["index"] for item in details}
        self._idle = deque([first])

    def run(self, inputs: Arrays) -> Arrays:
        try:
            interpreter = self._idle.pop()
        except IndexError:
            interpreter = self._open()
        try:
            self._resize(interpreter, inputs)
            for name, values in inputs.items():
                interpreter.set_tensor(self._tensors[name], values)
            interpreter.invoke()
            return {name: interpreter.get_tensor(self._tensors[name]) for name in self._graph.outputs}
        finally:
            self._idle.append(interpreter)

    def _resize(self, interpreter: Any, inputs: Arrays) -> None:
        """Give the interpreter the sizes of these inputs, where the graph leaves them open."""
        if not any(None in shape for shape in self._graph.inputs.values()):
            return
        for name, values in inputs.items():
            interpreter.resize_tensor_input(self._tensors[name], values.shape)
        interpreter.allocate_tensors()

    def _open(self) -> Any:
        with self._opening:
            interpreter = _interpreter_class()(model_content=self._file, num_threads=self._threads)
            interpreter.allocate_tensors()
        return interpreter


def _interpreter_class() -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        raise MissingExtraError("the LiteRT runtime", "boxable[litert]") from None
    return Interpreter
