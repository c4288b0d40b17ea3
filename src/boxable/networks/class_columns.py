"""Fewer classes in a compiled graph: its class heads then compute only the columns that are wanted."""

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from boxable.networks.layers import Network


def keep_columns(model: onnx.ModelProto, network: Network, columns: Sequence[int]) -> None:
    """Leave only these classes in a graph that `build_onnx` made of `network`, in any precision.

    `columns` are 0-based, background not counted, which stays. What is computed for them is what it was.
    """
    kept = np.array([0, *(column + 1 for column in columns)])
    for tensor in model.graph.initializer:
        head = next((head for head in network.class_heads if tensor.name.startswith(f"{head.name}/")), None)
        if head is not None:
            values = _kept(numpy_helper.to_array(tensor), kept, head.outputs, network.num_classes + 1)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    for output in model.graph.output:
        if output.name == "class_logits":
            output.type.tensor_type.shape.dim[2].dim_value = len(kept)


def _kept(values: NDArray[np.generic], kept: NDArray[np.intp], outputs: int, columns: int) -> NDArray[np.generic]:
    """A tensor of a class head: kernel, bias, their scales and zeros have its outputs last, anchor by anchor."""
    if values.shape[-1] != outputs:  # the shape of the result: batch, anchors, columns
        return np.array([*values[:-1], len(kept)], values.dtype)
    by_anchor = values.reshape(*values.shape[:-1], -1, columns)[..., kept]
    return np.ascontiguousarray(by_anchor.reshape(*values.shape[:-1], -1))
