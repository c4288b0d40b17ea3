"""Milliseconds of each layer of a network, as the runtimes' own profilers tell them."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx

from boxable.networks.network import Network
from boxable.runtimes import Concurrency
from boxable.runtimes.onnx_runtime import session_options
from boxable.runtimes.openvino_runtime import compile_options
from boxable.runtimes.telemetry import import_onnxruntime, import_openvino

onnxruntime = import_onnxruntime()

# What belongs to no layer: changes of layout and type, and putting the heads together.
OTHER = "other"
Times = dict[str, float]


def named_nodes(graph: bytes) -> bytes:
    """Name each node after its result, which is named after its layer: profilers report node names."""
    model = onnx.load_from_string(graph)
    for node in model.graph.node:
        node.name = node.output[0]
    return bytes(model.SerializeToString())


class OnnxRuntimeProfile:
    """Each call runs the network once, on one thread; `times` then tells the least of each layer."""

    def __init__(self, graph: bytes, network: Network, precision: str) -> None:
        self._network, self._folder = network, TemporaryDirectory()
        options = session_options(1)
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(self._folder.name) / "profile")
        self._session = onnxruntime.InferenceSession(named_nodes(graph), options, providers=["CPUExecutionProvider"])

    def __call__(self, image: np.ndarray) -> None:
        """Run the network once."""
        self._session.run(None, {"images": image})

    def times(self) -> Times:
        """Milliseconds of each layer."""
        with self._folder:
            events = json.loads(Path(self._session.end_profiling()).read_text())
        suffix = "_kernel_time"
        nodes = (event for event in events if event.get("cat") == "Node" and event["name"].endswith(suffix))
        return by_layer(self._network, ((node["name"].removesuffix(suffix), node["dur"] / 1000) for node in nodes))


class OpenVinoProfile:
    """As OnnxRuntimeProfile; with the options of `boxable.runtimes`."""

    def __init__(self, graph: bytes, network: Network, precision: str) -> None:
        openvino = import_openvino()
        self._network, self._nodes = network, []
        core = openvino.Core()
        model = core.read_model(graph)
        model.reshape([1, *network.preprocess.size, 3])
        options = compile_options(core, Concurrency(1), bfloat16=precision == "int8") | {"PERF_COUNT": True}
        self._request = core.compile_model(model, "CPU", options).create_infer_request()

    def __call__(self, image: np.ndarray) -> None:
        """Run the network once."""
        self._request.infer({"images": image}, share_inputs=True)
        nodes = self._request.get_profiling_info()
        self._nodes += [(node.node_name, node.real_time.total_seconds() * 1000) for node in nodes]

    def times(self) -> Times:
        """Milliseconds of each layer."""
        return by_layer(self._network, self._nodes)


PROFILES: dict[str, Callable[[bytes, Network, str], OnnxRuntimeProfile | OpenVinoProfile]] = {
    "onnxruntime": OnnxRuntimeProfile,
    "openvino": OpenVinoProfile,
}


def by_layer(network: Network, nodes: Iterable[tuple[str, float]]) -> Times:
    """Milliseconds of each layer: the sum over the nodes whose names begin with its name, of each the quickest run.

    A busy machine makes other runs slower, and long nodes most.
    """
    runs = defaultdict(list)
    for name, milliseconds in nodes:
        runs[name].append(milliseconds)
    names = sorted((layer.name for layer in network.layers), key=len, reverse=True)
    times: Times = defaultdict(float)
    for node, milliseconds in runs.items():
        times[next((name for name in names if node.startswith(name)), OTHER)] += min(milliseconds)
    return times
