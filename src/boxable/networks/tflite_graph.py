"""A graph and its weights as a TFLite file, in float32 or, with a calibration, in int8."""

from boxable.networks.calibration import Calibration
from boxable.networks.equalize import equalize
from boxable.networks.network import Graph
from boxable.networks.tflite_backend import TfliteBackend
from boxable.networks.tflite_int8_backend import TfliteInt8Backend
from boxable.networks.tflite_writer import TfliteFile
from boxable.networks.walk import Backend, Weights, walk

# More than everything but the constants takes.
_TABLES_BYTES = 1 << 19


def build_tflite(graph: Graph, weights: Weights, batch: int = 1, *, calibration: Calibration | None = None) -> bytes:
    """Build a TFLite file of a graph for batches of this size; batch norm is folded.

    Inputs and outputs are float32 `[batch, *shape]`, named as the graph's; sizes that are not known are 1 in the file,
    for the interpreter to resize. With a `calibration` most of the graph computes in int8 (see
    `networks.tflite_int8_backend`); raises KeyError for a tensor without a range.
    """
    if calibration is not None:
        weights = equalize(graph, weights, calibration.factors)
    file = TfliteFile(sum(values.nbytes for values in weights.values()) + _TABLES_BYTES)
    float_backend = TfliteBackend(graph, weights, file, batch)
    backend: Backend[int] = float_backend if calibration is None else TfliteInt8Backend(float_backend, calibration)
    inputs = {name: float_backend.tensor(shape, name) for name, shape in graph.inputs.items()}
    returned = walk(graph, backend, inputs)
    return file.finish(list(inputs.values()), list(returned.values()))
