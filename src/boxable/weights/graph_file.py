"""Read weights and label strings from the constants of a TensorFlow graph (SEMANTICS §12.3 to §12.5).

A frozen graph is a GraphDef; a SavedModel or TF-Hub module has one in its first meta graph, whatever its tags.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.errors import WeightsError
from boxable.tf_messages import parse, sizes
from boxable.weights.variables import canonical_name

# Limit of all constants: GROWTH times the file size, at least LEAST_BYTES. A small file can declare a huge tensor.
GROWTH, LEAST_BYTES = 4, 64 * 2**20
_FLOAT, _HALF, _STRING = 1, 19, 7
_THRESHOLDS = ("/score_threshold", "/FilterGreaterThan/Greater/y")
# Of a network of two stages, the threshold of this one counts, not that of the proposals.
_SECOND_STAGE = "SecondStagePostprocessor/"


@dataclass(frozen=True, slots=True)
class GraphContents:
    """Constants of a graph.

    `weights`: node name -> float array; `strings`: the string tensors of two or more values, in node order;
    `score_threshold`: that of the post-processing, or None.
    """

    weights: dict[str, NDArray[np.float32]]
    strings: tuple[tuple[str, ...], ...]
    score_threshold: float | None


def read_frozen_graph(data: bytes, name: str) -> GraphContents:
    """Read a GraphDef file. Raises WeightsError, prefixed with `name`."""
    graph, size = parse("Graph", data, name), len(data)
    del data  # parsing copied it, and so does each array
    return _contents(graph, name, size)


def read_saved_model(data: bytes, name: str) -> GraphContents:
    """Read a saved_model.pb. Raises WeightsError, prefixed with `name`."""
    meta_graphs, size = parse("SavedModel", data, name).meta_graphs, len(data)
    del data
    if not meta_graphs:
        raise WeightsError(f"{name}: contains no graph; expected a SavedModel or a TF-Hub module")
    return _contents(meta_graphs[0].graph_def, name, size)


def _contents(graph: Any, name: str, size: int) -> GraphContents:
    weights: dict[str, NDArray[np.float32]] = {}
    strings: list[tuple[str, ...]] = []
    threshold, is_of_second_stage = None, False
    left = max(GROWTH * size, LEAST_BYTES)
    for node, tensor in _constants(graph):
        if tensor.dtype == _STRING and len(tensor.string_val) > 1:
            strings.append(tuple(text.decode("utf-8", "replace") for text in tensor.string_val))
        elif tensor.dtype in (_FLOAT, _HALF) and canonical_name(node) is not None:
            weights[node] = _array(tensor, f"{name}: {node}", left)
            left -= weights[node].nbytes
        elif tensor.dtype == _FLOAT and node.endswith(_THRESHOLDS) and not is_of_second_stage:
            threshold = float(_array(tensor, f"{name}: {node}", 4).ravel()[0])
            is_of_second_stage = _SECOND_STAGE in node
    return GraphContents(weights, tuple(strings), threshold)


def _constants(graph: Any) -> Iterator[tuple[str, Any]]:
    for node in graph.node:
        if node.op == "Const":
            yield from ((node.name, attribute.value.tensor) for attribute in node.attr if attribute.key == "value")


def _array(tensor: Any, name: str, limit: int) -> NDArray[np.float32]:
    """Decode a tensor to float32: raw bytes, or a list whose last value is repeated to fill the shape."""
    shape = sizes(tensor.shape, name)
    dtype = np.dtype("<f4" if tensor.dtype == _FLOAT else "<f2")
    count = math.prod(shape)
    if count == 0 or count * 4 > limit:
        raise WeightsError(f"{name}: a tensor of shape {shape} is empty or too large")
    if tensor.content:
        if len(tensor.content) != count * dtype.itemsize:
            raise WeightsError(f"{name}: {len(tensor.content)} bytes for a tensor of shape {shape}, type {dtype}")
        return np.frombuffer(tensor.content, dtype).reshape(shape).astype(np.float32, copy=False)
    if tensor.dtype == _FLOAT:
        values = np.array(tensor.float_val, np.float32)
    else:  # float16 as its bits in int32
        values = np.array(tensor.half_val, np.int32).astype(np.uint16).view(np.float16).astype(np.float32)
    if not 1 <= len(values) <= count:
        raise WeightsError(f"{name}: {len(values)} values for a tensor of shape {shape}")
    filled = np.full(count, values[-1])
    filled[: len(values)] = values
    return filled.reshape(shape)
