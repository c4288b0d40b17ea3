"""OpenVINO on the CPU: often the fastest on Intel and AMD, and the one that has bfloat16."""

import threading
from collections.abc import Mapping
from functools import partial
from typing import Any

from boxable.arrays import Floats
from boxable.errors import MissingExtraError, WeightsError
from boxable.networks.network import Graph
from boxable.runtimes.interface import Arrays, Concurrency, run_in_batches
from boxable.runtimes.telemetry import import_openvino
from boxable.weights.compiled import Compiled, Precision


class OpenVinoRuntime:
    """The graphs of a model, compiled by OpenVINO. `run` may be called from many threads at once.

    In "bf16" and "int8", layers that are not int8 compute in bfloat16 where the processor has it. Raises
    MissingExtraError without OpenVINO, and WeightsError, which begins with the model's name, if a graph cannot be read.
    """

    def __init__(self, compiled: Compiled, precision: Precision, concurrency: Concurrency) -> None:
        try:
            openvino = import_openvino()
        except (ImportError, OSError):  # OSError: a library that it needs
            raise MissingExtraError("the OpenVINO runtime", "boxable[openvino]") from None
        core = openvino.Core()
        options = compile_options(core, concurrency, bfloat16=precision != "fp32")
        graphs = compiled.description.network.graphs
        self._batches = {name: concurrency.batch_of(graph) for name, graph in graphs.items()}
        self._compiled: dict[str, Any] = {}
        for name, graph in graphs.items():
            try:
                model = core.read_model(compiled.onnx(name, precision))
                # A batch of any size would cost up to half as much time again.
                model.reshape({key: [self._batches[name], *_sizes(graph, key)] for key in graph.inputs})
                self._compiled[name] = core.compile_model(model, "CPU", options)
            except RuntimeError as error:
                reason = " ".join(str(error).split())[:160]
                raise WeightsError(f"{compiled.name}: OpenVINO cannot read this graph ({reason})") from None
        self._outputs = {name: list(graph.outputs) for name, graph in graphs.items()}
        self._of_thread = threading.local()

    def run(self, graph: str, inputs: Mapping[str, Floats]) -> Arrays:
        """Run a graph; see `Runtime.run`."""
        return run_in_batches(inputs, self._batches[graph], partial(self._infer, graph))

    def _infer(self, graph: str, inputs: Arrays) -> Arrays:
        # Not copied: the predictions for 601 classes are 4.6 MB an image.
        found = self._request(graph).infer(dict(inputs), share_inputs=True, share_outputs=True)
        return {name: found[name] for name in self._outputs[graph]}

    def _request(self, graph: str) -> Any:
        """Return this thread's request: no two threads may use one."""
        requests = self._of_thread.__dict__
        if graph not in requests:
            requests[graph] = self._compiled[graph].create_infer_request()
        return requests[graph]


def compile_options(core: Any, concurrency: Concurrency, *, bfloat16: bool) -> dict[str, int | str]:
    """Return the options to compile with for the CPU; bfloat16 only where the processor has it."""
    native = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return {
        "INFERENCE_NUM_THREADS": concurrency.threads,
        "NUM_STREAMS": concurrency.callers,
        "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 and native else "f32",
    }


def _sizes(graph: Graph, name: str) -> list[int]:
    return [-1 if size is None else size for size in graph.inputs[name]]
